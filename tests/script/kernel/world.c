/* The kernel as the host: a network namespace for each case, a TUN device whose far end is the
 * page, and time as it really passes. Cases that wait for long are left out. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../script.h"
#include "kernel.h"

#define LINK      "wire"
#define LONGEST   (2600 * HF_MS)
#define SLACK     (60 * HF_MS) /* delayed acknowledgements have 40 */
#define FILES_MAX 32

const unsigned host_seconds = 1200;

static int tun, files[FILES_MAX], file_count;

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(2);
}

void kernel_set(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);

    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        give_up(path);
    close(fd);
}

void kernel_opened(int fd)
{
    if (file_count == FILES_MAX)
        abort();
    files[file_count++] = fd;
}

void kernel_closed(int fd)
{
    for (int i = 0; i < file_count; i++)
        if (files[i] == fd)
            files[i] = files[--file_count];
}

static hf_time now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * HF_S + t.tv_nsec;
}

static void request(int s, unsigned long what, const void *how)
{
    if (ioctl(s, what, how) < 0)
        give_up("the link");
}

/* Linux lets an address of IPv6 be used only a moment after it was given. */
static void await_address(int s, const struct in6_addr *addr)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = *addr};
    hf_time until = now() + HF_S;

    while (bind(s, (struct sockaddr *)&at, sizeof(at)) < 0)
        if (errno != EADDRNOTAVAIL || now() > until)
            give_up("the address");
}

/* The link with the host's addresses. */
static void bring_up(void)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI}, addr = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&addr.ifr_addr;
    struct in6_ifreq v6 = {.ifr6_prefixlen = 64};
    int s4 = socket(AF_INET, SOCK_DGRAM, 0), s6 = socket(AF_INET6, SOCK_DGRAM, 0);

    strcpy(r.ifr_name, LINK);
    strcpy(addr.ifr_name, LINK);
    tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (tun < 0)
        give_up("/dev/net/tun");
    request(tun, TUNSETIFF, &r);
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(0x0a000001);
    request(s4, SIOCSIFADDR, &addr);
    v4->sin_addr.s_addr = htonl(0xffffff00);
    request(s4, SIOCSIFNETMASK, &addr);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    request(s4, SIOCSIFFLAGS, &r);
    v6.ifr6_ifindex = (int)if_nametoindex(LINK);
    inet_pton(AF_INET6, "fd00::1", &v6.ifr6_addr);
    request(s6, SIOCSIFADDR, &v6);
    await_address(s6, &v6.ifr6_addr);
    close(s4);
    close(s6);
}

void host_begin(struct world *w)
{
    if (unshare(CLONE_NEWNET))
        give_up("a network namespace");
    kernel_set("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
    kernel_set("/proc/sys/net/ipv6/conf/default/router_solicitations", "0");
    kernel_set("/proc/sys/net/ipv4/tcp_congestion_control", "cubic");
    bring_up();
    w->slack = SLACK;
    w->link.mtu = 1500;
    w->now = now();
}

bool host_end(struct world *w)
{
    while (file_count)
        close(files[--file_count]);
    close(tun);
    return true;
}

static void tell_mtu(uint32_t mtu)
{
    struct ifreq r = {.ifr_mtu = (int)mtu};
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    strcpy(r.ifr_name, LINK);
    request(s, SIOCSIFMTU, &r);
    close(s);
}

/* Takes what the kernel sends, from now until it has been silent for so many milliseconds. */
static void listen_for(struct world *w, int ms)
{
    static uint8_t bytes[HF_FRAME_MAX];
    struct pollfd p = {.fd = tun, .events = POLLIN};
    ssize_t n;

    while (poll(&p, 1, ms) > 0 && (n = read(tun, bytes, sizeof(bytes))) > 0)
        if ((bytes[0] >> 4 == 6 ? bytes[6] : bytes[9]) == HF_IPPROTO_TCP)
            world_sent(w, bytes, (uint32_t)n);
    w->now = now();
}

void world_settle(struct world *w)
{
    if (w->link.mtu != 1500)
        tell_mtu(w->link.mtu);
    listen_for(w, 1);
}

void world_pass(struct world *w, hf_time most)
{
    hf_time until = now() + most;

    if (most > LONGEST)
        longjmp(w->out, NOT_OURS);
    while (!w->first && now() < until)
        listen_for(w, 1);
}

void world_input(struct world *w, const uint8_t *bytes, uint32_t len)
{
    w->now = now();
    if (write(tun, bytes, len) != (ssize_t)len)
        give_up("a packet");
    world_settle(w);
}
