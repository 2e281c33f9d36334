/* getsockname() and getpeername(). */
#include <errno.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/memory.h"
#include "run/vehicle.h"

int64_t sys_getsockname(const struct call *c, struct file *f)
{
    uint8_t addr[28];
    uint32_t len = sizeof(addr);
    int err;

    if (f->state == FILE_DATAGRAM) /* what it has written may have bound it to a port */
        datagram_run(f);
    err = hf_sock_getsockname(f->sk, addr, &len);
    return err < 0 ? err : memory_write_address(c, c->args[1], c->args[2], addr, len);
}

int64_t sys_getpeername(const struct call *c, struct file *f)
{
    uint8_t addr[28];
    uint32_t len = sizeof(addr);
    int err;

    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    err = hf_sock_getpeername(f->sk, addr, &len);
    return err < 0 ? err : memory_write_address(c, c->args[1], c->args[2], addr, len);
}
