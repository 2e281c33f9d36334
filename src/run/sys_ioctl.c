/* ioctl() requests whose answer the vehicle does not know, or knows only once all has been carried
 * to it that has come. */
#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "run/borrow.h"
#include "run/calls.h"
#include "run/files.h"
#include "run/memory.h"
#include "run/outward.h"

/* What a link or one of its addresses is, as a socket of that family asks. */
static int64_t ask_link(const struct call *c, int family, unsigned long request)
{
    uint8_t ifreq[HF_IFREQ_BYTES];
    int err = memory_read(c, c->args[2], ifreq, sizeof(ifreq));

    if (err < 0)
        return err;
    err = hf_stack_ifreq(c->sv->stack, family, request, ifreq);
    return err ? err : memory_write(c, c->args[2], ifreq, sizeof(ifreq));
}

/* All links that have an address of IPv4: struct ifconf. */
static int64_t list_links(const struct call *c)
{
    struct ifconf list;
    uint8_t *all = c->sv->scratch;
    size_t room, used;
    int err = memory_read(c, c->args[2], &list, sizeof(list));

    if (err < 0)
        return err;
    room = list.ifc_len < 0 ? 0 : (size_t)list.ifc_len;
    room = room < SCRATCH_BYTES ? room : SCRATCH_BYTES;
    used = hf_stack_ifconf(c->sv->stack, list.ifc_buf ? all : NULL, room);
    if (list.ifc_buf)
        err = memory_write(c, (uint64_t)(uintptr_t)list.ifc_buf, all, used);
    list.ifc_len = (int)used;
    return err < 0 ? err : memory_write(c, c->args[2], &list, sizeof(list));
}

static bool asks_of_links(unsigned long request)
{
    return request >= HF_SIOCGIFNAME && request <= HF_SIOCGIFMAP && request != HF_SIOCOUTQNSD;
}

/* The kernel's own sockets, AF_UNIX's as a rule, ask of links too (if_nametoindex). Those of the
 * internet's families were there before we were, and are another network's. */
int64_t sys_ioctl_foreign(const struct call *c)
{
    unsigned long request = (uint32_t)c->args[1];
    int family = asks_of_links(request) ? borrow_family(c) : -ENOTSOCK;

    if (family < 0 || family == AF_INET || family == AF_INET6)
        return CALL_CONTINUE;
    return request == HF_SIOCGIFCONF ? list_links(c) : ask_link(c, family, request);
}

int64_t sys_ioctl(const struct call *c, struct file *f)
{
    unsigned long request = (uint32_t)c->args[1];
    int value, domain = 0;
    uint32_t len = sizeof(domain);
    int err;

    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    if (request == HF_SIOCGIFCONF)
        return list_links(c);
    if (asks_of_links(request)) {
        err = hf_sock_getsockopt(f->sk, HF_SOL_SOCKET, HF_SO_DOMAIN, &domain, &len);
        return err ? err : ask_link(c, domain, request);
    }
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
