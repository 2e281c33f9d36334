/* Ancillary data: struct cmsghdr of Linux (64-bit: length 8 bytes, level, type, data, padded to 8).
 */
#ifndef SOCKET_CONTROL_H
#define SOCKET_CONTROL_H

#include "socket/sock.h"

/* Looks for IP_PKTINFO / IPV6_PKTINFO in what is to be sent. -HF_EINVAL: malformed, or a level or
 * type that Linux refuses. */
HF_NODISCARD int control_read_source(const struct hf_sock *sk, const struct hf_msg *msg,
                                     struct ip_addr *src, bool *has_src);

/* Writes what the socket's options ask for about a datagram; sets control_len and HF_MSG_CTRUNC. */
void control_write(const struct hf_sock *sk, const struct udp_dgram *d, struct hf_msg *msg);

#endif
