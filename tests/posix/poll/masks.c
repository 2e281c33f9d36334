/* poll(), select(), epoll: what each state shows, and the edges on the way. */
#include "../lib.h"

#include <sys/epoll.h>
#include <sys/select.h>

enum {
    ENDED = POLLIN | POLLOUT | POLLRDHUP,
    DEAD = ENDED | POLLHUP,
    FAILED = ENDED | POLLERR | POLLHUP,
    EDGES = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
};

static void life(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), c = tcp(f);
    char b[8];
    MASK(c, POLLOUT | POLLHUP, nm(f, "fresh"));
    MASK(l, 0, nm(f, "listening"));
    MUST(connect_to(c, a));
    MASK(c, POLLOUT, nm(f, "connected"));
    MASK(l, POLLIN, nm(f, "listening, one waits"));
    int s = MUST(accept(l, NULL, NULL));
    MASK(s, POLLOUT, nm(f, "accepted"));
    MUST(send(c, "abc", 3, 0));
    MASK(s, POLLIN | POLLOUT, nm(f, "data"));
    MUST(recv(s, b, 2, 0));
    MASK(s, POLLIN | POLLOUT, nm(f, "data, some of it read"));
    MUST(recv(s, b, 8, 0));
    MASK(s, POLLOUT, nm(f, "data, all of it read"));
    MUST(send(c, "z", 1, 0));
    MUST(shutdown(c, SHUT_WR));
    MASK(s, ENDED, nm(f, "data and FIN"));
    MUST(recv(s, b, 8, 0));
    MASK(s, ENDED, nm(f, "FIN, data read"));
    MASK(c, POLLOUT, nm(f, "FIN sent"));
    MUST(shutdown(s, SHUT_WR));
    MASK(c, DEAD, nm(f, "both ended, the first"));
    MASK(s, DEAD, nm(f, "both ended, the second"));
}

static void only_what_is_asked(int f)
{
    struct pair t = tcp_pair(f);
    MUST(shutdown(t.s, SHUT_WR));
    MUST(await(t.c, ENDED) == ENDED ? 0 : -1);
    struct pollfd p = {.fd = t.c, .events = POLLOUT};
    RC(poll(&p, 1, 0), 1, nm(f, "asked for OUT"));
    EQ(p.revents, POLLOUT, nm(f, "asked for OUT, nothing else"));
    p.events = POLLIN;
    RC(poll(&p, 1, 0), 1, nm(f, "asked for IN"));
    EQ(p.revents, POLLIN, nm(f, "asked for IN, nothing else"));
    p.events = POLLRDNORM;
    RC(poll(&p, 1, 0), 1, nm(f, "asked for RDNORM"));
    EQ(p.revents, POLLRDNORM, nm(f, "asked for RDNORM, nothing else"));
    p.events = 0;
    RC(poll(&p, 1, 0), 0, nm(f, "asked for nothing"));
    reset(t.s);
    struct pair u = tcp_pair(f);
    reset(u.s);
    MUST(await(u.c, FAILED) == FAILED ? 0 : -1);
    p = (struct pollfd){.fd = u.c, .events = 0};
    RC(poll(&p, 1, 0), 1, nm(f, "asked for nothing, reset"));
    EQ(p.revents, POLLERR | POLLHUP, nm(f, "asked for nothing, reset, ERR HUP come anyway"));
    int closed = tcp(f);
    close(closed);
    p = (struct pollfd){.fd = closed, .events = POLLIN};
    RC(poll(&p, 1, 0), 1, nm(f, "closed descriptor"));
    EQ(p.revents, POLLNVAL, nm(f, "closed descriptor, NVAL"));
}

/* NetSem pselect_1. */
static void selects(int f)
{
    struct pair t = tcp_pair(f);
    struct timeval zero = {0, 0};
    fd_set rd, wr, ex;
    FD_ZERO(&rd);
    FD_SET(t.c, &rd);
    wr = ex = rd;
    RC(select(t.c + 1, &rd, &wr, &ex, &zero), 1, nm(f, "select, connected"));
    OK(!FD_ISSET(t.c, &rd) && FD_ISSET(t.c, &wr) && !FD_ISSET(t.c, &ex),
       nm(f, "select, connected, writable only"));
    MUST(shutdown(t.s, SHUT_WR));
    MUST(await(t.c, ENDED) == ENDED ? 0 : -1);
    FD_SET(t.c, &rd);
    RC(select(t.c + 1, &rd, NULL, NULL, &zero), 1, nm(f, "select, FIN is readable"));
    FD_ZERO(&wr);
    int fresh = tcp(f);
    FD_SET(fresh, &wr);
    RC(select(fresh + 1, NULL, &wr, NULL, &zero), 1, nm(f, "select, fresh is writable"));
    FD_ZERO(&rd);
    FD_SET(fresh, &rd);
    RC(select(fresh + 1, &rd, NULL, NULL, &zero), 1, nm(f, "select, fresh is readable (HUP)"));
}

