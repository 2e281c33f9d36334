/* Datagrams made of several sends: MSG_MORE, UDP_CORK. */
#ifndef SOCKET_CORK_H
#define SOCKET_CORK_H

#include "socket/sock.h"

/* Begins one as `how` says, whose first bytes will be so many. udp_send's errors. Then sock_cork is
 * set until the datagram has left, failed or was dropped. */
HF_NODISCARD int cork_begin(struct hf_sock *sk, const struct udp_how *how, bool is4, size_t bytes);

/* The datagram that is being made goes by IPv4. */
bool cork_is4(const struct hf_sock *sk);

/* Appends a message; unless more is to follow, the datagram is sent. The message's length, or the
 * error that ended the datagram: -HF_EMSGSIZE, -HF_ENOBUFS, udp_send's. */
HF_NODISCARD int64_t cork_append(struct hf_sock *sk, const struct hf_msg *msg, bool more);

/* Sends what there is. 0 or udp_send's error. */
int cork_push(struct hf_sock *sk);

void cork_drop(struct hf_sock *sk);

#endif
