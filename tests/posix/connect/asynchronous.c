/* connect() on a non-blocking socket: EINPROGRESS, EALREADY, 0 once, EISCONN; refusal in every
 * order of asking. */
#include "../lib.h"

#include <sys/epoll.h>
#include <sys/select.h>

enum { FAILED = POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, ERROR_TAKEN = FAILED & ~POLLERR };

static int begin(int f, struct addr a, const char *situation)
{
    int fd = tcp(f);
    nonblock(fd);
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "%s: connect", situation));
    return fd;
}

/* C14 C15 C17. NetSem getsockerr_1. */
static void success(int f)
{
    struct addr a;
    listener(f, 4, &a);
    int fd = begin(f, a, "asynchronous success");
    MASK(fd, POLLOUT, nm(f, "asynchronous success: becomes writable"));
    EQ(so_error(fd), 0, nm(f, "asynchronous success: SO_ERROR"));
    RC(connect_to(fd, a), 0, nm(f, "asynchronous success: second connect"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "asynchronous success: third connect"));
    OK(same(peer_of(fd), a), nm(f, "asynchronous success: peer"));
}

static void success_other_address(int f)
{
    struct addr a, other = refuser(f);
    listener(f, 4, &a);
    int fd = begin(f, a, "asynchronous, other address");
    MASK(fd, POLLOUT, nm(f, "asynchronous, other address: becomes writable"));
    RC(connect_to(fd, other), 0, nm(f, "asynchronous, other address: second connect"));
    RC(connect_to(fd, other), -EISCONN, nm(f, "asynchronous, other address: third connect"));
    OK(same(peer_of(fd), a), nm(f, "asynchronous, other address: peer is the first"));
}

static void success_short_address(int f)
{
    struct addr a;
    listener(f, 4, &a);
    int fd = begin(f, a, "asynchronous, short address");
    MASK(fd, POLLOUT, nm(f, "asynchronous, short address: becomes writable"));
    RC(connect(fd, &a.u.sa, 1), -EINVAL, nm(f, "asynchronous, short address: length 1"));
    RC(connect(fd, &a.u.sa, 2), 0, nm(f, "asynchronous, short address: length 2"));
    RC(connect(fd, &a.u.sa, 2), -EISCONN, nm(f, "asynchronous, short address: length 2 again"));
}

static void success_and_data(int f)
{
    struct addr a;
    int l = listener(f, 4, &a);
    int fd = begin(f, a, "asynchronous and data");
    MASK(fd, POLLOUT, nm(f, "asynchronous and data: becomes writable"));
    RC(send(fd, "x", 1, 0), 1, nm(f, "asynchronous and data: send"));
    int s = MUST(accept(l, NULL, NULL));
    MUST(send(s, "y", 1, 0));
    MASK(fd, POLLIN | POLLOUT, nm(f, "asynchronous and data: readable"));
    RC(connect_to(fd, a), 0, nm(f, "asynchronous and data: the 0 is still there"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "asynchronous and data: then EISCONN"));
}

/* C16. NetSem connect_5. */
static void pending(int f)
{
    struct addr a;
    char c;
    int l = silent(f, &a);
    int fd = begin(f, a, "pending");
    MASK(fd, 0, nm(f, "pending: mask empty"));
    RC(connect_to(fd, a), -EALREADY, nm(f, "pending: connect again"));
    RC(connect_to(fd, refuser(f)), -EALREADY, nm(f, "pending: connect elsewhere"));
    RC(connect(fd, &a.u.sa, 2), -EALREADY, nm(f, "pending: connect, length 2"));
    RC(connect(fd, &a.u.sa, 1), -EINVAL, nm(f, "pending: connect, length 1"));
    EQ(so_error(fd), 0, nm(f, "pending: SO_ERROR"));
    RC(recv(fd, &c, 1, 0), -EAGAIN, nm(f, "pending: recv"));
    RC(send(fd, "x", 1, MSG_NOSIGNAL), -EAGAIN, nm(f, "pending: send"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "pending: getpeername"));
    OK(same_host(name_of(fd), a), nm(f, "pending: already has an address"));
    OK(port_of(name_of(fd)) != 0, nm(f, "pending: already has a port"));
    RC(listen(fd, 1), -EINVAL, nm(f, "pending: listen"));
    RC(accept(fd, NULL, NULL), -EINVAL, nm(f, "pending: accept"));
    RC(bind_to(fd, loopback(f, 0)), -EINVAL, nm(f, "pending: bind"));
    MUST(accept(l, NULL, NULL));
    MASK(fd, POLLOUT, nm(f, "pending: completes on a retransmitted SYN"));
    RC(connect_to(fd, a), 0, nm(f, "pending: completed, connect"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "pending: completed, connect again"));
}

