/* Ancillary data: struct cmsghdr of Linux (64-bit: length 8 bytes, level, type, data, padded to 8).
 */
#ifndef SOCKET_CONTROL_H
#define SOCKET_CONTROL_H

#include "socket/sock.h"
#include "transport/err_queue.h"

/* Room for ancillary data that is being filled. */
struct control {
    struct hf_msg *msg;
    size_t used;
};

#define CONTROL_HEADER 16

struct control_header {
    uint64_t len; /* header and data */
    int32_t level, type;
};

static inline size_t control_padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* What the messages of a datagram to be sent over IPv4, or over IPv6, say; how->dst is set, the
 * rest of how is as the socket says.
 *   -HF_EINVAL  malformed, or a type that Linux refuses
 *   -HF_EPERM   SO_MARK or SO_PRIORITY without the privilege
 *   -HF_ENODEV  IPV6_PKTINFO: no such link */
HF_NODISCARD int control_read(const struct hf_sock *sk, const struct hf_msg *msg, bool is4,
                              struct udp_how *how);

/* Adds one item; what has no room is cut short, and HF_MSG_CTRUNC tells. */
void control_put(struct control *w, int level, int type, const void *data, size_t len);

/* timestamp.c: adds when it came. */
/* When something happened to what was sent. */
void timestamp_write_sent(const struct hf_sock *sk, hf_time when, struct hf_msg *msg,
                          struct control *w);
void timestamp_write(const struct hf_sock *sk, hf_time when, struct control *w);

/* Adds what the socket's options ask for about an ICMP message to local. */
void control_write_error(const struct hf_sock *sk, const struct sock_error *e,
                         const struct ip_addr *local, struct control *w);

/* Writes what the socket's options ask for about a datagram; sets control_len and HF_MSG_CTRUNC. */
void control_write(const struct hf_sock *sk, const struct hf_frame *f, struct hf_msg *msg);

#endif
