/* Calls that are over at once. */
#include "host/at_once.h"

#include "handfast/linux.h"
#include "host/bias.h"
#include "host/descriptor.h"
#include "host/env.h"
#include "host/file.h"
#include "host/user.h"

/* The file, if the number stands for a socket of the world of s. */
static struct file *look(int fd, const struct bias_seat *s)
{
    struct file *f = descriptor_look(fd);

    return f && f->host && f->host->world == s->world ? f : NULL;
}

/* What the file shows may have changed, by the caller's doing; others may have been told. */
static void tell(struct file *f)
{
    struct world *w = f->host->world;

    file_touch(f);
    if (!ring_alone(&w->touched))
        file_tell_touched(w);
}

static bool is_plain(int flags, size_t len)
{
    return len && !(flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL));
}

size_t at_once_send(int fd, const void *buf, size_t len, int flags)
{
    struct bias_seat *s = is_plain(flags, len) ? bias_enter() : NULL;
    struct file *f;
    size_t n = 0;

    if (!s)
        return 0;
    f = look(fd, s);
    if (f && user_is_own(buf, len, false)) {
        if (f->is_stream)
            hf_stack_clock(f->host->stack, host_tick());
        n = hf_sock_send_now(f->sk, buf, len);
        if (n)
            tell(f);
    }
    bias_leave(s);
    return n;
}

size_t at_once_recv(int fd, void *buf, size_t len, int flags)
{
    struct bias_seat *s = is_plain(flags, len) ? bias_enter() : NULL;
    struct file *f;
    size_t n = 0;

    if (!s)
        return 0;
    f = look(fd, s);
    if (f && user_is_own(buf, len, true)) {
        n = hf_sock_recv_now(f->sk, buf, len);
        if (n)
            tell(f);
    }
    bias_leave(s);
    return n;
}

/* C04: a datagram socket's peer is noted, and that is all. */
int at_once_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct bias_seat *s = bias_enter();
    uint8_t bytes[USER_ADDRESS_MAX];
    struct file *f;
    int result = AT_ONCE_NOT;

    if (!s)
        return AT_ONCE_NOT;
    f = look(fd, s);
    if (f && !f->is_stream && !f->is_unix) {
        result = user_read_address(bytes, addr, len);
        if (!result)
            result = hf_sock_connect(f->sk, bytes, len, false);
        tell(f);
    }
    bias_leave(s);
    return result;
}
