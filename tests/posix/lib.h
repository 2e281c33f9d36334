/* Shared by the conformance programs: addresses of both families, listeners, pairs, waiting.
 *
 * A program is a table of cases. Each case runs in a process of its own, once per family, with an
 * alarm: a case need not tidy up, and one that hangs or dies costs its own lines only. Every
 * observation is one TAP line whose name starts with the family. Only loopback addresses and ports
 * the system chose are used, so the kernel and a stack's own loopback answer the same program. */
#ifndef TESTS_POSIX_LIB_H
#define TESTS_POSIX_LIB_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
    CASE_SECONDS = 20,  /* several differences that are listed wait in vain in one case */
    PATIENCE_MS = 3000, /* how long an expected event may take; only failures wait this long */
};

/* ---- Names and results ---- */

/* "v4: what" or "v6: what"; the buffer lives until the next call but three. */
__attribute__((format(printf, 2, 3))) static inline const char *nm(int f, const char *fmt, ...)
{
    static char ring[4][200];
    static unsigned turn;
    char *s = ring[turn++ % 4];
    int n = sprintf(s, "%s: ", f == AF_INET ? "v4" : "v6");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s + n, sizeof(ring[0]) - (size_t)n, fmt, ap);
    va_end(ap);
    return s;
}

/* A call's result as a count or a negated errno. */
static inline long long r(long long rc)
{
    return rc < 0 ? -errno : rc;
}

static inline const char *result_text(long long v, char *room, size_t n)
{
    if (v < 0 && v > -200)
        snprintf(room, n, "%s", strerror((int)-v));
    else
        snprintf(room, n, "%lld", v);
    return room;
}

static inline bool rc_is(long long got, long long want, const char *name, const char *file,
                         int line)
{
    char a[64], b[64];
    if (got != want)
        fprintf(stderr, "# got \"%s\", wanted \"%s\"\n", result_text(got, a, sizeof(a)),
                result_text(want, b, sizeof(b)));
    return tap_ok(got == want, name, file, line);
}

/* The call returns `want`, a count or a negated errno. */
#define RC(call, want, name) rc_is(r(call), (want), (name), __FILE__, __LINE__)

/* How many lines have been printed, shared with the process that runs the case. */
static int *lines_printed;

/* What a case needs before it can observe anything. */
static inline int must(long long rc, const char *what, const char *file, int line)
{
    if (rc < 0) {
        fprintf(stderr, "# %s:%d: %s: %s\n", file, line, what, strerror(errno));
        fflush(NULL);
        if (lines_printed)
            *lines_printed = tap_count;
        _exit(99);
    }
    return (int)rc;
}
#define MUST(call) must((call), #call, __FILE__, __LINE__)

/* ---- Addresses ---- */

struct addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_storage ss;
    } u;
    socklen_t len;
};

static inline socklen_t addr_size(int f)
{
    return f == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static inline struct addr any(int f, int port)
{
    struct addr a;
    memset(&a, 0, sizeof(a));
    a.u.sa.sa_family = (sa_family_t)f;
    a.u.in.sin_port = htons((uint16_t)port); /* the same place in both families */
    a.len = addr_size(f);
    return a;
}

static inline struct addr loopback(int f, int port)
{
    struct addr a = any(f, port);
    if (f == AF_INET)
        a.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        a.u.in6.sin6_addr = in6addr_loopback;
    return a;
}

static inline struct addr ip4(uint32_t host, int port)
{
    struct addr a = any(AF_INET, port);
    a.u.in.sin_addr.s_addr = htonl(host);
    return a;
}

static inline struct addr mapped(uint32_t host, int port)
{
    struct addr a = any(AF_INET6, port);
    uint32_t be = htonl(host);
    memset(a.u.in6.sin6_addr.s6_addr + 10, 0xff, 2);
    memcpy(a.u.in6.sin6_addr.s6_addr + 12, &be, 4);
    return a;
}

static inline struct addr unspec(void)
{
    struct addr a = any(AF_INET, 0);
    a.u.sa.sa_family = AF_UNSPEC;
    return a;
}

static inline int port_of(struct addr a)
{
    return ntohs(a.u.in.sin_port);
}

static inline bool same_host(struct addr a, struct addr b)
{
    if (a.u.sa.sa_family != b.u.sa.sa_family)
        return false;
    if (a.u.sa.sa_family == AF_INET)
        return a.u.in.sin_addr.s_addr == b.u.in.sin_addr.s_addr;
    return memcmp(&a.u.in6.sin6_addr, &b.u.in6.sin6_addr, 16) == 0;
}

static inline bool same(struct addr a, struct addr b)
{
    return a.len == b.len && same_host(a, b) && port_of(a) == port_of(b);
}

static inline struct addr name_of(int fd)
{
    struct addr a;
    memset(&a, 0, sizeof(a));
    a.len = sizeof(a.u);
    MUST(getsockname(fd, &a.u.sa, &a.len));
    return a;
}

static inline struct addr peer_of(int fd)
{
    struct addr a;
    memset(&a, 0, sizeof(a));
    a.len = sizeof(a.u);
    if (getpeername(fd, &a.u.sa, &a.len))
        a.len = 0;
    return a;
}

static inline int peer_error(int fd)
{
    struct addr a;
    a.len = sizeof(a.u);
    return (int)r(getpeername(fd, &a.u.sa, &a.len));
}

static inline int connect_to(int fd, struct addr a)
{
    return connect(fd, &a.u.sa, a.len);
}

static inline int bind_to(int fd, struct addr a)
{
    return bind(fd, &a.u.sa, a.len);
}

static inline ssize_t send_to(int fd, const void *data, size_t len, struct addr a)
{
    return sendto(fd, data, len, 0, &a.u.sa, a.len);
}

/* ---- Options ---- */

static inline int setopt(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

/* The option's value, or a negated errno. */
static inline int getopt_of(int fd, int level, int name)
{
    int v = 0;
    socklen_t n = sizeof(v);
    return getsockopt(fd, level, name, &v, &n) ? -errno : v;
}

/* Takes the pending error. */
static inline int so_error(int fd)
{
    return getopt_of(fd, SOL_SOCKET, SO_ERROR);
}

static inline void nonblock(int fd)
{
    MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
}

static inline void set_timeout(int fd, int name, int ms)
{
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    MUST(setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)));
}