/* C24. NetSem connect_4. */
static void refused_ask_connect(int f)
{
    struct addr a = refuser(f);
    int fd = begin(f, a, "asynchronous refusal, connect asks");
    MASK(fd, FAILED, nm(f, "asynchronous refusal, connect asks: mask"));
    RC(connect_to(fd, a), -ECONNREFUSED, nm(f, "asynchronous refusal, connect asks: second"));
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "asynchronous refusal, connect asks: third"));
    MASK(fd, FAILED, nm(f, "asynchronous refusal, connect asks: refused again"));
    EQ(so_error(fd), ECONNREFUSED, nm(f, "asynchronous refusal, connect asks: SO_ERROR at last"));
}

/* NetSem getsockerr_2. */
static void refused_ask_option(int f)
{
    struct addr a = refuser(f);
    int fd = begin(f, a, "asynchronous refusal, SO_ERROR asks");
    MASK(fd, FAILED, nm(f, "asynchronous refusal, SO_ERROR asks: mask"));
    EQ(so_error(fd), ECONNREFUSED, nm(f, "asynchronous refusal, SO_ERROR asks: first"));
    EQ(so_error(fd), 0, nm(f, "asynchronous refusal, SO_ERROR asks: second"));
    MASK(fd, ERROR_TAKEN, nm(f, "asynchronous refusal, SO_ERROR asks: ERR is gone"));
    RC(connect_to(fd, a), -ECONNABORTED,
       nm(f, "asynchronous refusal, SO_ERROR asks: second connect"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "asynchronous refusal, SO_ERROR asks: mask as fresh"));
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "asynchronous refusal, SO_ERROR asks: begins anew"));
}

static void refused_ask_io(int f)
{
    struct addr a = refuser(f);
    char c;
    int fd = begin(f, a, "asynchronous refusal, recv asks");
    MASK(fd, FAILED, nm(f, "asynchronous refusal, recv asks: mask"));
    RC(recv(fd, &c, 1, 0), -ECONNREFUSED, nm(f, "asynchronous refusal, recv asks: first"));
    RC(recv(fd, &c, 1, 0), 0, nm(f, "asynchronous refusal, recv asks: second"));
    EQ(so_error(fd), 0, nm(f, "asynchronous refusal, recv asks: SO_ERROR taken"));
    MASK(fd, ERROR_TAKEN, nm(f, "asynchronous refusal, recv asks: mask after"));
    int w = begin(f, a, "asynchronous refusal, send asks");
    MASK(w, FAILED, nm(f, "asynchronous refusal, send asks: mask"));
    RC(send(w, "x", 1, MSG_NOSIGNAL), -ECONNREFUSED,
       nm(f, "asynchronous refusal, send asks: first"));
    RC(send(w, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "asynchronous refusal, send asks: second"));
    EQ(so_error(w), 0, nm(f, "asynchronous refusal, send asks: SO_ERROR taken"));
}

