/* AF_NETLINK sockets: what each call is for them. Addresses are struct sockaddr_nl's bytes. */
#ifndef SOCKET_KERNEL_H
#define SOCKET_KERNEL_H

#include "socket/sock.h"

/* Linux: netlink_create. */
HF_NODISCARD int kernel_check(int type, int protocol);
HF_NODISCARD int kernel_bind(struct hf_sock *sk, const void *addr, uint32_t len);
HF_NODISCARD int kernel_connect(struct hf_sock *sk, const void *addr, uint32_t len);
/* len as in hf_sock_getsockname. */
HF_NODISCARD int kernel_sockname(const struct hf_sock *sk, void *addr, uint32_t *len);
HF_NODISCARD int kernel_peername(const struct hf_sock *sk, void *addr, uint32_t *len);
HF_NODISCARD int64_t kernel_send(struct hf_sock *sk, const struct hf_msg *msg, int flags);
HF_NODISCARD int64_t kernel_recv(struct hf_sock *sk, struct hf_msg *msg, int flags);
uint32_t kernel_poll(const struct hf_sock *sk);

/* kernel_options.c */
HF_NODISCARD int setsockopt_kernel(struct hf_sock *sk, int level, int name, const void *value,
                                   uint32_t len);
HF_NODISCARD int getsockopt_kernel(struct hf_sock *sk, int level, int name, void *value,
                                   uint32_t *len);

#endif
