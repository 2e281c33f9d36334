/* The kernel's side: real sockets in a network namespace of our own, where only lo is and is up. */
#include "diff.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int fds[SLOTS];
static bool streams[SLOTS];
static uint16_t port_base, port_low;
static bool can_be_privileged;
static struct __user_cap_data_struct all_caps[2];

/* ---- privileges and the namespace ---- */

static void set_effective(bool on)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];

    memcpy(caps, all_caps, sizeof(caps));
    for (int i = 0; i < 2; i++)
        caps[i].effective = on ? caps[i].permitted : 0;
    if (syscall(SYS_capset, &header, caps)) {
        perror("capset");
        exit(2);
    }
}

static bool lo_up(void)
{
    struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool good = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;

    if (fd >= 0)
        close(fd);
    return good;
}

bool kernel_enter(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    static bool is_in;

    if (is_in)
        set_effective(true);
    if (unshare(CLONE_NEWNET)) {
        if (is_in || unshare(CLONE_NEWUSER | CLONE_NEWNET))
            return false;
    } else if (!is_in) {
        can_be_privileged = geteuid() == 0;
    }
    if (syscall(SYS_capget, &header, all_caps) || !lo_up())
        return false;
    for (int i = 0; i < SLOTS && !is_in; i++)
        fds[i] = -1;
    signal(SIGPIPE, SIG_IGN);
    is_in = true;
    return true;
}

bool kernel_can_be_privileged(void)
{
    return can_be_privileged;
}

void kernel_reset(bool privileged, uint16_t base, uint16_t low)
{
    for (int i = 0; i < SLOTS; i++) {
        struct linger now = {1, 0};

        if (fds[i] >= 0) {
            setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
            close(fds[i]);
        }
        fds[i] = -1;
    }
    set_effective(privileged);
    port_base = base;
    port_low = low;
}

