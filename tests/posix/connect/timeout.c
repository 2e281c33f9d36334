/* connect() to who never answers: ETIMEDOUT after as many SYNs as TCP_SYNCNT allows, blocking or
 * not, and the socket afterwards. All wait at the same time: one retransmission takes three
 * seconds. */
#include "../lib.h"

#include <pthread.h>

enum { FAILED = POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, LONGEST_MS = 6000 };

struct trial {
    pthread_t thread;
    int family, result[2];
    struct addr a;
};

static int shortened(int f)
{
    int fd = tcp(f);
    MUST(setopt(fd, IPPROTO_TCP, TCP_SYNCNT, 1));
    return fd;
}

/* The blocking connect, in a thread of its own: the errno and what followed. */
static void *blocking(void *arg)
{
    struct trial *t = arg;
    int fd = shortened(t->family);
    t->result[0] = (int)r(connect_to(fd, t->a));
    t->result[1] = mask_of(fd);
    return NULL;
}

/* C12 C23. NetSem timer_tt_rexmtsyn_1, timer_tt_conn_est_1. */
static void silence(int f)
{
    static const int family[2] = {AF_INET, AF_INET6};
    struct trial wait[2];
    int fd[2];
    struct addr good;
    char c;
    if (f != AF_INET)
        return;
    long long start = now_ms();
    for (int i = 0; i < 2; i++) {
        wait[i].family = family[i];
        silent(family[i], &wait[i].a);
        fd[i] = shortened(family[i]);
        nonblock(fd[i]);
        RC(connect_to(fd[i], wait[i].a), -EINPROGRESS, nm(family[i], "silence, connect"));
        MUST(-pthread_create(&wait[i].thread, NULL, blocking, &wait[i]));
    }
    for (int i = 0; i < 2; i++) {
        int g = family[i];
        struct pollfd p = {.fd = fd[i], .events = POLL_ALL};
        RC(poll(&p, 1, LONGEST_MS), 1, nm(g, "silence, ends"));
        OK(now_ms() - start >= 2900, nm(g, "silence, ends after 1 s and 2 s"));
        MASK(fd[i], FAILED, nm(g, "silence, mask"));
        EQ(so_error(fd[i]), ETIMEDOUT, nm(g, "silence, SO_ERROR"));
        EQ(so_error(fd[i]), 0, nm(g, "silence, SO_ERROR once"));
        RC(recv(fd[i], &c, 1, 0), 0, nm(g, "silence, recv"));
        EQ(peer_error(fd[i]), -ENOTCONN, nm(g, "silence, no peer"));
        listener(g, 1, &good);
        RC(connect_to(fd[i], good), -ECONNABORTED, nm(g, "silence, error taken, connect"));
        RC(connect_to(fd[i], good), -EINPROGRESS, nm(g, "silence, begins anew"));
        MASK(fd[i], POLLOUT, nm(g, "silence, connects elsewhere"));
        EQ(pthread_join(wait[i].thread, NULL), 0, nm(g, "silence, blocking, ends"));
        EQ(wait[i].result[0], -ETIMEDOUT, nm(g, "silence, blocking, connect"));
        EQ(wait[i].result[1], POLLOUT | POLLHUP, nm(g, "silence, blocking, mask as fresh"));
    }
}

int main(void)
{
    static const struct tcase cases[] = {CASE(silence)};
    return run_cases(cases, COUNT(cases));
}
