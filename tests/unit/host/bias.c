/* The thread that has the sockets goes past the locks: others, the driver, and who closes its
 * descriptors keep it out all the same. ThreadSanitizer looks on in `make check-full`. */
#define _GNU_SOURCE
#include "host/bias.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handfast/host.h"
#include "unit/host/posix_test.h"

enum { ROUNDS = 8, TURNS = 300, ALONE = 4200 /* at least; bias.c */ };

static int ends[2];

/* The child of a fork has a driver of its own. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

static void begin(pthread_t *thread, void *(*run)(void *), void *arg)
{
    if (pthread_create(thread, NULL, run, arg))
        exit(99);
}

static bool is_mine(void)
{
    struct bias_seat *s = atomic_load(&bias_now);

    return s && s->owner == pthread_self() && !atomic_load(&s->is_over);
}

/* So many bytes there, each with its number, and back. */
static bool talk(const int fds[2], int turns)
{
    unsigned char b, back;

    for (int i = 0; i < turns; i++) {
        b = (unsigned char)i;
        if (hf_send(fds[0], &b, 1, 0) != 1 || hf_recv(fds[1], &back, 1, 0) != 1 || back != b ||
            hf_write(fds[1], &back, 1) != 1 || hf_read(fds[0], &b, 1) != 1 || b != back)
            return false;
    }
    return true;
}

static void *talk_beside(void *arg)
{
    int fds[2];
    bool good;

    pair(AF_INET6, fds);
    good = talk(fds, TURNS);
    hf_close(fds[0]);
    hf_close(fds[1]);
    return good ? arg : NULL;
}

static void other_threads_end_it_and_nothing_is_lost(void)
{
    pthread_t others[2];
    void *result;

    OK(is_mine(), "who made the world has it");
    for (int i = 0; i < 2; i++)
        begin(&others[i], talk_beside, ends);
    OK(talk(ends, TURNS), "nothing is lost here");
    for (int i = 0; i < 2; i++) {
        pthread_join(others[i], &result);
        OK(result == ends, "nor there");
    }
    OK(!is_mine(), "and nobody is preferred any more");
}

static void who_is_alone_for_long_has_it_again(void)
{
    struct sockaddr_storage ss;
    socklen_t len;

    for (int i = 0; i < 1 << 24 && !is_mine(); i++) {
        len = sizeof(ss);
        NEED(hf_getsockname(ends[0], (struct sockaddr *)&ss, &len));
    }
    OK(is_mine(), "who was alone for long has it again");
    OK(talk(ends, TURNS), "and goes on");
}

static void *close_it(void *arg)
{
    int *fd = arg;

    hf_close(*fd);
    return NULL;
}

/* A datagram socket is sent to, and to, until there is none. */
static void a_descriptor_closed_meanwhile_is_closed(void)
{
    struct address at = loopback(AF_INET6);
    struct address there = at;
    pthread_t other;
    bool good = true;
    char b = 'x';
    int closed;

    for (int i = 0; i < ROUNDS; i++) {
        int to = NEED(hf_socket(AF_INET6, SOCK_DGRAM, 0));
        int from = NEED(hf_socket(AF_INET6, SOCK_DGRAM, 0));

        at.len = sizeof(at.sa);
        NEED(hf_bind(to, sockaddr_of(&there), there.len));
        NEED(hf_getsockname(to, sockaddr_of(&at), &at.len));
        NEED(hf_connect(from, sockaddr_of(&at), at.len));
        for (int k = 0; k < 5 * ALONE && i < 2; k++) /* the later, the longer it takes: bias.c */
            good = good && hf_send(from, &b, 1, 0) == 1 && hf_recv(to, &b, 1, 0) == 1;
        closed = from;
        begin(&other, close_it, &closed);
        while (hf_send(from, &b, 1, MSG_DONTWAIT) == 1 || errno == ENOTCONN)
            ; /* so says what the number still is to the kernel, on its way out */
        good = good && errno == EBADF;
        pthread_join(other, NULL);
        hf_close(to);
    }
    OK(good, "a descriptor that another thread closes is closed");
}

/* What a watch counts in the driver, under the lock as here. */
struct bell {
    int pipe[2];
    unsigned rung, counted;
};

static void count(void *arg)
{
    struct bell *b = arg;
    char c;

    if (read(b->pipe[0], &c, 1) == 1)
        b->counted++;
}

static void *ring(void *arg)
{
    struct bell *b = arg;

    for (int i = 0; i < TURNS; i++)
        b->rung += write(b->pipe[1], "", 1) == 1;
    return NULL;
}

static void the_driver_comes_in_between(void)
{
    struct bell b = {.rung = 0};
    pthread_t other;
    unsigned own = 0, sum = 0;
    bool good = true;

    NEED(pipe(b.pipe));
    (void)hf_host_lock(NULL);
    NEED(hf_host_watch(NULL, b.pipe[0], count, &b));
    hf_host_unlock(NULL);
    begin(&other, ring, &b);
    while (sum < TURNS + own) {
        good = good && talk(ends, 1);
        (void)hf_host_lock(NULL);
        b.counted++;
        own++;
        sum = b.counted;
        hf_host_unlock(NULL);
    }
    pthread_join(other, NULL);
    EQ(b.rung, TURNS, "all is counted, by the driver and by who keeps it out");
    OK(good, "nothing is lost");
    (void)hf_host_lock(NULL);
    hf_host_unwatch(NULL, b.pipe[0]);
    hf_host_unlock(NULL);
    OK(is_mine(), "and it is still whose it was");
}

/* What the parent was at is nothing to the child. */
static void a_child_begins_anew(void)
{
    int status;
    pid_t child = NEED(fork());

    if (!child) {
        int fds[2];

        pair(AF_INET, fds);
        _exit(talk(fds, TURNS) && is_mine() ? 0 : 1);
    }
    NEED(waitpid(child, &status, 0));
    EQ(status, 0, "a child begins anew");
}

int main(void)
{
    tap_begin(12);
    pair(AF_INET, ends);
    the_driver_comes_in_between();
    other_threads_end_it_and_nothing_is_lost();
    who_is_alone_for_long_has_it_again();
    a_descriptor_closed_meanwhile_is_closed();
    a_child_begins_anew();
    return tap_end();
}