void kernel_settle(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

bool kernel_is_stream(int slot)
{
    return streams[slot];
}

int kernel_mask(int slot)
{
    struct pollfd p = {.fd = fds[slot],
                       .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM | POLLRDBAND |
                                 POLLWRNORM | POLLWRBAND};

    if (fds[slot] < 0)
        return -1;
    poll(&p, 1, 0);
    return p.revents;
}

/* ---- the calls ---- */

static uint16_t port_of_slot(void *side, int slot)
{
    struct sockaddr_in6 name = {0};
    socklen_t len = sizeof(name);

    if (fds[slot] >= 0)
        getsockname(fds[slot], (struct sockaddr *)(void *)&name, &len);
    return ntohs(name.sin6_port); /* at the same place in both families */
}

static uint32_t address(const struct step *s, uint8_t *room)
{
    struct ports_in_use ports = {port_base, port_low, port_of_slot, NULL};

    return step_address(s, &ports, room);
}

static long long result(long long ret)
{
    return ret < 0 ? -errno : ret;
}

static void put_slot(int slot, int fd, bool is_stream)
{
    if (fds[slot] >= 0)
        close(fds[slot]);
    fds[slot] = fd;
    streams[slot] = is_stream;
}

static void run_socket(const struct step *s, struct outcome *o)
{
    int type = s->f[F_TYPE];
    int fd = socket(s->f[F_DOMAIN], type | SOCK_NONBLOCK, s->f[F_PROTO]);

    o->ret = result(fd);
    if (fd < 0)
        return;
    o->ret = 0;
    put_slot(s->f[F_SLOT], fd, type == SOCK_STREAM);
}

static void run_accept(const struct step *s, struct outcome *o)
{
    socklen_t len = o->name_room = (uint32_t)s->f[F_ROOM];
    int fd = accept4(fds[s->f[F_FROM]], (struct sockaddr *)(void *)o->name, &len, SOCK_NONBLOCK);

    o->ret = result(fd);
    if (fd < 0)
        return;
    o->ret = 0;
    o->name_len = len;
    put_slot(s->f[F_SLOT], fd, true);
}

static void run_send(int at, const struct step *s, struct outcome *o)
{
    uint8_t to[160], control[64];
    struct iovec iov = {o->data, (size_t)s->f[F_N]};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    step_data(at, o->data, iov.iov_len);
    if (s->f[F_HOST]) {
        m.msg_name = to;
        m.msg_namelen = address(s, to);
    }
    if (s->f[F_CTL]) {
        m.msg_control = control;
        m.msg_controllen = control_build(s->f[F_CTL], control);
    }
    o->ret = result(sendmsg(fds[s->f[F_SLOT]], &m, s->f[F_FLAGS] | MSG_NOSIGNAL));
}

static void run_recv(const struct step *s, struct outcome *o)
{
    struct iovec iov = {o->data, (size_t)s->f[F_N]};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    o->name_room = (uint32_t)s->f[F_ROOM];
    if (o->name_room) {
        m.msg_name = o->name;
        m.msg_namelen = o->name_room;
    }
    if (s->f[F_CTLROOM]) {
        m.msg_control = o->control;
        m.msg_controllen = (size_t)s->f[F_CTLROOM];
    }
    o->ret = result(recvmsg(fds[s->f[F_SLOT]], &m, s->f[F_FLAGS]));
    if (o->ret < 0)
        return;
    o->has_message = true;
    o->flags = m.msg_flags;
    o->name_len = m.msg_namelen;
    o->control_len = (uint32_t)m.msg_controllen;
    o->data_len = (uint32_t)(o->ret < (long long)iov.iov_len ? o->ret : (long long)iov.iov_len);
}

static void run_name(const struct step *s, struct outcome *o)
{
    socklen_t len = o->name_room = (uint32_t)s->f[F_ROOM];
    int fd = fds[s->f[F_SLOT]];
    struct sockaddr *sa = (struct sockaddr *)(void *)o->name;

    o->ret = result(s->op == OP_SOCKNAME ? getsockname(fd, sa, &len) : getpeername(fd, sa, &len));
    o->name_len = len;
}

static void run_option(const struct step *s, struct outcome *o)
{
    int fd = fds[s->f[F_SLOT]], level = s->f[F_LEVEL], name = s->f[F_NAME];

    if (s->op == OP_GETOPT) {
        socklen_t len = o->value_room = (uint32_t)s->f[F_ROOM];

        o->ret = result(getsockopt(fd, level, name, o->value, &len));
        o->value_len = len;
    } else {
        uint8_t value[160];
        uint32_t len = step_value(s, value);

        o->ret = result(setsockopt(fd, level, name, value, len));
    }
}

void kernel_run(int at, const struct step *s, struct outcome *o)
{
    uint8_t addr[160];
    int slot = s->f[F_SLOT], fd = fds[slot];
    uint32_t len;

    switch (s->op) {
    case OP_SOCKET:
        run_socket(s, o);
        break;
    case OP_CLOSE:
        o->ret = result(close(fd));
        fds[slot] = -1;
        break;
    case OP_BIND:
        len = address(s, addr);
        o->ret = result(bind(fd, (struct sockaddr *)(void *)addr, len));
        break;
    case OP_LISTEN:
        o->ret = result(listen(fd, s->f[F_N]));
        break;
    case OP_ACCEPT:
        run_accept(s, o);
        break;
    case OP_CONNECT:
        len = address(s, addr);
        o->ret = result(connect(fd, (struct sockaddr *)(void *)addr, len));
        break;
    case OP_SEND:
        run_send(at, s, o);
        break;
    case OP_RECV:
        run_recv(s, o);
        break;
    case OP_SHUTDOWN:
        o->ret = result(shutdown(fd, s->f[F_N]));
        break;
    case OP_SOCKNAME:
    case OP_PEERNAME:
        run_name(s, o);
        break;
    case OP_GETOPT:
    case OP_SETOPT:
        run_option(s, o);
        break;
    case OP_IOCTL:
        o->ret = result(ioctl(fd, (unsigned long)s->f[F_N], &o->number));
        break;
    default:
        kernel_settle(s->f[F_N]);
    }
}
