/* Connects in their hundred thousands through POSIX's face, by several threads, with everything
 * that may come between: threads cancelled at any moment, signals with and without SA_RESTART,
 * sockets closed, copied and dissolved by other threads, time limits, full queues, refusals; over
 * IPv4, IPv6 and AF_UNIX. At the end nothing may be left and nothing may hang.
 *
 *     soak [CONNECTS [SEED]]
 *
 * Clients connect and, where they may, send a byte that a server gives back. What is shared is in
 * `shared`: a client leaves its descriptor there, a meddler may take it, and whoever takes it out
 * closes it. Client and server threads are cancelled and replaced all the time. It is all run
 * twice, a short time first, for memory that stays after the first time does so once. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "handfast/host.h"
#include "open_files.h"
#include "tap.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif
#ifdef __SANITIZE_ADDRESS__
#define CANCELS false /* it takes a cancelled thread's frames to be alive */
#else
#define CANCELS true
#endif

/* ThreadSanitizer takes a thread that was cancelled in sem_wait, ppoll or epoll_pwait to be in
 * there still, and does not see the locks that its clean-up takes, nor what it closes. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:abandon\nrace:close_many\nrace:descriptor_cancel\n"
           "mutex:abandon\nmutex:close_many\n";
}

enum {
    CLIENTS = 6,
    PLACES = 12, /* listeners: a third each of IPv4, IPv6, AF_UNIX */
    FULL = 3,    /* listeners that nobody accepts from, one of each */
    SHARED = 16,
    WARM_UP = 2000,
    HANG_S = 120,
};

struct place {
    int listener;
    struct sockaddr_storage at;
    socklen_t len;
};

struct worker {
    pthread_t thread;
    void *(*run)(void *);
    unsigned random;
    struct place *place;
};

static struct hf_host *host;
static struct place places[PLACES], full[FULL], nobody[FULL];
static struct worker clients[CLIENTS], servers[PLACES];
static atomic_int shared[SHARED]; /* descriptors, -1: none */
static atomic_bool over, quiet;
static atomic_long started, connected, refused, limited, no_port, strange, echoed, wrong, meddled;
static long wanted, cancelled, signalled;

static unsigned chance(unsigned *state, unsigned n)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % n;
}

static int need(int n, const char *what)
{
    if (n < 0) {
        fprintf(stderr, "# %s: %s\n", what, strerror(errno));
        exit(99);
    }
    return n;
}
#define NEED(call) need((int)(call), #call)

/* A thread that is cancelled as it closes has not closed (so it is with libc's close(), too). */
static void close_fd(int fd)
{
    int state;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    hf_close(fd);
    pthread_setcancelstate(state, NULL);
}

/* What a cancelled thread had. */
static void abandon_fd(void *fd)
{
    close_fd(*(int *)fd);
}

/* ---- places ---- */

static int family_of(int i)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};

    return families[i % 3];
}

static struct place make_place(int family, int backlog)
{
    struct place p = {.listener = NEED(hf_host_socket(host, family, SOCK_STREAM, 0))};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    p.len = family == AF_INET    ? sizeof(in)
            : family == AF_INET6 ? sizeof(in6)
                                 : sizeof(sa_family_t); /* a name that is chosen for it */
    memcpy(&p.at, family == AF_INET ? (void *)&in : family == AF_INET6 ? (void *)&in6 : &un, p.len);
    NEED(hf_bind(p.listener, (struct sockaddr *)&p.at, p.len));
    p.len = sizeof(p.at);
    NEED(hf_getsockname(p.listener, (struct sockaddr *)&p.at, &p.len));
    if (backlog >= 0)
        NEED(hf_listen(p.listener, backlog));
    return p;
}

static void make_places(void)
{
    for (int i = 0; i < PLACES; i++)
        places[i] = make_place(family_of(i), 64);
    for (int i = 0; i < FULL; i++) {
        full[i] = make_place(family_of(i), 0);
        nobody[i] = make_place(family_of(i), -1);
    }
}

static void close_places(void)
{
    for (int i = 0; i < PLACES; i++)
        hf_close(places[i].listener);
    for (int i = 0; i < FULL; i++) {
        hf_close(full[i].listener);
        hf_close(nobody[i].listener);
    }
}

