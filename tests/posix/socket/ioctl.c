/* ioctl(): what waits to be read and sent. */
#include "../lib.h"

#include <linux/sockios.h>

static int asked(int fd, unsigned long request)
{
    int v = -1;
    return ioctl(fd, request, &v) ? -errno : v;
}

static void streams(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    EQ(asked(t.c, SIOCINQ), 0, nm(f, "SIOCINQ, nothing"));
    EQ(asked(t.c, SIOCOUTQ), 0, nm(f, "SIOCOUTQ, nothing"));
    EQ(asked(t.c, SIOCATMARK), 0, nm(f, "SIOCATMARK, no mark"));
    MUST(send(t.s, "abc", 3, 0));
    MUST(await(t.c, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    EQ(asked(t.c, SIOCINQ), 3, nm(f, "SIOCINQ, three bytes"));
    MUST(recv(t.c, b, 1, 0));
    EQ(asked(t.c, SIOCINQ), 2, nm(f, "SIOCINQ, one taken"));
    int left;
    for (long long end = now_ms() + PATIENCE_MS; (left = asked(t.s, SIOCOUTQ)) && now_ms() < end;)
        poll(NULL, 0, 1);
    EQ(left, 0, nm(f, "SIOCOUTQ, all acknowledged"));
    MUST(shutdown(t.s, SHUT_WR));
    MUST(await(t.c, POLLIN | POLLOUT | POLLRDHUP) & POLLRDHUP ? 0 : -1);
    EQ(asked(t.c, SIOCINQ), 2, nm(f, "SIOCINQ does not count the FIN"));
}

static void full(int f)
{
    struct pair t = tcp_pair(f);
    fill(t.c);
    OK(asked(t.c, SIOCOUTQ) > 0, nm(f, "SIOCOUTQ, full"));
    OK(asked(t.s, SIOCINQ) > 0, nm(f, "SIOCINQ, full"));
}

/* NetSem sockatmark_2. */
static void states(int f)
{
    struct addr a;
    int l = listener(f, 1, &a), u = udp(f), v = 0;
    EQ(asked(l, SIOCINQ), -EINVAL, nm(f, "SIOCINQ of a listener"));
    EQ(asked(l, SIOCOUTQ), -EINVAL, nm(f, "SIOCOUTQ of a listener"));
    EQ(asked(tcp(f), SIOCINQ), 0, nm(f, "SIOCINQ, fresh"));
    EQ(asked(u, SIOCINQ), 0, nm(f, "SIOCINQ, datagram"));
    EQ(asked(u, SIOCOUTQ), 0, nm(f, "SIOCOUTQ, datagram"));
    EQ(asked(u, SIOCATMARK), -ENOTTY, nm(f, "SIOCATMARK, datagram"));
    RC(ioctl(tcp(f), 0x7fff, &v), -ENOTTY, nm(f, "ioctl, unknown"));
    RC(ioctl(tcp(f), SIOCINQ, (int *)8), -EFAULT, nm(f, "SIOCINQ, wild room"));
    RC(ioctl(tcp(f), SIOCOUTQ, (int *)8), -EFAULT, nm(f, "SIOCOUTQ, wild room"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(streams), CASE(full), CASE(states)};
    return run_cases(cases, COUNT(cases));
}
