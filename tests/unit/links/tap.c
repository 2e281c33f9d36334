/* A TAP device in a network of the test's own: the kernel answers our ARP. Needs the right to make
 * one; without it there is nothing to test. */
#define _GNU_SOURCE /* unshare */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "rig.h"

#define ARP_LEN 42

static const uint8_t kernel_ip[4] = {10, 9, 0, 1}, our_ip[4] = {10, 9, 0, 2};

static void set_address(struct ifreq *ifr, const uint8_t ip[4])
{
    struct sockaddr_in sin = {.sin_family = AF_INET};

    memcpy(&sin.sin_addr, ip, 4);
    memcpy(&ifr->ifr_addr, &sin, sizeof(sin));
}

static bool bring_up(const char *name)
{
    struct ifreq ifr = {0};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    bool good;

    strcpy(ifr.ifr_name, name);
    set_address(&ifr, kernel_ip);
    good = ioctl(s, SIOCSIFADDR, &ifr) == 0;
    ifr.ifr_flags = IFF_UP | IFF_RUNNING;
    good = good && ioctl(s, SIOCSIFFLAGS, &ifr) == 0;
    close(s);
    return good;
}

static struct hf_frame *arp_request(struct rig *r, const struct hf_link *link)
{
    static const uint8_t head[] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, nobody[6];
    struct hf_frame *f = hf_frame_new(r->pool);

    if (!f || !hf_frame_append(f, everybody, 6) || !hf_frame_append(f, link->mac, 6) ||
        !hf_frame_append(f, head, sizeof(head)) || !hf_frame_append(f, link->mac, 6) ||
        !hf_frame_append(f, our_ip, 4) || !hf_frame_append(f, nobody, 6) ||
        !hf_frame_append(f, kernel_ip, 4))
        abort();
    return f;
}

static bool is_reply(const struct hf_frame *f, const struct hf_link *link)
{
    uint8_t b[ARP_LEN];

    if (!f || f->len < ARP_LEN)
        return false;
    hf_frame_read(f, 0, b, ARP_LEN);
    return memcmp(b, link->mac, 6) == 0 && b[12] == 8 && b[13] == 6 && b[21] == 2 &&
           memcmp(b + 28, kernel_ip, 4) == 0;
}

static void test_arp(struct rig *r, struct hf_link *link)
{
    struct pollfd p = {.fd = hf_link_tap_fd(link), .events = POLLIN};

    link->ops->send(link, arp_request(r, link));
    EQ(link->dropped, 0, "the device takes a frame");
    while (!is_reply(r->received.last, link) && poll(&p, 1, -1) == 1)
        hf_link_tap_readable(link);
    OK(is_reply(r->received.last, link), "the kernel answers, and its frame comes up");
}

static void test_tap(void)
{
    struct rig *r = rig_new();
    struct hf_link *link, *again;

    if (hf_link_tap_new(&r->env, r->pool, "hftest0", &link) < 0) {
        SKIP("a TAP device", "it cannot be made here");
        rig_end(r, NULL);
        return;
    }
    rig_above(r, link);
    EQ(link->mtu, 1500, "the MTU is the device's");
    OK(link->flags & HF_LINK_ETHERNET && (link->mac[0] & 3) == 2, "with an address of our own");
    OK(link->gso_max == 65535 && link->flags & HF_LINK_CSUM, "it takes super-segments");
    EQ(hf_link_tap_new(&r->env, r->pool, "hftest0", &again), -EBUSY, "no two may have it");
    if (!bring_up("hftest0"))
        SKIP("the kernel as a neighbour", "the device cannot be set up");
    else
        test_arp(r, link);
    r->ground_freed = true;
    rig_end(r, link);
}

static void test_refusals(void)
{
    struct rig *r = rig_new();
    struct hf_link *link;

    EQ(hf_link_tap_new(&r->env, r->pool, "a-name-that-is-too-long", &link), -ENAMETOOLONG,
       "a name that no device can have");
    r->testenv.fail_from = r->testenv.allocs + 1;
    EQ(hf_link_tun_new(&r->env, r->pool, "hftest1", &link), -ENOMEM, "no memory");
    rig_end(r, NULL);
}

int main(void)
{
    tap_begin(20);
    test_refusals();
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        SKIP("a TAP device", "no network of our own");
    else
        test_tap();
    return tap_end();
}