/* ---- clients ---- */

static void set_linger(int fd, int seconds)
{
    struct linger l = {1, seconds};

    (void)hf_setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void set_time(int fd, int name, int us)
{
    struct timeval tv = {0, us};

    (void)hf_setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv));
}

/* Waits in one of the ways there are until fd shows one of the events, a limit at hand. */
static void wait_on(int fd, short events, unsigned how)
{
    struct pollfd p = {.fd = fd, .events = events};
    struct epoll_event ev = {.events = (uint32_t)events | EPOLLET};
    int set;

    if (how) {
        (void)hf_poll(&p, 1, 20);
        return;
    }
    set = hf_epoll_create1(0);
    if (set < 0)
        return;
    pthread_cleanup_push(abandon_fd, &set);
    if (hf_epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev) == 0)
        (void)hf_epoll_wait(set, &ev, 1, 20);
    pthread_cleanup_pop(0);
    close_fd(set);
}

static void count(int err)
{
    switch (err) {
    case 0:
    case EISCONN:
        atomic_fetch_add(&connected, 1);
        break;
    case ECONNREFUSED:
        atomic_fetch_add(&refused, 1);
        break;
    case EAGAIN:
    case EINTR:
    case EALREADY:
    case EINPROGRESS:
        atomic_fetch_add(&limited, 1);
        break;
    case EADDRNOTAVAIL:
        atomic_fetch_add(&no_port, 1);
        break;
    default:
        /* Of a socket that another thread closed, dissolved or reset. */
        atomic_fetch_add(&strange, 1);
    }
}

/* How the connect ended: an errno. */
static int make_connection(int fd, const struct place *p, unsigned *random)
{
    int err = hf_connect(fd, (const struct sockaddr *)&p->at, p->len) ? errno : 0;

    for (int i = 0; i < 8 && (err == EINTR || err == EINPROGRESS || err == EALREADY); i++) {
        wait_on(fd, POLLOUT, chance(random, 8));
        err = hf_connect(fd, (const struct sockaddr *)&p->at, p->len) ? errno : 0;
    }
    return err;
}

/* A byte there and back. A server that was cancelled may have it. */
static void talk(int fd, unsigned *random)
{
    char out = (char)chance(random, 256), in = (char)~out;
    ssize_t n = hf_send(fd, &out, 1, MSG_NOSIGNAL);

    if (n == 1)
        n = hf_recv(fd, &in, 1, 0);
    if (n == 1)
        atomic_fetch_add(in == out ? &echoed : &wrong, 1);
}

struct held {
    const struct place *place;
    int fd, at; /* at: where it is shared, -1: nowhere */
};

static const struct place *choose(unsigned *random)
{
    unsigned where = chance(random, 64);

    return where == 0  ? &full[chance(random, FULL)]
           : where < 4 ? &nobody[chance(random, FULL)]
                       : &places[chance(random, PLACES)];
}

static void one_connect(const struct held *h, unsigned *random)
{
    const struct place *p = h->place;
    int fd = h->fd, err;

    set_time(fd, SO_RCVTIMEO, 20000);
    if (p < full + FULL && p >= full)
        set_time(fd, SO_SNDTIMEO, 1000 + 1000 * (int)chance(random, 4));
    err = make_connection(fd, p, random);
    count(err);
    if (!err && h->at < 0 && chance(random, 2))
        talk(fd, random);
    if (chance(random, 8))
        set_linger(fd, 0);
}

/* Whoever takes the descriptor out closes it. */
static int put(int fd, unsigned *random)
{
    int at = (int)chance(random, SHARED), none = -1;

    return atomic_compare_exchange_strong(&shared[at], &none, fd) ? at : -1;
}

static void let_go(const struct held *h)
{
    int fd = h->fd;

    if (h->at < 0 || atomic_compare_exchange_strong(&shared[h->at], &fd, -1))
        close_fd(h->fd);
}

static void abandon_held(void *held)
{
    let_go(held);
}

