/* What recv() has to tell besides data. */
#ifndef SOCKET_RECV_ERROR_H
#define SOCKET_RECV_ERROR_H

#include "socket/sock.h"

/* MSG_ERRQUEUE: the oldest entry of the error queue. -HF_EAGAIN when it is empty. */
HF_NODISCARD int64_t recv_error(struct hf_sock *sk, struct hf_msg *msg);

/* What IPV6_RECVPATHMTU waits for, when told_mtu is not 0: an empty message with IPV6_PATHMTU. */
HF_NODISCARD int64_t recv_path_mtu(struct hf_sock *sk, struct hf_msg *msg);

/* recv.c: copies from the frame what the vector holds and returns how much that was; gives an
 * address as a message's source. */
size_t recv_scatter(const struct hf_frame *f, uint32_t skip, const struct hf_iovec *iov, size_t n);
void recv_give_address(const struct hf_sock *sk, const struct endpoint *ep, struct hf_msg *msg);

#endif
