/* Datagrams made of several sends: MSG_MORE, UDP_CORK. */
#ifndef SOCKET_CORK_H
#define SOCKET_CORK_H

#include "socket/sock.h"

/* Begins one to dst, from src; NULL: the peer, what the route says. -HF_EDESTADDRREQ: neither dst
 * nor a peer. udp_autobind's errors, -HF_ENOBUFS. Then sk->cork is set until the datagram has left,
 * failed or was dropped.
 */
HF_NODISCARD int cork_begin(struct hf_sock *sk, const struct endpoint *dst,
                            const struct ip_addr *src);

/* Appends a message; unless more is to follow, the datagram is sent. The message's length, or the
 * error that ended the datagram: -HF_EMSGSIZE, -HF_ENOBUFS, udp_send's. */
HF_NODISCARD int64_t cork_append(struct hf_sock *sk, const struct hf_msg *msg, bool more);

/* Sends what there is. 0 or udp_send's error. */
int cork_push(struct hf_sock *sk);

void cork_drop(struct hf_sock *sk);

#endif
