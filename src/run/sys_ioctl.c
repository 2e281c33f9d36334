/* ioctl() requests whose answer the vehicle does not know, or knows only once all has been carried
 * to it that has come. */
#include <errno.h>
#include <sys/ioctl.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/memory.h"
#include "run/outward.h"

int64_t sys_ioctl(const struct call *c, struct file *f)
{
    unsigned long request = (uint32_t)c->args[1];
    int value;
    int err;

    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    if (request == FIONREAD)
        return CALL_CONTINUE;
    if (request == HF_SIOCATMARK && (f->state == FILE_CONNECTED || f->state == FILE_FAILED))
        return CALL_CONTINUE; /* the mark is where the program reads, in the vehicle */
    err = hf_sock_ioctl(f->sk, request, &value);
    if (err < 0)
        return err;
    if (request == HF_SIOCOUTQ || request == HF_SIOCOUTQNSD)
        value += outward_waiting(f);
    return memory_write(c, c->args[2], &value, sizeof(value));
}
