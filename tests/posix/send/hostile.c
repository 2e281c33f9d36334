/* sendmsg(), recvmsg() and their many-message forms with headers no decent program writes. */
#include "../lib.h"

#include <netinet/udp.h>
#include <pthread.h>
#include <sys/syscall.h>

static char *closed_page(void)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(mprotect(p + 4096, 4096, PROT_NONE));
    return p + 4096;
}

static struct msghdr header(struct iovec *v, size_t n)
{
    struct msghdr m;
    memset(&m, 0, sizeof(m));
    m.msg_iov = v;
    m.msg_iovlen = n;
    return m;
}

static void headers(int f)
{
    struct addr a;
    char b[8] = "x";
    int u = bound(f, SOCK_DGRAM, &a), p[2];
    struct iovec v = {b, 1};
    struct msghdr m = header(&v, 1);
    MUST(connect_to(u, a));
    MUST(pipe(p));
    RC(sendmsg(-1, &m, 0), -EBADF, nm(f, "sendmsg, descriptor -1"));
    RC(sendmsg(p[0], &m, 0), -ENOTSOCK, nm(f, "sendmsg, a pipe"));
    RC(recvmsg(p[0], &m, 0), -ENOTSOCK, nm(f, "recvmsg, a pipe"));
    RC(sendmsg(u, NULL, 0), -EFAULT, nm(f, "sendmsg, null header"));
    RC(sendmsg(u, (struct msghdr *)8, 0), -EFAULT, nm(f, "sendmsg, wild header"));
    RC(recvmsg(u, (struct msghdr *)8, MSG_DONTWAIT), -EFAULT, nm(f, "recvmsg, wild header"));
    RC(sendmsg(p[0], NULL, 0), -ENOTSOCK, nm(f, "sendmsg, a pipe before null header"));
    struct msghdr *half = (void *)(closed_page() - 16);
    RC(sendmsg(u, half, 0), -EFAULT, nm(f, "sendmsg, header runs into a closed page"));
    m.msg_iovlen = 1025;
    RC(sendmsg(u, &m, 0), -EMSGSIZE, nm(f, "sendmsg, 1025 pieces"));
    RC(recvmsg(u, &m, MSG_DONTWAIT), -EMSGSIZE, nm(f, "recvmsg, 1025 pieces"));
    m = header(NULL, 1);
    RC(sendmsg(u, &m, 0), -EFAULT, nm(f, "sendmsg, null vector"));
    m = header(NULL, 0);
    RC(sendmsg(u, &m, 0), 0, nm(f, "sendmsg, no pieces is an empty message"));
    RC(recvmsg(u, &m, 0), 0, nm(f, "recvmsg, no pieces takes it"));
    v = (struct iovec){(void *)8, 1};
    m = header(&v, 1);
    RC(sendmsg(u, &m, 0), -EFAULT, nm(f, "sendmsg, wild piece"));
    v = (struct iovec){b, (size_t)-1};
    RC(sendmsg(u, &m, 0), -EINVAL, nm(f, "sendmsg, negative piece"));
    RC(recvmsg(u, &m, MSG_DONTWAIT), -EINVAL, nm(f, "recvmsg, negative piece"));
}

static void names(int f)
{
    struct addr a;
    char b[8] = "x";
    int u = bound(f, SOCK_DGRAM, &a);
    struct iovec v = {b, 1};
    struct msghdr m = header(&v, 1);
    m.msg_name = (void *)8;
    m.msg_namelen = a.len;
    RC(sendmsg(u, &m, 0), -EFAULT, nm(f, "sendmsg, wild address"));
    m.msg_name = &a.u;
    m.msg_namelen = (socklen_t)-1;
    RC(sendmsg(u, &m, 0), -EINVAL, nm(f, "sendmsg, address length -1"));
    RC(recvmsg(u, &m, MSG_DONTWAIT), -EINVAL, nm(f, "recvmsg, address length -1"));
    m.msg_namelen = 1000;
    RC(sendmsg(u, &m, 0), 1, nm(f, "sendmsg, address length 1000 is cut to 128"));
    m.msg_namelen = 3;
    RC(sendmsg(u, &m, 0), -EINVAL, nm(f, "sendmsg, address length 3"));
    RC(recvmsg(u, &m, 0), 1, nm(f, "recvmsg, room of 3 for the address"));
    EQ(m.msg_namelen, addr_size(f), nm(f, "recvmsg, room of 3, the true length"));
}

