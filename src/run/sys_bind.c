/* bind(). */
#include <errno.h>

#include "run/address.h"
#include "run/calls.h"
#include "run/reap.h"

int64_t sys_bind(const struct call *c, struct file *f)
{
    struct address at;
    int err = address_read(c, c->args[1], c->args[2], &at);

    if (err < 0)
        return err;
    /* Whoever is bound hears the groups that anybody here is in: those who were may be closed. */
    if (c->sv->members && f->state == FILE_DATAGRAM)
        reap_now(c->sv);
    err = hf_sock_bind(f->sk, at.bytes, at.len);
    if (err != -EADDRINUSE)
        return err;
    reap_now(c->sv); /* who has the port may be closed already */
    return hf_sock_bind(f->sk, at.bytes, at.len);
}
