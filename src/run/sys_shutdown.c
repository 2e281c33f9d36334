/* shutdown(). */
#include <errno.h>
#include <sys/socket.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/pump.h"
#include "run/vehicle.h"

/* Linux: -ENOTCONN once both sides have ended, 0 before. */
static int stands(struct file *f)
{
    uint8_t addr[28];
    uint32_t len = sizeof(addr);

    return hf_sock_getpeername(f->sk, addr, &len);
}

int64_t sys_shutdown(const struct call *c, struct file *f)
{
    int how = (int)c->args[1];
    int err;

    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    if (f->state == FILE_DATAGRAM)
        return datagram_shutdown(f, how);
    if (f->state == FILE_CONNECTED) {
        err = stands(f);
        pump_shutdown(f, how);
        files_settle(c->sv);
        return err;
    }
    err = hf_sock_shutdown(f->sk, how);
    if (err == -ENOTCONN && f->state == FILE_FRESH) { /* Linux: yet it sticks */
        f->rd_shut |= how != SHUT_WR;
        f->wr_shut |= how != SHUT_RD;
    }
    if (err == 0 && f->state == FILE_CONNECTING)
        vehicle_fail(f);
    if (err == 0 && f->state == FILE_LISTENING && how != SHUT_WR)
        vehicle_unlisten(f);
    return err;
}