static void hold_and_connect(struct held *h, unsigned *random)
{
    pthread_cleanup_push(abandon_held, h);
    one_connect(h, random);
    pthread_cleanup_pop(0);
    let_go(h);
}

static void *client(void *arg)
{
    struct worker *w = arg;

    while (atomic_fetch_add(&started, 1) < wanted) {
        int type = SOCK_STREAM | (chance(&w->random, 4) ? 0 : SOCK_NONBLOCK);
        struct held h = {.place = choose(&w->random), .at = -1};

        h.fd = hf_host_socket(host, h.place->at.ss_family, type, 0);
        if (h.fd < 0) {
            atomic_fetch_add(&strange, 1);
            continue;
        }
        if (chance(&w->random, 3) == 0)
            h.at = put(h.fd, &w->random);
        hold_and_connect(&h, &w->random);
    }
    return NULL;
}

/* ---- servers ---- */

static void serve(int fd, unsigned *random)
{
    char b;

    pthread_cleanup_push(abandon_fd, &fd);
    set_time(fd, SO_RCVTIMEO, 20000);
    if (chance(random, 4) && hf_recv(fd, &b, 1, 0) == 1)
        (void)hf_send(fd, &b, 1, MSG_NOSIGNAL);
    if (chance(random, 4))
        set_linger(fd, 0);
    pthread_cleanup_pop(0);
    close_fd(fd);
}

static void *server(void *arg)
{
    struct worker *w = arg;

    for (;;) {
        int fd = hf_accept(w->place->listener, NULL, NULL);

        if (fd >= 0)
            serve(fd, &w->random);
    }
    return NULL;
}

/* ---- trouble ---- */

static void meddle_with(int at, unsigned *random)
{
    static const struct sockaddr unspec = {.sa_family = AF_UNSPEC};
    int fd = atomic_load(&shared[at]), copy;

    if (fd < 0)
        return;
    atomic_fetch_add(&meddled, 1);
    switch (chance(random, 5)) {
    case 0: /* dissolves it */
        (void)hf_connect(fd, &unspec, sizeof(unspec));
        break;
    case 1: /* closes it under who is at work on it */
        if (atomic_compare_exchange_strong(&shared[at], &fd, -1))
            hf_close(fd);
        break;
    case 2:
        (void)hf_shutdown(fd, (int)chance(random, 3));
        break;
    case 3: /* dissolves it by a copy */
        copy = hf_dup(fd);
        if (copy >= 0) {
            (void)hf_connect(copy, &unspec, sizeof(unspec));
            hf_close(copy);
        }
        break;
    default: /* a connect of its own */
        (void)hf_connect(fd, (struct sockaddr *)&places[at % PLACES].at, places[at % PLACES].len);
    }
}

static void *meddler(void *arg)
{
    unsigned random = *(unsigned *)arg;

    while (!atomic_load(&over)) {
        meddle_with((int)chance(&random, SHARED), &random);
        if (chance(&random, 1024) == 0)
            poll(NULL, 0, 1);
    }
    return NULL;
}

/* Says which call hangs, by way of a core or a debugger, where it matters. */
static void *watchdog(void *arg)
{
    long last = -1;
    int same = 0;

    while (!atomic_load(&quiet)) {
        long now = atomic_load(&started);

        poll(NULL, 0, 100);
        same = now == last ? same + 1 : 0;
        last = now;
        if (same > HANG_S * 10) {
            fprintf(stderr, "# nothing has happened for %d s, after %ld connects\n", HANG_S, now);
            abort();
        }
    }
    return NULL;
}

static void caught(int sig) {}

static void begin(struct worker *w)
{
    NEED(-pthread_create(&w->thread, NULL, w->run, w));
}

static void end(struct worker *w)
{
    pthread_cancel(w->thread);
    pthread_join(w->thread, NULL);
}

/* Signals for all; now and then a thread is cancelled and another takes its place. */
static void torment(unsigned *random)
{
    while (atomic_load(&started) < wanted) {
        bool is_client = chance(random, 2);
        struct worker *w =
            is_client ? &clients[chance(random, CLIENTS)] : &servers[chance(random, PLACES)];

        for (volatile unsigned i = chance(random, 20000); i > 0; i--)
            ;
        if (chance(random, 16) == 0)
            poll(NULL, 0, 1);
        if (chance(random, 3)) {
            pthread_kill(w->thread, chance(random, 2) ? SIGUSR1 : SIGUSR2);
            signalled++;
        } else if (CANCELS) {
            end(w);
            begin(w);
            cancelled++;
        }
    }
}