static int edge(int ep)
{
    struct epoll_event ev = {0};
    int n = epoll_wait(ep, &ev, 1, PATIENCE_MS);
    return n == 1 ? (int)ev.events : -1;
}

static void level(int f)
{
    struct pair t = tcp_pair(f);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP}, got;
    int ep = MUST(epoll_create1(0));
    char b;
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, t.c, &ev));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll level, nothing"));
    MUST(send(t.s, "x", 1, 0));
    EQ(edge(ep), EPOLLIN, nm(f, "epoll level, data"));
    EQ(edge(ep), EPOLLIN, nm(f, "epoll level, data still"));
    MUST(recv(t.c, &b, 1, 0));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll level, read"));
    close(t.s);
    EQ(edge(ep), EPOLLIN | EPOLLRDHUP, nm(f, "epoll level, FIN"));
}

static void edges(int f)
{
    struct addr a;
    struct epoll_event ev = {.events = EDGES & ~EPOLLOUT}, got;
    int l = listener(f, 4, &a), c = tcp(f), ep = MUST(epoll_create1(0));
    char b;
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev));
    MUST(connect_to(c, a));
    EQ(edge(ep), EPOLLIN, nm(f, "epoll edge, a connection waits"));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll edge, told once"));
    MUST(connect_to(tcp(f), a));
    EQ(edge(ep), EPOLLIN, nm(f, "epoll edge, another connection"));
    int s = MUST(accept(l, NULL, NULL));
    MUST(epoll_ctl(ep, EPOLL_CTL_DEL, l, NULL));
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
    MUST(send(c, "x", 1, 0));
    EQ(edge(ep), EPOLLIN, nm(f, "epoll edge, data"));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll edge, data told once"));
    MUST(send(c, "y", 1, 0));
    EQ(edge(ep), EPOLLIN, nm(f, "epoll edge, more data without reading"));
    MUST(recv(s, &b, 1, 0));
    MUST(recv(s, &b, 1, 0));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll edge, reading is no edge"));
    close(c);
    EQ(edge(ep), EPOLLIN | EPOLLRDHUP, nm(f, "epoll edge, FIN"));
}

static void whole_life(int f)
{
    struct addr a;
    struct epoll_event ev = {.events = EDGES}, got;
    int ep = MUST(epoll_create1(0)), c = tcp(f), l = listener(f, 1, &a);
    nonblock(c);
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
    EQ(edge(ep), EPOLLOUT | EPOLLHUP, nm(f, "epoll life, fresh"));
    MUST(connect_to(c, a) < 0 && errno == EINPROGRESS ? 0 : -1);
    EQ(edge(ep), EPOLLOUT, nm(f, "epoll life, connected"));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll life, connected, told once"));
    int s = MUST(accept(l, NULL, NULL));
    reset(s);
    EQ(edge(ep), FAILED, nm(f, "epoll life, reset"));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll life, reset, told once"));
}

static void one_shot(int f)
{
    struct pair t = tcp_pair(f);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT}, got;
    int ep = MUST(epoll_create1(0));
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, t.c, &ev));
    MUST(send(t.s, "x", 1, 0));
    EQ(edge(ep), EPOLLIN, nm(f, "epoll one shot, first"));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll one shot, no second"));
    MUST(epoll_ctl(ep, EPOLL_CTL_MOD, t.c, &ev));
    EQ(edge(ep), EPOLLIN, nm(f, "epoll one shot, armed again"));
}

static void datagram(int f)
{
    struct addr a;
    char b[4];
    int s = bound(f, SOCK_DGRAM, &a), c = udp(f);
    MASK(c, POLLOUT, nm(f, "datagram, fresh"));
    MASK(s, POLLOUT, nm(f, "datagram, bound"));
    MUST(connect_to(c, a));
    MASK(c, POLLOUT, nm(f, "datagram, connected"));
    MUST(send(c, "", 0, 0));
    MASK(s, POLLIN | POLLOUT, nm(f, "datagram, an empty one waits"));
    MUST(recv(s, b, 4, 0));
    MASK(s, POLLOUT, nm(f, "datagram, an empty one taken"));
}

/* Writable again only when a third of the buffer is free. */
static void writable_again(int f)
{
    static char junk[65536];
    struct pair t = tcp_pair(f);
    struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
    int ep = MUST(epoll_create1(0));
    ssize_t n;
    fill(t.c);
    nonblock(t.s);
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, t.c, &ev));
    RC(epoll_wait(ep, &ev, 1, 0), 0, nm(f, "full, no event"));
    for (long long end = now_ms() + PATIENCE_MS; !(mask_of(t.c) & POLLOUT) && now_ms() < end;) {
        while ((n = recv(t.s, junk, sizeof(junk), 0)) > 0)
            ;
        poll(NULL, 0, 1);
    }
    EQ(edge(ep), EPOLLOUT, nm(f, "drained, an edge OUT"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(life),           CASE(only_what_is_asked), CASE(selects),  CASE(level),
        CASE(edges),          CASE(whole_life),         CASE(one_shot), CASE(datagram),
        CASE(writable_again),
    };
    return run_cases(cases, COUNT(cases));
}
