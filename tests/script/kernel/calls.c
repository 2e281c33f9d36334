/* The calls of pages, made to the kernel: what they need of handfast/socket.h, on its sockets. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handfast/socket.h"

#include "kernel.h"

struct hf_sock {
    int fd;
};

static int answer(int result)
{
    return result < 0 ? -errno : 0;
}

static int made(int fd, struct hf_sock **out)
{
    if (fd < 0)
        return -errno;
    *out = malloc(sizeof(**out));
    if (!*out)
        abort();
    (*out)->fd = fd;
    kernel_opened(fd);
    return 0;
}

int hf_sock_new(struct hf_stack *st, int domain, int type, int protocol, struct hf_sock **out)
{
    return made(socket(domain, type | SOCK_NONBLOCK, protocol), out);
}

int hf_sock_accept(struct hf_sock *sk, struct hf_sock **out)
{
    return made(accept4(sk->fd, NULL, NULL, SOCK_NONBLOCK), out);
}

/* Whoever can wait joins an open that is under way. */
int hf_sock_connect(struct hf_sock *sk, const void *addr, uint32_t len, bool can_wait)
{
    int error = answer(connect(sk->fd, addr, len));

    return can_wait && error == -EALREADY ? -EINPROGRESS : error;
}

/* A waiter's call says 0 once; here another connect() must be made to take that. */
int hf_sock_connect_result(struct hf_sock *sk)
{
    struct pollfd p = {.fd = sk->fd, .events = POLLOUT};
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer), size = sizeof(int);
    int error = 0;

    if (poll(&p, 1, 0) <= 0)
        return -EINPROGRESS;
    if (getsockopt(sk->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    if (!error && getpeername(sk->fd, (struct sockaddr *)&peer, &len) == 0)
        (void)!connect(sk->fd, (struct sockaddr *)&peer, len);
    return -error;
}

int hf_sock_bind(struct hf_sock *sk, const void *addr, uint32_t len)
{
    return answer(bind(sk->fd, addr, len));
}

int hf_sock_listen(struct hf_sock *sk, int backlog)
{
    return answer(listen(sk->fd, backlog));
}

static struct msghdr header(const struct hf_msg *msg, struct iovec *iov)
{
    *iov = (struct iovec){msg->iov->base, msg->iov->len};
    return (struct msghdr){
        .msg_name = msg->addr, .msg_namelen = msg->addr_len, .msg_iov = iov, .msg_iovlen = 1};
}

int64_t hf_sock_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    struct iovec iov;
    struct msghdr h = header(msg, &iov);
    ssize_t n = sendmsg(sk->fd, &h, flags | MSG_NOSIGNAL);

    return n < 0 ? -errno : n;
}

int64_t hf_sock_recv(struct hf_sock *sk, struct hf_msg *msg, int flags)
{
    struct iovec iov;
    struct msghdr h = header(msg, &iov);
    ssize_t n = recvmsg(sk->fd, &h, flags);

    return n < 0 ? -errno : n;
}

int hf_sock_shutdown(struct hf_sock *sk, int how)
{
    return answer(shutdown(sk->fd, how));
}

void hf_sock_close(struct hf_sock *sk)
{
    kernel_closed(sk->fd);
    close(sk->fd);
    free(sk);
}

int hf_sock_getsockopt(struct hf_sock *sk, int level, int name, void *value, uint32_t *len)
{
    return answer(getsockopt(sk->fd, level, name, value, len));
}

int hf_sock_setsockopt(struct hf_sock *sk, int level, int name, const void *value, uint32_t len)
{
    return answer(setsockopt(sk->fd, level, name, value, len));
}

uint32_t hf_sock_poll(const struct hf_sock *sk)
{
    struct pollfd p = {.fd = sk->fd, .events = POLLIN | POLLOUT | POLLPRI | HF_POLLRDHUP};

    poll(&p, 1, 0);
    return (uint32_t)p.revents;
}

int hf_sock_ioctl(struct hf_sock *sk, unsigned long request, int *value)
{
    return answer(ioctl(sk->fd, request, value));
}

int hf_stack_set_tcp(struct hf_stack *st, enum hf_tcp_setting what, uint32_t value)
{
    static const char *const names[] = {
        [HF_TCP_SYN_RETRIES] = "syn_retries",
        [HF_TCP_SYNACK_RETRIES] = "synack_retries",
        [HF_TCP_TIMESTAMPS] = "timestamps",
        [HF_TCP_SACK] = "sack",
        [HF_TCP_WINDOW_SCALING] = "window_scaling",
        [HF_TCP_FASTOPEN_MODE] = "fastopen",
        [HF_TCP_SLOW_START_AFTER_IDLE] = "slow_start_after_idle",
        [HF_TCP_MTU_PROBING] = "mtu_probing",
        [HF_TCP_SYN_COOKIES] = "syncookies",
        [HF_TCP_ECN] = "ecn",
        [HF_TCP_FASTOPEN_PAUSE] = "fastopen_blackhole_timeout_sec",
    };
    char path[96], text[16];

    if (what >= sizeof(names) / sizeof(names[0]) || !names[what])
        return 0; /* sizes of buffers, which the page sees only of ours */
    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/tcp_%s", names[what]);
    snprintf(text, sizeof(text), "%u", value);
    kernel_set(path, text);
    return 0;
}

/* Of the kernel nobody asks these: call.c. */
uint64_t hf_stack_drops(const struct hf_stack *st, enum hf_drop reason)
{
    return 0;
}

const char *hf_drop_name(enum hf_drop reason)
{
    return "";
}

void hf_stack_stats(const struct hf_stack *st, struct hf_stack_stats *out)
{
    memset(out, 0, sizeof(*out));
}
