/* connect(): every refusal of the arguments, in the order they are looked at. */
#include "../lib.h"

/* C19 C20. NetSem badf_1, notsock_1. */
static void descriptors(int f)
{
    struct addr a = refuser(f);
    int p[2], file = MUST(open("/dev/null", O_RDWR));
    MUST(pipe(p));
    RC(connect_to(-1, a), -EBADF, nm(f, "connect, descriptor -1"));
    RC(connect_to(1000, a), -EBADF, nm(f, "connect, descriptor not open"));
    int closed = tcp(f);
    close(closed);
    RC(connect_to(closed, a), -EBADF, nm(f, "connect, descriptor closed"));
    RC(connect_to(p[0], a), -ENOTSOCK, nm(f, "connect, a pipe"));
    RC(connect_to(file, a), -ENOTSOCK, nm(f, "connect, a device"));
}

/* EBADF, EINVAL (length), EFAULT, ENOTSOCK. */
static void order(int f)
{
    struct addr a = refuser(f);
    int p[2];
    MUST(pipe(p));
    RC(connect(1000, &a.u.sa, 1000), -EBADF, nm(f, "connect, bad descriptor before bad length"));
    RC(connect(1000, NULL, a.len), -EBADF, nm(f, "connect, bad descriptor before bad pointer"));
    RC(connect(p[0], NULL, 1000), -EINVAL, nm(f, "connect, bad length before bad pointer"));
    RC(connect(p[0], NULL, a.len), -EFAULT, nm(f, "connect, bad pointer before a pipe"));
    RC(connect(p[0], &a.u.sa, 0), -ENOTSOCK, nm(f, "connect, a pipe before length 0"));
    RC(connect(p[0], &a.u.sa, 1), -ENOTSOCK, nm(f, "connect, a pipe before length 1"));
    RC(connect(tcp(f), NULL, 1000), -EINVAL, nm(f, "connect, socket, length before pointer"));
}

/* C02. */
static void lengths(int f)
{
    struct addr a = refuser(f);
    int fd = tcp(f);
    int short_by_one = f == AF_INET ? 15 : 23;
    RC(connect(fd, &a.u.sa, (socklen_t)-1), -EINVAL, nm(f, "connect, length -1"));
    RC(connect(fd, &a.u.sa, 0), -EINVAL, nm(f, "connect, length 0"));
    RC(connect(fd, NULL, 0), -EINVAL, nm(f, "connect, length 0, no address"));
    RC(connect(fd, &a.u.sa, 1), -EINVAL, nm(f, "connect, length 1"));
    RC(connect(fd, &a.u.sa, 2), -EINVAL, nm(f, "connect, length 2"));
    RC(connect(fd, &a.u.sa, (socklen_t)short_by_one), -EINVAL,
       nm(f, "connect, length %d", short_by_one));
    RC(connect(fd, &a.u.sa, sizeof(a.u) + 1), -EINVAL, nm(f, "connect, length 129"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "connect, refused lengths leave the socket fresh"));
    EQ(port_of(name_of(fd)), 0, nm(f, "connect, refused lengths bind nothing"));
    RC(connect(fd, &a.u.sa, sizeof(a.u)), -ECONNREFUSED, nm(f, "connect, length 128 is fine"));
    RC(connect(tcp(f), &a.u.sa, (socklen_t)short_by_one + 1), -ECONNREFUSED,
       nm(f, "connect, length %d is fine", short_by_one + 1));
}

static void pointers(int f)
{
    struct addr a = refuser(f);
    int fd = tcp(f);
    RC(connect(fd, NULL, a.len), -EFAULT, nm(f, "connect, null address"));
    RC(connect(fd, (struct sockaddr *)1, a.len), -EFAULT, nm(f, "connect, wild address"));
    RC(connect(fd, (struct sockaddr *)-4096L, a.len), -EFAULT, nm(f, "connect, kernel address"));
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(mprotect(page + 4096, 4096, PROT_NONE));
    char *end = page + 4096 - a.len;
    memcpy(end, &a.u, a.len);
    struct sockaddr *fits = (void *)end, *crosses = (void *)(end + 1);
    RC(connect(fd, crosses, a.len), -EFAULT, nm(f, "connect, address runs into a closed page"));
    RC(connect(fd, fits, a.len), -ECONNREFUSED, nm(f, "connect, address ends at a closed page"));
}

