/* socket(): for AF_INET, AF_INET6 and, of AF_NETLINK, the protocols that tell of the network; the
 * filter sends no other here. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/inject.h"
#include "run/owner.h"
#include "run/reap.h"
#include "run/vehicle.h"

#define TYPE_MASK 0xf /* the kernel's SOCK_TYPE_MASK */

static int stream_new(struct supervisor *sv, struct hf_sock *sk, bool nonblocking,
                      struct file **out)
{
    int fd = vehicle_new(nonblocking);
    int err;

    if (fd < 0)
        return fd;
    err = file_new(sv, sk, fd, out);
    if (err < 0) {
        file_shut(&fd);
        return err;
    }
    (*out)->fd = fd;
    reap_within(sv, 10 * HF_S);
    return 0;
}

static int make(struct supervisor *sv, struct hf_sock *sk, int type, bool nonblocking,
                struct file **out)
{
    return type == SOCK_STREAM ? stream_new(sv, sk, nonblocking, out)
                               : datagram_new(sv, sk, nonblocking, out);
}

/* A descriptor or memory that we lack is the system's lack, as the program sees it. */
static int own_error(int err)
{
    return err == -EMFILE ? -ENFILE : err;
}

int64_t sys_socket(const struct call *c, struct file *none)
{
    struct supervisor *sv = c->sv;
    int type = (int)c->args[1] & TYPE_MASK;
    int flags = (int)c->args[1] & ~TYPE_MASK;
    bool nonblocking = flags & SOCK_NONBLOCK;
    struct hf_sock *sk;
    struct file *f;
    int err;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    reap_before_socket(sv);
    err = hf_sock_new(sv->stack, (int)c->args[0], type, (int)c->args[2], &sk);
    if (err < 0)
        return err;
    if ((int)c->args[0] == AF_NETLINK)
        hf_sock_set_owner(sk, (uint32_t)owner_process(c->tid), owner_is_admin(c->tid));
    err = make(sv, sk, type, nonblocking, &f);
    if (err == -EMFILE && reap_for_room(sv))
        err = make(sv, sk, type, nonblocking, &f);
    if (err < 0) {
        hf_sock_close(sk);
        return own_error(err);
    }
    err = inject_answer(c, f->fd, flags & SOCK_CLOEXEC);
    if (err < 0) {
        file_close(f);
        return err == CALL_GONE ? CALL_SENT : err;
    }
    file_seen(f, c->tid, err);
    return CALL_SENT;
}