static void control(int f)
{
    struct addr a;
    char b[8] = "x", ctl[64];
    int u = bound(f, SOCK_DGRAM, &a);
    struct iovec v = {b, 1};
    struct msghdr m = header(&v, 1);
    MUST(connect_to(u, a));
    m.msg_control = (void *)8;
    m.msg_controllen = 32;
    RC(sendmsg(u, &m, 0), -EFAULT, nm(f, "sendmsg, wild control"));
    memset(ctl, 0, sizeof(ctl));
    m.msg_control = ctl;
    m.msg_controllen = sizeof(ctl);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_len = 3;
    RC(sendmsg(u, &m, 0), -EINVAL, nm(f, "sendmsg, control message of length 3"));
    c->cmsg_len = 1000;
    RC(sendmsg(u, &m, 0), -EINVAL, nm(f, "sendmsg, control message longer than its room"));
    c->cmsg_len = CMSG_LEN(4);
    c->cmsg_level = f == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    c->cmsg_type = 9999;
    m.msg_controllen = CMSG_SPACE(4);
    RC(sendmsg(u, &m, 0), -EINVAL, nm(f, "sendmsg, unknown control message"));
    m.msg_controllen = 4;
    RC(sendmsg(u, &m, 0), 1, nm(f, "sendmsg, control too short to hold any"));
    m.msg_controllen = sizeof(ctl);
    RC(recvmsg(u, &m, 0), 1, nm(f, "recvmsg, room for control"));
    EQ(m.msg_controllen, 0, nm(f, "recvmsg, no control came"));
}