/* C22. */
static void families(int f)
{
    int other = f == AF_INET ? AF_INET6 : AF_INET;
    struct addr a = loopback(other, 9), unix_like = loopback(f, 9);
    int fd = tcp(f);
    RC(connect_to(fd, a), f == AF_INET ? -EAFNOSUPPORT : -EINVAL,
       nm(f, "connect, the other family's address"));
    RC(connect(fd, &a.u.sa, 28), -EAFNOSUPPORT,
       nm(f, "connect, the other family's address, length 28"));
    unix_like.u.sa.sa_family = AF_UNIX;
    RC(connect_to(fd, unix_like), -EAFNOSUPPORT, nm(f, "connect, AF_UNIX address"));
    unix_like.u.sa.sa_family = 77;
    RC(connect_to(fd, unix_like), -EAFNOSUPPORT, nm(f, "connect, unknown family"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "connect, wrong families leave the socket fresh"));
    EQ(so_error(fd), 0, nm(f, "connect, wrong families leave no SO_ERROR"));
}

/* The state is looked at before the address, the length 0 or 1 before the state. NetSem connect_5.
 */
static void connected(int f)
{
    struct pair p = tcp_pair(f);
    struct addr a = peer_of(p.c), wrong = loopback(f == AF_INET ? AF_INET6 : AF_INET, 9);
    RC(connect_to(p.c, a), -EISCONN, nm(f, "connect, connected"));
    RC(connect_to(p.c, wrong), -EISCONN, nm(f, "connect, connected, wrong family"));
    RC(connect(p.c, &a.u.sa, 2), -EISCONN, nm(f, "connect, connected, length 2"));
    RC(connect(p.c, &a.u.sa, 1), -EINVAL, nm(f, "connect, connected, length 1"));
    RC(connect(p.c, &a.u.sa, 0), -EINVAL, nm(f, "connect, connected, length 0"));
    RC(connect(p.c, NULL, a.len), -EFAULT, nm(f, "connect, connected, null address"));
    RC(connect(p.c, &a.u.sa, 1000), -EINVAL, nm(f, "connect, connected, length 1000"));
    RC(connect_to(p.s, peer_of(p.s)), -EISCONN, nm(f, "connect, accepted socket"));
    MASK(p.c, POLLOUT, nm(f, "connect, refusals leave the connection alone"));
}

/* NetSem connect_5. */
static void listening(int f)
{
    struct addr a;
    int l = listener(f, 1, &a);
    RC(connect_to(l, a), -EISCONN, nm(f, "connect, listening"));
    RC(connect(l, &a.u.sa, 2), -EISCONN, nm(f, "connect, listening, length 2"));
    RC(connect(l, &a.u.sa, 1), -EINVAL, nm(f, "connect, listening, length 1"));
    RC(connect_to(tcp(f), a), 0, nm(f, "connect, the listener still listens"));
}

static void datagram(int f)
{
    struct addr a, wrong = loopback(f, 9);
    bound(f, SOCK_DGRAM, &a);
    int fd = udp(f);
    RC(connect(fd, &a.u.sa, 0), -EINVAL, nm(f, "connect, datagram, length 0"));
    RC(connect(fd, &a.u.sa, 1), -EINVAL, nm(f, "connect, datagram, length 1"));
    EQ(port_of(name_of(fd)), 0, nm(f, "connect, datagram, length 1 binds nothing"));
    RC(connect(fd, &a.u.sa, 15), -EINVAL, nm(f, "connect, datagram, length 15"));
    OK(port_of(name_of(fd)) != 0, nm(f, "connect, datagram, a refused address still binds a port"));
    RC(connect(fd, NULL, a.len), -EFAULT, nm(f, "connect, datagram, null address"));
    wrong.u.sa.sa_family = AF_UNIX;
    RC(connect_to(fd, wrong), -EAFNOSUPPORT, nm(f, "connect, datagram, AF_UNIX address"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "connect, datagram, refusals set no peer"));
    RC(connect(fd, &a.u.sa, sizeof(a.u)), 0, nm(f, "connect, datagram, length 128 is fine"));
    OK(same(peer_of(fd), a), nm(f, "connect, datagram, peer after length 128"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(descriptors), CASE(order),     CASE(lengths),   CASE(pointers),
        CASE(families),    CASE(connected), CASE(listening), CASE(datagram),
    };
    return run_cases(cases, COUNT(cases));
}