static inline void set_linger(int fd, int on, int seconds)
{
    struct linger l = {on, seconds};
    MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
}

/* ---- Poll masks ---- */

enum { POLL_ALL = POLLIN | POLLPRI | POLLOUT | POLLRDHUP };

static inline int mask_of(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLL_ALL};
    MUST(poll(&p, 1, 0));
    return p.revents;
}

static inline long long now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The mask, as soon as it is `want`; what it is when patience ends. */
static inline int await(int fd, int want)
{
    long long end = now_ms() + PATIENCE_MS;
    int m;
    while ((m = mask_of(fd)) != want && now_ms() < end) {
        struct pollfd p = {.fd = fd, .events = (short)(want & ~m)};
        if (p.events && !(m & (POLLERR | POLLHUP)))
            poll(&p, 1, 20);
        else
            poll(NULL, 0, 1); /* a bit must go: no event tells */
    }
    return m;
}

static inline const char *mask_text(int m, char *room)
{
    static const struct {
        int bit;
        const char *name;
    } bits[] = {{POLLIN, "IN "},   {POLLPRI, "PRI "}, {POLLOUT, "OUT "},  {POLLRDHUP, "RDHUP "},
                {POLLERR, "ERR "}, {POLLHUP, "HUP "}, {POLLNVAL, "NVAL "}};
    room[0] = 0;
    for (size_t i = 0; i < COUNT(bits); i++)
        if (m & bits[i].bit)
            strcat(room, bits[i].name);
    return room;
}

static inline bool mask_is(int got, int want, const char *name, const char *file, int line)
{
    char a[64], b[64];
    if (got != want)
        fprintf(stderr, "# mask %s, wanted %s\n", mask_text(got, a), mask_text(want, b));
    return tap_ok(got == want, name, file, line);
}

/* The mask becomes `want`, or is so at once. */
#define MASK(fd, want, name) mask_is(await((fd), (want)), (want), (name), __FILE__, __LINE__)

/* ---- Sockets ---- */

static inline int tcp(int f)
{
    return MUST(socket(f, SOCK_STREAM, 0));
}

static inline int udp(int f)
{
    return MUST(socket(f, SOCK_DGRAM, 0));
}

/* A socket bound to a loopback port the system chose. */
static inline int bound(int f, int type, struct addr *a)
{
    int fd = MUST(socket(f, type, 0));
    MUST(bind_to(fd, loopback(f, 0)));
    *a = name_of(fd);
    return fd;
}

static inline int listener(int f, int backlog, struct addr *a)
{
    int fd = bound(f, SOCK_STREAM, a);
    MUST(listen(fd, backlog));
    return fd;
}

/* An address that refuses TCP connections: bound, never listening. */
static inline struct addr refuser(int f)
{
    struct addr a;
    bound(f, SOCK_STREAM, &a);
    return a;
}

/* An address that answers no SYN: a listener whose queue is full (listen(0) completes one
 * connection). Accepting from it lets the next retransmitted SYN in. */
static inline int silent(int f, struct addr *a)
{
    int l = listener(f, 0, a);
    int c = tcp(f);
    MUST(connect_to(c, *a));
    MUST(await(l, POLLIN) == POLLIN ? 0 : -1);
    return l;
}

