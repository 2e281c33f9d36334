/* Copies of a descriptor, by dup() and fork(), of a socket that was connected and is anew. */
#include "../lib.h"

enum { RESET = POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP };

static int dissolve(int fd)
{
    return connect_to(fd, unspec());
}

static void dissolved(int f)
{
    struct pair t = tcp_pair(f);
    struct addr a;
    int d = MUST(dup(t.c)), l = listener(f, 4, &a);
    char b;
    RC(dissolve(t.c), 0, nm(f, "dissolved, by the first"));
    EQ(peer_error(d), -ENOTCONN, nm(f, "dissolved, the copy has no peer"));
    EQ(so_error(d), ECONNRESET, nm(f, "dissolved, SO_ERROR by the copy"));
    EQ(so_error(t.c), 0, nm(f, "dissolved, SO_ERROR is taken for both"));
    MASK(d, POLLOUT | POLLHUP, nm(f, "dissolved, the copy's mask"));
    RC(connect_to(d, a), 0, nm(f, "dissolved, the copy connects"));
    OK(same(peer_of(t.c), a), nm(f, "dissolved, the first has the new peer"));
    MASK(t.c, POLLOUT, nm(f, "dissolved, the first's mask"));
    int s = MUST(accept(l, NULL, NULL));
    RC(send(t.c, "1", 1, 0), 1, nm(f, "dissolved, the first sends"));
    RC(recv(s, &b, 1, 0), 1, nm(f, "dissolved, its byte arrives"));
    close(d);
    MASK(s, POLLOUT, nm(f, "dissolved, the first is left"));
    close(t.c);
    MASK(s, POLLIN | POLLOUT | POLLRDHUP, nm(f, "dissolved, the last close"));
}

/* The copy is looked at only when the first is connected anew. */
static void connected_anew(int f)
{
    struct pair t = tcp_pair(f);
    struct addr a;
    int d = MUST(dup(t.c)), l = listener(f, 4, &a);
    char b;
    MUST(dissolve(t.c));
    RC(connect_to(t.c, a), 0, nm(f, "connected anew, by the first"));
    int s = MUST(accept(l, NULL, NULL));
    OK(same(peer_of(d), a), nm(f, "connected anew, the copy's peer"));
    MASK(d, POLLOUT, nm(f, "connected anew, the copy's mask"));
    RC(send(d, "2", 1, 0), 1, nm(f, "connected anew, the copy sends"));
    RC(recv(s, &b, 1, 0), 1, nm(f, "connected anew, its byte arrives"));
    RC(send(s, "3", 1, 0), 1, nm(f, "connected anew, the peer answers"));
    RC(recv(d, &b, 1, 0), 1, nm(f, "connected anew, the copy receives"));
}

static void refused(int f)
{
    struct addr a;
    int fd = tcp(f), d = MUST(dup(fd));
    char b;
    RC(connect_to(fd, refuser(f)), -ECONNREFUSED, nm(f, "refused, by the first"));
    EQ(so_error(d), 0, nm(f, "refused, no SO_ERROR by the copy"));
    MASK(d, POLLOUT | POLLHUP, nm(f, "refused, the copy's mask"));
    int l = listener(f, 4, &a);
    RC(connect_to(d, a), 0, nm(f, "refused, the copy connects"));
    int s = MUST(accept(l, NULL, NULL));
    OK(same(peer_of(fd), a), nm(f, "refused, the first has the peer"));
    RC(send(fd, "x", 1, 0), 1, nm(f, "refused, the first sends"));
    RC(recv(s, &b, 1, 0), 1, nm(f, "refused, its byte arrives"));
}

static void refused_later(int f)
{
    struct addr a;
    int fd = tcp(f), d = MUST(dup(fd));
    char b;
    nonblock(fd);
    RC(connect_to(fd, refuser(f)), -EINPROGRESS, nm(f, "refused later, by the first"));
    MASK(d, RESET, nm(f, "refused later, the copy's mask"));
    EQ(so_error(d), ECONNREFUSED, nm(f, "refused later, SO_ERROR by the copy"));
    int l = listener(f, 4, &a);
    RC(connect_to(fd, a), -ECONNABORTED, nm(f, "refused later, the first is told once more"));
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "refused later, the first connects"));
    MASK(fd, POLLOUT, nm(f, "refused later, the first is connected"));
    int s = MUST(accept(l, NULL, NULL));
    EQ(so_error(d), 0, nm(f, "refused later, no SO_ERROR by the copy"));
    OK(same(peer_of(d), a), nm(f, "refused later, the copy's peer"));
    MASK(d, POLLOUT, nm(f, "refused later, the copy is connected"));
    RC(send(d, "x", 1, 0), 1, nm(f, "refused later, the copy sends"));
    RC(recv(s, &b, 1, 0), 1, nm(f, "refused later, its byte arrives"));
}

static void of_parent(int f)
{
    struct pair t = tcp_pair(f);
    struct addr a;
    int status, l;
    char b;
    pid_t child = MUST(fork());
    if (child == 0)
        _exit(dissolve(t.c) != 0);
    MUST(waitpid(child, &status, 0));
    EQ(status, 0, nm(f, "a child dissolves and ends"));
    MASK(t.s, RESET, nm(f, "a child dissolved, the peer is reset"));
    EQ(peer_error(t.c), -ENOTCONN, nm(f, "a child dissolved, no peer"));
    l = listener(f, 4, &a);
    RC(connect_to(t.c, a), 0, nm(f, "a child dissolved, connects again"));
    int s = MUST(accept(l, NULL, NULL));
    RC(send(t.c, "x", 1, 0), 1, nm(f, "a child dissolved, sends"));
    RC(recv(s, &b, 1, 0), 1, nm(f, "a child dissolved, its byte arrives"));
}

static void listens_anew(int f)
{
    struct pair t = tcp_pair(f);
    int d = MUST(dup(t.c));
    MUST(dissolve(t.c));
    RC(listen(d, 4), 0, nm(f, "dissolved, the copy listens"));
    EQ(getopt_of(t.c, SOL_SOCKET, SO_ACCEPTCONN), 1, nm(f, "dissolved, the first listens"));
    RC(connect_to(tcp(f), loopback(f, port_of(name_of(t.c)))), 0,
       nm(f, "dissolved and listening, serves"));
    MASK(t.c, POLLIN, nm(f, "dissolved and listening, the first's mask"));
    RC(accept(t.c, NULL, NULL) < 0 ? -1 : 0, 0, nm(f, "dissolved and listening, accept"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(dissolved),     CASE(connected_anew), CASE(refused),
        CASE(refused_later), CASE(of_parent),      CASE(listens_anew),
    };
    return run_cases(cases, COUNT(cases));
}