/* Without cancellation a server is ended by its listener. */
static void end_all(void)
{
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    for (int i = 0; i < PLACES; i++)
        end(&servers[i]);
}

static void run_all(long connects, unsigned seed)
{
    pthread_t meddles;
    unsigned random = seed, of_meddler = seed + 1;

    wanted = connects;
    atomic_store(&started, 0);
    atomic_store(&over, false);
    host = hf_host_new(NULL);
    NEED(host ? 0 : -1);
    make_places();
    for (int i = 0; i < SHARED; i++)
        atomic_store(&shared[i], -1);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct worker){.run = client, .random = seed + 100 + (unsigned)i};
        begin(&clients[i]);
    }
    for (int i = 0; i < PLACES; i++) {
        servers[i] =
            (struct worker){.run = server, .random = seed + 200 + (unsigned)i, .place = &places[i]};
        begin(&servers[i]);
    }
    NEED(-pthread_create(&meddles, NULL, meddler, &of_meddler));
    torment(&random);
    atomic_store(&over, true);
    pthread_join(meddles, NULL);
    end_all();
    for (int i = 0; i < SHARED; i++) {
        if (atomic_load(&shared[i]) >= 0)
            hf_close(atomic_load(&shared[i]));
    }
    close_places();
}

/* ---- what is left ---- */

/* Connections that were not reset take their leave, TIME-WAIT aside. */
static uint64_t sockets_left(void)
{
    struct hf_stack_stats stats;

    for (int i = 0; i < 500; i++) {
        hf_stack_stats(hf_host_lock(host), &stats);
        hf_host_unlock(host);
        if (stats.sockets == 0)
            break;
        poll(NULL, 0, 10);
    }
    return stats.sockets;
}

static size_t memory_in_use(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

int main(int argc, char **argv)
{
    long connects = argc > 1 ? atol(argv[1]) : 20000;
    unsigned seed = argc > 2 ? (unsigned)atol(argv[2]) : 1;
    struct sigaction with = {.sa_handler = caught, .sa_flags = SA_RESTART};
    struct sigaction without = {.sa_handler = caught};
    pthread_t dog;
    size_t memory;
    int files;

    tap_begin(0);
    mallopt(M_ARENA_MAX, 1);
    sigaction(SIGUSR1, &with, NULL);
    sigaction(SIGUSR2, &without, NULL);
    NEED(-pthread_create(&dog, NULL, watchdog, NULL));
    run_all(WARM_UP < connects ? WARM_UP : connects, seed + 1000);
    EQ(sockets_left(), 0, "after the warming up, no socket is left");
    EQ(hf_host_free(host), 0, "the stack ends");
    files = open_files();
    memory = memory_in_use();
    atomic_store(&connected, 0);
    run_all(connects, seed);
    EQ(sockets_left(), 0, "no socket is left");
    EQ(hf_host_free(host), 0, "no descriptor is at work: the stack ends");
    EQ(open_files(), files, "no descriptor of the process is left");
    if (!IS_SANITIZED)
        OK(memory_in_use() <= memory + 65536, "no memory is left");
    OK(atomic_load(&connected) > connects / 4, "many of the connects succeed");
    OK(atomic_load(&echoed) > connects / 16, "many of the connections carry bytes");
    EQ(atomic_load(&wrong), 0, "each the byte that was sent");
    atomic_store(&quiet, true);
    pthread_join(dog, NULL);
    fprintf(
        stderr,
        "# seed %u: %ld connected, %ld refused, %ld out of time, %ld without a port, %ld meddled "
        "with; %ld bytes there and back; %ld meddlings, %ld cancelled, %ld signals; "
        "memory %zu, then %zu\n",
        seed, connected, refused, limited, no_port, strange, echoed, meddled, cancelled, signalled,
        memory, memory_in_use());
    return tap_end();
}
