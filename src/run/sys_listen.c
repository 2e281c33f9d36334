/* listen(). */
#include <errno.h>

#include "run/calls.h"
#include "run/reap.h"
#include "run/vehicle.h"

int64_t sys_listen(const struct call *c, struct file *f)
{
    int backlog = (int)c->args[1];
    int err = hf_sock_listen(f->sk, backlog);

    if (err == -EADDRINUSE) {
        reap_now(c->sv);
        err = hf_sock_listen(f->sk, backlog);
    }
    if (err < 0)
        return err;
    if (f->state == FILE_FAILED || f->state == FILE_CONNECTING)
        err = vehicle_renew(c, f);
    if (err == 0 && f->state == FILE_FRESH)
        err = vehicle_listening(f);
    return err < 0 ? -ENOBUFS : 0;
}