static void refused_names(int f)
{
    struct addr a = refuser(f);
    int fd = begin(f, a, "asynchronous refusal, names");
    MASK(fd, FAILED, nm(f, "asynchronous refusal, names: mask"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "asynchronous refusal, names: no peer"));
    OK(same_host(name_of(fd), a), nm(f, "asynchronous refusal, names: address still shown"));
    OK(port_of(name_of(fd)) != 0, nm(f, "asynchronous refusal, names: stale port"));
    RC(connect_to(fd, a), -ECONNREFUSED, nm(f, "asynchronous refusal, names: error taken"));
    OK(same_host(name_of(fd), any(f, 0)), nm(f, "asynchronous refusal, names: address forgotten"));
    struct addr good;
    listener(f, 4, &good);
    RC(connect_to(fd, good), -EINPROGRESS, nm(f, "asynchronous refusal, names: begins anew"));
    MASK(fd, POLLOUT, nm(f, "asynchronous refusal, names: connects"));
    OK(same(peer_of(fd), good), nm(f, "asynchronous refusal, names: new peer"));
}

/* C15. NetSem pselect_1. */
static void selected(int f)
{
    struct addr a;
    struct timeval tv = {3, 0};
    fd_set w;
    listener(f, 4, &a);
    int fd = begin(f, a, "select");
    FD_ZERO(&w);
    FD_SET(fd, &w);
    RC(select(fd + 1, NULL, &w, NULL, &tv), 1, nm(f, "select: tells of completion"));
    OK(FD_ISSET(fd, &w), nm(f, "select: writable"));
    fd_set rd, ex;
    int bad = begin(f, refuser(f), "select, refused");
    MASK(bad, FAILED, nm(f, "select, refused: mask"));
    FD_ZERO(&rd);
    FD_ZERO(&w);
    FD_ZERO(&ex);
    FD_SET(bad, &rd);
    FD_SET(bad, &w);
    FD_SET(bad, &ex);
    RC(select(bad + 1, &rd, &w, &ex, &tv), 2, nm(f, "select, refused: readable and writable"));
    OK(!FD_ISSET(bad, &ex), nm(f, "select, refused: nothing exceptional"));
}

/* C15. */
static void epolled(int f)
{
    struct addr a;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET}, got;
    int l = silent(f, &a), fd = tcp(f), ep = MUST(epoll_create1(0));
    nonblock(fd);
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "epoll: connect"));
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll: nothing while pending"));
    MUST(accept(l, NULL, NULL));
    RC(epoll_wait(ep, &got, 1, PATIENCE_MS), 1, nm(f, "epoll: an edge at completion"));
    EQ(got.events, EPOLLOUT, nm(f, "epoll: the edge says OUT"));
    int bad = tcp(f);
    nonblock(bad);
    MUST(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
    RC(connect_to(bad, refuser(f)), -EINPROGRESS, nm(f, "epoll, refused: connect"));
    MASK(bad, FAILED, nm(f, "epoll, refused: mask"));
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, bad, &ev));
    RC(epoll_wait(ep, &got, 1, PATIENCE_MS), 1, nm(f, "epoll, refused: an event"));
    EQ(got.events, FAILED, nm(f, "epoll, refused: IN OUT RDHUP ERR HUP"));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "epoll, refused: the edge came once"));
}

/* A socket that is connecting, then made blocking, joins the wait. NetSem connect_5d. */
static void joined(int f)
{
    struct addr a;
    int fd = begin(f, refuser(f), "joined, refused");
    MASK(fd, FAILED, nm(f, "joined, refused: mask"));
    MUST(fcntl(fd, F_SETFL, 0));
    RC(connect_to(fd, refuser(f)), -ECONNREFUSED,
       nm(f, "joined, refused: the old attempt's error"));
    int l = silent(f, &a);
    int p = begin(f, a, "joined, pending");
    MUST(fcntl(p, F_SETFL, 0));
    MUST(accept(l, NULL, NULL));
    RC(connect_to(p, a), 0, nm(f, "joined, pending: waits for the open under way"));
    RC(connect_to(p, a), -EISCONN, nm(f, "joined, pending: connected"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(success),
        CASE(success_other_address),
        CASE(success_short_address),
        CASE(success_and_data),
        CASE(pending),
        CASE(refused_ask_connect),
        CASE(refused_ask_option),
        CASE(refused_ask_io),
        CASE(refused_names),
        CASE(selected),
        CASE(epolled),
        CASE(joined),
    };
    return run_cases(cases, COUNT(cases));
}
