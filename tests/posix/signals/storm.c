/* Signals all the time, at any moment of a call, with SA_RESTART: no call answers otherwise than
 * without them, none acts twice, and nothing that a call took is lost.
 *
 * One in a hundred may: where a supervisor answers the calls (seccomp user notification), a signal
 * in the very instant of the answer makes Linux restart a call that was answered, and tells nobody.
 */
#include "../lib.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ROUNDS = 400 };

static atomic_bool over;
static atomic_int signals;

static void caught(int sig)
{
    atomic_fetch_add(&signals, 1);
}

/* One signal after the other; the pauses, of no particular length, move it through the calls. */
static void *shoot(void *target)
{
    unsigned pause = 1;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (!over) {
        struct timespec t = {.tv_nsec = 1000 * (pause = pause * 75 % 65537) / 1300};
        pthread_kill(*(pthread_t *)target, SIGUSR1);
        nanosleep(&t, NULL);
    }
    return NULL;
}

static pthread_t shooter, self;

static void begin(void)
{
    struct sigaction sa = {.sa_handler = caught, .sa_flags = SA_RESTART};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    self = pthread_self();
    MUST(-pthread_create(&shooter, NULL, shoot, &self));
    while (!signals)
        poll(NULL, 0, 1);
}

static void end(void)
{
    over = true;
    pthread_join(shooter, NULL);
}

static bool nearly_all(int good)
{
    if (good < ROUNDS)
        fprintf(stderr, "# %d of %d\n", good, ROUNDS);
    return good >= ROUNDS - ROUNDS / 100;
}

/* poll() alone is never restarted. */
static bool wait_for(int fd, int events)
{
    struct pollfd p = {.fd = fd, .events = (short)events};
    int n;
    while ((n = poll(&p, 1, PATIENCE_MS)) < 0 && errno == EINTR)
        continue;
    return n == 1;
}

static void names(int f)
{
    int good[5] = {0};
    struct pair p = tcp_pair(f);
    struct addr c = name_of(p.c), s = name_of(p.s);
    begin();
    for (int i = 0; i < ROUNDS; i++) {
        struct addr a = any(f, 0);
        a.len = sizeof(a.u);
        good[0] += getsockname(p.c, &a.u.sa, &a.len) == 0 && same(a, c);
        a.len = sizeof(a.u);
        good[1] += getpeername(p.c, &a.u.sa, &a.len) == 0 && same(a, s);
        good[2] += getopt_of(p.c, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
        good[3] += setopt(p.c, IPPROTO_TCP, TCP_NODELAY, i & 1) == 0 &&
                   getopt_of(p.c, IPPROTO_TCP, TCP_NODELAY) == (i & 1);
        good[4] += so_error(p.c) == 0;
    }
    OK(nearly_all(good[0]), nm(f, "signals, getsockname"));
    OK(nearly_all(good[1]), nm(f, "signals, getpeername"));
    OK(nearly_all(good[2]), nm(f, "signals, getsockopt"));
    OK(nearly_all(good[3]), nm(f, "signals, setsockopt"));
    OK(nearly_all(good[4]), nm(f, "signals, SO_ERROR"));
    end();
}

/* C12, C13: refused once, then no more. */
static void refusals(int f)
{
    struct addr nobody = refuser(f);
    int made = 0, pending = 0, shown = 0, told = 0, once = 0;
    begin();
    for (int i = 0; i < ROUNDS; i++) {
        int fd = socket(f, SOCK_STREAM | SOCK_NONBLOCK, 0);
        made += fd >= 0;
        pending += r(connect_to(fd, nobody)) == -EINPROGRESS;
        shown += wait_for(fd, POLLOUT);
        told += so_error(fd) == ECONNREFUSED;
        once += so_error(fd) == 0;
        close(fd);
    }
    OK(nearly_all(made), nm(f, "signals, socket"));
    OK(nearly_all(pending), nm(f, "signals, a connect begins"));
    OK(nearly_all(shown), nm(f, "signals, its end shows"));
    OK(nearly_all(told), nm(f, "signals, it was refused"));
    OK(nearly_all(once), nm(f, "signals, that is told once"));
    end();
}

static void connections(int f)
{
    struct addr a;
    int l = listener(f, 8, &a), connected = 0, accepted = 0, joined = 0;
    begin();
    for (int i = 0; i < ROUNDS; i++) {
        struct addr peer = any(f, 0);
        int fd = tcp(f), s;
        connected += connect_to(fd, a) == 0;
        peer.len = sizeof(peer.u);
        s = accept(l, &peer.u.sa, &peer.len);
        accepted += s >= 0;
        joined += same(peer, name_of(fd));
        close(fd);
        close(s);
    }
    OK(nearly_all(connected), nm(f, "signals, connect"));
    OK(nearly_all(accepted), nm(f, "signals, accept"));
    OK(nearly_all(joined), nm(f, "signals, accept gives that connection"));
    end();
}

static void datagrams(int f)
{
    struct addr to, from;
    int s = bound(f, SOCK_DGRAM, &to), c = bound(f, SOCK_DGRAM, &from);
    int sent = 0, got = 0, right = 0, more = 0;
    begin();
    for (int i = 0; i < ROUNDS; i++) {
        struct addr a = any(f, 0);
        int n = -1;
        a.len = sizeof(a.u);
        sent += send_to(c, &i, sizeof(i), to) == sizeof(i);
        if (!wait_for(s, POLLIN))
            break;
        got += recvfrom(s, &n, sizeof(n), MSG_DONTWAIT, &a.u.sa, &a.len) == sizeof(n);
        right += n == i && same(a, from);
        more += r(recv(s, &n, sizeof(n), MSG_DONTWAIT)) != -EAGAIN;
    }
    OK(nearly_all(sent), nm(f, "signals, sendto"));
    OK(nearly_all(got), nm(f, "signals, recvfrom"));
    OK(nearly_all(right), nm(f, "signals, recvfrom in order, with the address"));
    OK(nearly_all(ROUNDS - more), nm(f, "signals, no datagram was sent twice"));
    end();
}

int main(void)
{
    static const struct tcase cases[] = {CASE(names), CASE(refusals), CASE(connections),
                                         CASE(datagrams)};
    return run_cases(cases, COUNT(cases));
}
