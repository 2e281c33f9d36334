/* Rules of the seccomp filter. Control calls on sockets are notified; data calls without an address
 * stay in the kernel, where they act on the vehicle. What a register cannot tell (is this
 * descriptor ours?) the supervisor finds out, and lets foreign ones continue. */
#include "run/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <linux/sockios.h>

struct filter {
    scmp_filter_ctx ctx;
};

/* Arguments that are an int in C: the register's upper half is not looked at, as in the kernel. */
#define INT_ARG(n, value)                                      \
    {                                                          \
        (n), SCMP_CMP_MASKED_EQ, 0xffffffff, (uint32_t)(value) \
    }
#define HAS_FLAG(n, flag)                       \
    {                                           \
        (n), SCMP_CMP_MASKED_EQ, (flag), (flag) \
    }
#define NOT_NULL(n)            \
    {                          \
        (n), SCMP_CMP_NE, 0, 0 \
    }
#define IS_NULL(n)             \
    {                          \
        (n), SCMP_CMP_EQ, 0, 0 \
    }

/* A request for all links or all addresses: struct nlmsghdr and struct rtgenmsg. musl sends it by
 * plain send() and looks for the answer at once, without waiting. */
#define DUMP_REQUEST_BYTES 20

struct rule {
    int nr;
    unsigned count; /* of conditions, all of which must hold */
    struct scmp_arg_cmp when[3];
};

/* Calls on a socket that are notified always: their descriptor, or what a pointer leads to,
 * decides. */
static const int always[] = {
    SCMP_SYS(connect),  SCMP_SYS(bind),        SCMP_SYS(listen),      SCMP_SYS(accept),
    SCMP_SYS(accept4),  SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
    SCMP_SYS(shutdown), SCMP_SYS(setsockopt),  SCMP_SYS(sendmsg),     SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg),
};

/* io_uring would open and use sockets behind the filter's back. */
static const int absent[] = {
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
};

/* What changes links, addresses, routes and neighbours: the network that the kernel would change is
 * not the program's. */
static const unsigned long changes[] = {
    SIOCADDRT,      SIOCDELRT,       SIOCSIFLINK,     SIOCSIFFLAGS,      SIOCSIFADDR,
    SIOCSIFDSTADDR, SIOCSIFBRDADDR,  SIOCSIFNETMASK,  SIOCSIFMETRIC,     SIOCSIFMEM,
    SIOCSIFMTU,     SIOCSIFNAME,     SIOCSIFHWADDR,   SIOCSIFENCAP,      SIOCSIFSLAVE,
    SIOCADDMULTI,   SIOCDELMULTI,    SIOCSIFPFLAGS,   SIOCDIFADDR,       SIOCSIFHWBROADCAST,
    SIOCSIFTXQLEN,  SIOCSIFMAP,      SIOCDARP,        SIOCSARP,          SIOCSIFBR,
    SIOCSIFVLAN,    SIOCBONDENSLAVE, SIOCBONDRELEASE, SIOCBONDSETHWADDR, SIOCBONDCHANGEACTIVE,
    SIOCBRADDBR,    SIOCBRDELBR,     SIOCBRADDIF,     SIOCBRDELIF,
};

static int refuse_changes(scmp_filter_ctx ctx)
{
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct scmp_arg_cmp when = INT_ARG(1, changes[i]);
        int err = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, &when);

        if (err < 0)
            return err;
    }
    return 0;
}

static int add_conditional(scmp_filter_ctx ctx)
{
    const struct rule rules[] = {
        {SCMP_SYS(socket), 1, {INT_ARG(0, AF_INET)}},
        {SCMP_SYS(socket), 1, {INT_ARG(0, AF_INET6)}},
        {SCMP_SYS(socket), 2, {INT_ARG(0, AF_NETLINK), INT_ARG(2, NETLINK_ROUTE)}},
        {SCMP_SYS(socket), 2, {INT_ARG(0, AF_NETLINK), INT_ARG(2, NETLINK_SOCK_DIAG)}},
        {SCMP_SYS(sendto), 1, {NOT_NULL(4)}},
        {SCMP_SYS(sendto), 3, {IS_NULL(4), INT_ARG(3, 0), {2, SCMP_CMP_EQ, DUMP_REQUEST_BYTES, 0}}},
        {SCMP_SYS(sendto), 1, {HAS_FLAG(3, MSG_FASTOPEN)}},
        {SCMP_SYS(sendto), 1, {HAS_FLAG(3, MSG_OOB)}},
        {SCMP_SYS(sendto), 1, {HAS_FLAG(3, MSG_MORE)}},
        {SCMP_SYS(recvfrom), 1, {NOT_NULL(4)}},
        {SCMP_SYS(recvfrom), 1, {HAS_FLAG(3, MSG_OOB)}},
        {SCMP_SYS(recvfrom), 1, {HAS_FLAG(3, MSG_TRUNC)}},
        {SCMP_SYS(recvfrom), 1, {HAS_FLAG(3, MSG_ERRQUEUE)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, FIONREAD)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCOUTQ)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCOUTQNSD)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCATMARK)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFNAME)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFCONF)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFFLAGS)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFADDR)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFDSTADDR)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFBRDADDR)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFNETMASK)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFMETRIC)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFMTU)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFHWADDR)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFINDEX)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFTXQLEN)}},
        {SCMP_SYS(ioctl), 1, {INT_ARG(1, SIOCGIFMAP)}},
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        int err = seccomp_rule_add_array(ctx, SCMP_ACT_NOTIFY, rules[i].nr, rules[i].count,
                                         rules[i].when);

        if (err < 0)
            return err;
    }
    return 0;
}

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int err = seccomp_rule_add_array(ctx, action, calls[i], 0, NULL);

        if (err < 0)
            return err;
    }
    return 0;
}

int filter_new(struct filter **out)
{
    struct filter *f = calloc(1, sizeof(*f));
    int err;

    if (!f)
        return -ENOMEM;
    f->ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (!f->ctx) {
        free(f);
        return -ENOMEM;
    }
    /* Foreign architectures (int 0x80, x32) do not exist for the program. */
    err = seccomp_attr_set(f->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    if (err == 0)
        err = add_all(f->ctx, SCMP_ACT_NOTIFY, always, sizeof(always) / sizeof(always[0]));
    if (err == 0)
        err = add_all(f->ctx, SCMP_ACT_ERRNO(ENOSYS), absent, sizeof(absent) / sizeof(absent[0]));
    if (err == 0)
        err = add_conditional(f->ctx);
    if (err == 0)
        err = refuse_changes(f->ctx);
    if (err < 0) {
        filter_free(f);
        return err;
    }
    *out = f;
    return 0;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    seccomp_release(f->ctx);
    free(f);
}

int filter_install(struct filter *f)
{
    int err = seccomp_load(f->ctx);

    return err < 0 ? err : seccomp_notify_fd(f->ctx);
}
