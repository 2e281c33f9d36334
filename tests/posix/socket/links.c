/* ioctl() requests about links: what loopback says of itself. */
#include "../lib.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>

static struct ifreq named(const char *name)
{
    struct ifreq q;
    memset(&q, 0x55, sizeof(q));
    memset(q.ifr_name, 0, sizeof(q.ifr_name));
    strcpy(q.ifr_name, name);
    return q;
}

static uint32_t host_of(const struct sockaddr *sa)
{
    struct sockaddr_in in;
    memcpy(&in, sa, sizeof(in));
    return ntohl(in.sin_addr.s_addr);
}

static void loopbacks(int f)
{
    int fd = udp(f);
    struct ifreq q = named("lo");
    RC(ioctl(fd, SIOCGIFINDEX, &q), 0, nm(f, "SIOCGIFINDEX"));
    EQ(q.ifr_ifindex, 1, nm(f, "SIOCGIFINDEX, loopback is the first"));
    q = named("");
    q.ifr_ifindex = 1;
    RC(ioctl(fd, SIOCGIFNAME, &q), 0, nm(f, "SIOCGIFNAME"));
    OK(strcmp(q.ifr_name, "lo") == 0, nm(f, "SIOCGIFNAME, the first is loopback"));
    q = named("lo");
    RC(ioctl(fd, SIOCGIFFLAGS, &q), 0, nm(f, "SIOCGIFFLAGS"));
    EQ(q.ifr_flags, IFF_UP | IFF_LOOPBACK | IFF_RUNNING, nm(f, "SIOCGIFFLAGS, of loopback"));
    q = named("lo");
    RC(ioctl(fd, SIOCGIFMTU, &q), 0, nm(f, "SIOCGIFMTU"));
    EQ(q.ifr_mtu, 65536, nm(f, "SIOCGIFMTU, loopback's"));
    q = named("lo");
    RC(ioctl(fd, SIOCGIFMETRIC, &q), 0, nm(f, "SIOCGIFMETRIC"));
    EQ(q.ifr_metric, 0, nm(f, "SIOCGIFMETRIC, there are none"));
    q = named("lo");
    RC(ioctl(fd, SIOCGIFHWADDR, &q), 0, nm(f, "SIOCGIFHWADDR"));
    EQ(q.ifr_hwaddr.sa_family, ARPHRD_LOOPBACK, nm(f, "SIOCGIFHWADDR, the kind of link"));
    q = named("lo");
    RC(ioctl(fd, SIOCGIFTXQLEN, &q), 0, nm(f, "SIOCGIFTXQLEN"));
    EQ(q.ifr_qlen, 1000, nm(f, "SIOCGIFTXQLEN, its length"));
    q = named("lo");
    RC(ioctl(fd, SIOCGIFMAP, &q), 0, nm(f, "SIOCGIFMAP"));
}

/* Of streams as of datagrams; addresses are IPv4's own. */
static void addresses(int f)
{
    static const struct {
        unsigned long request;
        uint32_t host;
        const char *name;
    } rows[] = {
        {SIOCGIFADDR, INADDR_LOOPBACK, "SIOCGIFADDR"},
        {SIOCGIFDSTADDR, INADDR_LOOPBACK, "SIOCGIFDSTADDR"},
        {SIOCGIFNETMASK, 0xff000000, "SIOCGIFNETMASK"},
        {SIOCGIFBRDADDR, INADDR_ANY, "SIOCGIFBRDADDR"},
    };
    int fd = tcp(f);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ifreq q = named("lo");
        RC(ioctl(fd, rows[i].request, &q), f == AF_INET ? 0 : -ENOTTY, nm(f, "%s", rows[i].name));
        if (f != AF_INET)
            continue;
        EQ(q.ifr_addr.sa_family, AF_INET, nm(f, "%s, its family", rows[i].name));
        EQ(host_of(&q.ifr_addr), rows[i].host, nm(f, "%s, the address", rows[i].name));
    }
}

static void unknown(int f)
{
    static const struct {
        unsigned long request;
        const char *name;
    } rows[] = {{SIOCGIFINDEX, "SIOCGIFINDEX"},   {SIOCGIFFLAGS, "SIOCGIFFLAGS"},
                {SIOCGIFMTU, "SIOCGIFMTU"},       {SIOCGIFHWADDR, "SIOCGIFHWADDR"},
                {SIOCGIFMETRIC, "SIOCGIFMETRIC"}, {SIOCGIFTXQLEN, "SIOCGIFTXQLEN"}};
    int fd = udp(f);
    struct ifreq q;
    for (size_t i = 0; i < COUNT(rows); i++) {
        q = named("nobody0");
        RC(ioctl(fd, rows[i].request, &q), -ENODEV, nm(f, "%s of no link", rows[i].name));
        RC(ioctl(fd, rows[i].request, NULL), -EFAULT, nm(f, "%s without memory", rows[i].name));
    }
    q = named("");
    RC(ioctl(fd, SIOCGIFINDEX, &q), -ENODEV, nm(f, "SIOCGIFINDEX of no name"));
    q.ifr_ifindex = 4711;
    RC(ioctl(fd, SIOCGIFNAME, &q), -ENODEV, nm(f, "SIOCGIFNAME of no link"));
    q.ifr_ifindex = 0;
    RC(ioctl(fd, SIOCGIFNAME, &q), -ENODEV, nm(f, "SIOCGIFNAME of 0"));
    q = named("lo:1");
    RC(ioctl(fd, SIOCGIFINDEX, &q), 0, nm(f, "SIOCGIFINDEX of an alias is the link's"));
}

static void all(int f)
{
    int fd = udp(f);
    struct ifreq room[16];
    struct ifconf c = {.ifc_len = sizeof(room), .ifc_req = room};
    memset(room, 0x55, sizeof(room));
    RC(ioctl(fd, SIOCGIFCONF, &c), 0, nm(f, "SIOCGIFCONF"));
    OK(c.ifc_len >= (int)sizeof(room[0]) && c.ifc_len % (int)sizeof(room[0]) == 0,
       nm(f, "SIOCGIFCONF, whole entries"));
    OK(strcmp(room[0].ifr_name, "lo") == 0, nm(f, "SIOCGIFCONF, loopback first"));
    EQ(host_of(&room[0].ifr_addr), INADDR_LOOPBACK, nm(f, "SIOCGIFCONF, its address"));
    int len = c.ifc_len;
    c = (struct ifconf){.ifc_len = 0};
    RC(ioctl(fd, SIOCGIFCONF, &c), 0, nm(f, "SIOCGIFCONF without a buffer"));
    EQ(c.ifc_len, len, nm(f, "SIOCGIFCONF without a buffer tells the length"));
    c = (struct ifconf){.ifc_len = sizeof(room[0]) - 1, .ifc_req = room};
    RC(ioctl(fd, SIOCGIFCONF, &c), 0, nm(f, "SIOCGIFCONF, less room than an entry"));
    EQ(c.ifc_len, 0, nm(f, "SIOCGIFCONF, less room: none"));
    RC(ioctl(fd, SIOCGIFCONF, NULL), -EFAULT, nm(f, "SIOCGIFCONF without memory"));
    c = (struct ifconf){.ifc_len = sizeof(room), .ifc_buf = (char *)8};
    RC(ioctl(fd, SIOCGIFCONF, &c), -EFAULT, nm(f, "SIOCGIFCONF, a bad buffer"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(loopbacks), CASE(addresses), CASE(unknown),
                                         CASE(all)};
    return run_cases(cases, COUNT(cases));
}