struct pair {
    int c, s, l; /* connected, accepted, listener */
};

static inline struct pair tcp_pair(int f)
{
    struct addr a;
    struct pair p;
    p.l = listener(f, 8, &a);
    p.c = tcp(f);
    MUST(connect_to(p.c, a));
    p.s = MUST(accept(p.l, NULL, NULL));
    return p;
}

/* Ends the connection by RST. */
static inline void reset(int fd)
{
    set_linger(fd, 1, 0);
    MUST(close(fd));
}

/* Sends until sends have found no room for a while: all between here and the peer is full, also
 * where that takes bytes a moment after they were sent. The question in between is answered by
 * whoever takes them, however busy the machine is. Returns how many bytes that was. */
static inline long long fill(int fd)
{
    static const char junk[65536];
    long long sent = 0;
    set_timeout(fd, SO_SNDTIMEO, 100);
    for (int refused = 0, left; refused < 5; refused++) {
        ssize_t n = send(fd, junk, sizeof(junk), 0);
        if (n > 0) {
            sent += n;
            refused = -1;
            continue;
        }
        MUST(errno == EAGAIN ? 0 : -1);
        (void)ioctl(fd, TIOCOUTQ, &left);
    }
    set_timeout(fd, SO_SNDTIMEO, 0);
    return sent;
}

static inline void ignore_sigpipe(void)
{
    signal(SIGPIPE, SIG_IGN);
}

/* ---- Another thread's or process's blocked call ---- */

/* Does the task's /proc/TID/syscall say that it is in the call nr? */
#ifndef BLOCKED_IN
#define BLOCKED_IN(line, nr) ((line)[0] >= '0' && (line)[0] <= '9' && atol(line) == (nr))
#endif

/* Waits until the task sleeps in system call nr; and, where calls are answered by somebody who
 * takes them in the order in which they came, until he has taken that one: he has this one, then.
 */
static inline bool wait_blocked(int tid, long nr)
{
    char path[64], line[256], state[256];
    long long end = now_ms() + PATIENCE_MS;
    while (now_ms() < end) {
        snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
        FILE *fp = fopen(path, "r");
        line[0] = 0;
        if (fp) {
            if (!fgets(line, sizeof(line), fp))
                line[0] = 0;
            fclose(fp);
        }
        snprintf(path, sizeof(path), "/proc/%d/stat", tid);
        fp = fopen(path, "r");
        state[0] = 0;
        if (fp) {
            if (!fgets(state, sizeof(state), fp))
                state[0] = 0;
            fclose(fp);
        }
        char *end_of_name = strrchr(state, ')');
        if (BLOCKED_IN(line, nr) && end_of_name && end_of_name[1] == ' ' && end_of_name[2] == 'S')
            return getsockopt(-1, SOL_SOCKET, SO_TYPE, NULL, NULL) < 0;
        poll(NULL, 0, 1);
    }
    return false;
}

/* ---- Running the cases ---- */

struct tcase {
    const char *name;
    void (*run)(int f);
};
#define CASE(fn) \
    {            \
#fn, fn  \
    }

static inline void case_hangs(int sig)
{
    *lines_printed = tap_count;
    _exit(98);
}

static inline void run_case(const struct tcase *c, int f)
{
    fflush(NULL);
    pid_t pid = MUST(fork());
    if (pid == 0) {
        signal(SIGALRM, case_hangs);
        alarm(CASE_SECONDS);
        tap_failed = 0;
        c->run(f);
        *lines_printed = tap_count;
        fflush(NULL);
        _exit(tap_failed ? 1 : 0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    tap_count = *lines_printed;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 1) {
        tap_failed += WEXITSTATUS(status);
        return;
    }
    char name[128];
    snprintf(name, sizeof(name), "%s: case %s ends by itself", f == AF_INET ? "v4" : "v6", c->name);
    fprintf(stderr, "# status %#x\n", (unsigned)status);
    tap_ok(false, name, c->name, f);
    *lines_printed = tap_count;
}

/* Is the case in the list of those that cannot be where this runs? (run: POSIX_SKIP, " a b ") */
static inline bool is_skipped(const struct tcase *c)
{
    char word[100];
    const char *list = getenv("POSIX_SKIP");
    snprintf(word, sizeof(word), " %s ", c->name);
    return list && strstr(list, word);
}

/* The whole of main(). */
static inline int run_cases(const struct tcase *cases, size_t n)
{
    void *page = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return 99;
    lines_printed = page;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < n; i++) {
        if (is_skipped(&cases[i]))
            continue;
        run_case(&cases[i], AF_INET);
        run_case(&cases[i], AF_INET6);
    }
    return tap_end();
}

#endif