static void many(int f)
{
    struct addr a;
    char b[4][8] = {"a", "b", "c", "d"};
    int u = bound(f, SOCK_DGRAM, &a);
    struct iovec v[4];
    struct mmsghdr mm[4];
    struct timespec past = {-1, 0}, brief = {0, 30 * 1000000};
    memset(mm, 0, sizeof(mm));
    for (int i = 0; i < 4; i++) {
        v[i] = (struct iovec){b[i], 1};
        mm[i].msg_hdr = header(&v[i], 1);
    }
    MUST(connect_to(u, a));
    RC(sendmmsg(-1, mm, 1, 0), -EBADF, nm(f, "sendmmsg, descriptor -1"));
    RC(sendmmsg(u, mm, 0, 0), 0, nm(f, "sendmmsg, no messages"));
    RC(sendmmsg(u, NULL, 1, 0), -EFAULT, nm(f, "sendmmsg, null headers"));
    v[2].iov_base = (void *)8;
    RC(sendmmsg(u, mm, 4, 0), 2, nm(f, "sendmmsg, stops at a wild piece"));
    RC(sendmmsg(u, mm + 2, 2, 0), -EFAULT, nm(f, "sendmmsg, begins with a wild piece"));
    v[2].iov_base = b[2];
    MUST(await(u, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    RC(recvmmsg(u, mm, 1, 0, NULL), 1, nm(f, "recvmmsg, one asked"));
    RC(recvmmsg(u, mm, 4, MSG_WAITFORONE, NULL), 1, nm(f, "recvmmsg, MSG_WAITFORONE, one there"));
    RC(recvmmsg(u, mm, 4, MSG_DONTWAIT, NULL), -EAGAIN, nm(f, "recvmmsg, none there"));
    RC(recvmmsg(u, mm, 4, MSG_DONTWAIT, &past), -EINVAL, nm(f, "recvmmsg, negative time"));
    RC(recvmmsg(u, mm, 4, MSG_DONTWAIT, &brief), -EAGAIN, nm(f, "recvmmsg, none there, a time"));
}

static void *send_another(void *u)
{
    MUST(wait_blocked(getpid(), SYS_recvmmsg) ? 0 : -1);
    MUST(send(*(int *)u, "three", 5, 0));
    return NULL;
}

/* Without MSG_WAITFORONE and a time, recvmmsg() waits until all have come. */
static void many_wait(int f)
{
    struct addr a;
    char b[2][8];
    int u = bound(f, SOCK_DGRAM, &a);
    pthread_t thread;
    struct iovec v[2] = {{b[0], 8}, {b[1], 8}};
    struct mmsghdr mm[2];
    memset(mm, 0, sizeof(mm));
    for (int i = 0; i < 2; i++)
        mm[i].msg_hdr = header(&v[i], 1);
    MUST(connect_to(u, a));
    MUST(send(u, "one", 3, 0));
    MUST(await(u, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    MUST(-pthread_create(&thread, NULL, send_another, &u));
    RC(recvmmsg(u, mm, 2, 0, NULL), 2, nm(f, "recvmmsg waits for both"));
    EQ(mm[0].msg_len, 3, nm(f, "recvmmsg waits for both, the first"));
    EQ(mm[1].msg_len, 5, nm(f, "recvmmsg waits for both, the second"));
}

static void flags(int f)
{
    struct addr a;
    char b[8] = "x";
    int u = bound(f, SOCK_DGRAM, &a);
    MUST(connect_to(u, a));
    RC(send(u, b, 1, MSG_CONFIRM | MSG_DONTROUTE), 1, nm(f, "MSG_CONFIRM and MSG_DONTROUTE"));
    RC(recv(u, b, 8, 0), 1, nm(f, "MSG_CONFIRM and MSG_DONTROUTE, arrives"));
    RC(send(u, b, 1, MSG_MORE), 1, nm(f, "MSG_MORE, kept"));
    RC(send(u, "yz", 2, 0), 2, nm(f, "MSG_MORE, completed"));
    RC(recv(u, b, 8, 0), 3, nm(f, "MSG_MORE, one message"));
    OK(memcmp(b, "xyz", 3) == 0, nm(f, "MSG_MORE, joined"));
    MUST(setopt(u, IPPROTO_UDP, UDP_CORK, 1));
    EQ(getopt_of(u, IPPROTO_UDP, UDP_CORK), 1, nm(f, "UDP_CORK is kept"));
    MUST(send(u, "ab", 2, 0));
    MUST(write(u, "c", 1));
    MUST(setopt(u, IPPROTO_UDP, UDP_CORK, 0));
    RC(recv(u, b, 8, 0), 3, nm(f, "UDP_CORK, one message"));
    MUST(send(u, "x", 1, MSG_MORE));
    MUST(setopt(u, IPPROTO_UDP, UDP_CORK, 0));
    RC(recv(u, b, 8, 0), 1, nm(f, "MSG_MORE, sent by UDP_CORK"));
    static char big[40000];
    RC(send(u, big, sizeof(big), MSG_MORE), sizeof(big), nm(f, "MSG_MORE, 40000 bytes"));
    RC(send(u, big, sizeof(big), MSG_MORE), -EMSGSIZE, nm(f, "MSG_MORE, 80000 bytes"));
    RC(send(u, "x", 1, 0), 1, nm(f, "MSG_MORE, dropped as too long, the next"));
    RC(recv(u, b, 8, 0), 1, nm(f, "MSG_MORE, dropped as too long, the next arrives"));
    RC(recv(u, b, 8, MSG_ERRQUEUE), -EAGAIN, nm(f, "MSG_ERRQUEUE, empty"));
    struct pair t = tcp_pair(f);
    RC(recv(t.c, b, 8, MSG_ERRQUEUE), -EAGAIN, nm(f, "MSG_ERRQUEUE of a stream, empty"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(headers), CASE(names),     CASE(control),
                                         CASE(many),    CASE(many_wait), CASE(flags)};
    return run_cases(cases, COUNT(cases));
}
