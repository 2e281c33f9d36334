/* select() and pselect(): waiting, times, numbers of descriptors. */
#include "../lib.h"

#include <pthread.h>
#include <sys/select.h>
#include <sys/syscall.h>

struct sender {
    pthread_t thread;
    int fd, target;
};

static void *send_when_blocked(void *arg)
{
    struct sender *s = arg;
    MUST(wait_blocked(s->target, SYS_pselect6) ? 0 : -1);
    MUST(send(s->fd, "x", 1, 0));
    return NULL;
}

static fd_set only(int fd)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return set;
}

/* NetSem pselect_2, pselect_3. */
static void waits(int f)
{
    struct pair t = tcp_pair(f);
    struct sender s = {.fd = t.s, .target = getpid()};
    struct timespec long_enough = {PATIENCE_MS / 1000, 0};
    fd_set rd = only(t.c), wr = only(t.l);
    MUST(-pthread_create(&s.thread, NULL, send_when_blocked, &s));
    RC(pselect(FD_SETSIZE, &rd, &wr, NULL, &long_enough, NULL), 1, nm(f, "pselect waits for data"));
    OK(FD_ISSET(t.c, &rd), nm(f, "pselect waits, the readable one is told"));
    OK(!FD_ISSET(t.l, &wr), nm(f, "pselect waits, the other is not"));
    pthread_join(s.thread, NULL);
}

/* NetSem pselect_3. */
static void runs_out(int f)
{
    struct pair t = tcp_pair(f);
    struct timespec ts = {0, 50000000};
    struct timeval tv = {0, 50000};
    fd_set rd = only(t.c), ex = only(t.c);
    long long start = now_ms();
    RC(pselect(t.c + 1, &rd, NULL, &ex, &ts, NULL), 0, nm(f, "pselect, the time runs out"));
    OK(now_ms() - start >= 49, nm(f, "pselect, not before time"));
    OK(!FD_ISSET(t.c, &rd) && !FD_ISSET(t.c, &ex), nm(f, "pselect, the sets are empty"));
    EQ(ts.tv_nsec, 50000000, nm(f, "pselect leaves the time as it is"));
    rd = only(t.c);
    start = now_ms();
    RC(select(t.c + 1, &rd, NULL, NULL, &tv), 0, nm(f, "select, the time runs out"));
    OK(now_ms() - start >= 49, nm(f, "select, not before time"));
    OK(tv.tv_sec == 0 && tv.tv_usec == 0, nm(f, "select, no time is left"));
    tv = (struct timeval){100, 0};
    rd = only(t.c);
    fd_set wr = only(t.c);
    RC(select(t.c + 1, &rd, &wr, NULL, &tv), 1, nm(f, "select, ready at once"));
    OK(tv.tv_sec == 99 || tv.tv_sec == 100, nm(f, "select, ready at once, the time is left"));
    tv = (struct timeval){0, 0};
    rd = only(t.c);
    RC(select(t.c + 1, &rd, NULL, NULL, &tv), 0, nm(f, "select, a time of 0 does not wait"));
}

/* NetSem pselect_4. */
static void times(int f)
{
    struct pair t = tcp_pair(f);
    static const struct timespec bad[] = {{-1, 0}, {0, -1}, {0, 1000000000}};
    static const char *const names[] = {"-1 s", "-1 ns", "a billion ns"};
    struct timeval tv = {-1, 0};
    fd_set rd = only(t.c);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct timespec ts = bad[i];
        RC(pselect(t.c + 1, &rd, NULL, NULL, &ts, NULL), -EINVAL, nm(f, "pselect, %s", names[i]));
    }
    RC(select(t.c + 1, &rd, NULL, NULL, &tv), -EINVAL, nm(f, "select, -1 s"));
    tv = (struct timeval){0, -1};
    RC(select(t.c + 1, &rd, NULL, NULL, &tv), -EINVAL, nm(f, "select, -1 us"));
    OK(FD_ISSET(t.c, &rd), nm(f, "select, refused, the set stays"));
    tv = (struct timeval){0, 1000001};
    fd_set wr = only(t.c);
    RC(select(t.c + 1, NULL, &wr, NULL, &tv), 1, nm(f, "select, more than a second of us"));
}

/* NetSem pselect_5, pselect_6. */
static void numbers(int f)
{
    struct pair t = tcp_pair(f);
    struct timeval zero = {0, 0};
    int closed = tcp(f);
    fd_set rd = only(t.c), wr = only(t.c);
    RC(select(-1, &rd, NULL, NULL, &zero), -EINVAL, nm(f, "select, n of -1"));
    RC(select(0, &rd, &wr, NULL, &zero), 0, nm(f, "select, n of 0"));
    OK(FD_ISSET(t.c, &wr), nm(f, "select, n of 0, the sets are not looked at"));
    RC(select(t.c, &rd, &wr, NULL, &zero), 0, nm(f, "select, n is one too few"));
    wr = only(t.c);
    RC(select(FD_SETSIZE, NULL, &wr, NULL, &zero), 1, nm(f, "select, n is the most there can be"));
    close(closed);
    rd = only(closed);
    wr = only(t.c);
    RC(select(FD_SETSIZE, &rd, &wr, NULL, &zero), -EBADF, nm(f, "select, a closed descriptor"));
    OK(FD_ISSET(closed, &rd) && FD_ISSET(t.c, &wr), nm(f, "select, refused, the sets stay"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(waits), CASE(runs_out), CASE(times), CASE(numbers)};
    return run_cases(cases, COUNT(cases));
}
