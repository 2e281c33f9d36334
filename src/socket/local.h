/* AF_UNIX sockets: what each call is for them. Addresses are struct sockaddr_un's bytes. */
#ifndef SOCKET_LOCAL_H
#define SOCKET_LOCAL_H

#include "socket/sock.h"

/* The name that an address has. -HF_EINVAL: its length or family is none. */
HF_NODISCARD int local_address(const void *addr, uint32_t len, const uint8_t **path,
                               uint32_t *path_len);
/* The name of u as an address; u NULL: -HF_ENOTCONN. len as in hf_sock_getsockname. */
HF_NODISCARD int local_name(const struct unix_pcb *u, void *addr, uint32_t *len);

HF_NODISCARD int local_bind(struct hf_sock *sk, const void *addr, uint32_t len);
HF_NODISCARD int local_connect(struct hf_sock *sk, const void *addr, uint32_t len);
HF_NODISCARD int local_listen(struct hf_sock *sk, uint32_t backlog);
HF_NODISCARD int local_accept(struct hf_sock *sk, struct hf_sock **out);
HF_NODISCARD int local_ioctl(struct hf_sock *sk, unsigned long request, int *value);
uint32_t local_poll(const struct hf_sock *sk);

/* local_message.c */
HF_NODISCARD int64_t local_send(struct hf_sock *sk, const struct hf_msg *msg, int flags);
HF_NODISCARD int64_t local_recv(struct hf_sock *sk, struct hf_msg *msg, int flags);

/* local_options.c: SOL_SOCKET. */
HF_NODISCARD int setsockopt_local(struct hf_sock *sk, int name, const void *value, uint32_t len);
HF_NODISCARD int getsockopt_local(struct hf_sock *sk, int name, void *value, uint32_t *len);

#endif
