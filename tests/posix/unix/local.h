/* Shared by the conformance programs of AF_UNIX. A case is run once per type of socket that it
 * names, in a directory of the program's own; every line's name starts with the type. */
#ifndef TESTS_POSIX_UNIX_LOCAL_H
#define TESTS_POSIX_UNIX_LOCAL_H

#include "posix/lib.h"

#include <dirent.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { STREAM = 1, DGRAM = 2, PACKET = 4, LINKED = STREAM | PACKET, ALL = 7 };

struct local_case {
    struct tcase each;
    int types;
};
#define LOCAL(fn, which)   \
    {                      \
        {#fn, fn}, (which) \
    }

static inline const char *type_name(int t)
{
    return t == SOCK_STREAM ? "stream" : t == SOCK_DGRAM ? "dgram" : "packet";
}

/* "stream: what"; the buffer lives until the next call but three. */
__attribute__((format(printf, 2, 3))) static inline const char *un(int t, const char *fmt, ...)
{
    static char ring[4][200];
    static unsigned turn;
    char *s = ring[turn++ % 4];
    int n = sprintf(s, "%s: ", type_name(t));
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s + n, sizeof(ring[0]) - (size_t)n, fmt, ap);
    va_end(ap);
    return s;
}

/* ---- Addresses ---- */

struct local {
    struct sockaddr_un un;
    socklen_t len;
};

static inline struct local raw_name(const void *bytes, size_t n)
{
    struct local a;
    memset(&a, 0, sizeof(a));
    a.un.sun_family = AF_UNIX;
    memcpy(a.un.sun_path, bytes, n);
    a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return a;
}

/* An abstract name; the network namespace is the program's own. */
static inline struct local hidden(const char *text)
{
    char bytes[108] = {0};
    size_t n = strlen(text);
    memcpy(bytes + 1, text, n);
    return raw_name(bytes, n + 1);
}

static inline struct local path(const char *text)
{
    return raw_name(text, strlen(text) + 1);
}

static inline int bind_local(int fd, struct local a)
{
    return bind(fd, (struct sockaddr *)&a.un, a.len);
}
static inline int connect_local(int fd, struct local a)
{
    return connect(fd, (struct sockaddr *)&a.un, a.len);
}
static inline ssize_t send_local(int fd, const void *data, size_t n, int flags, struct local a)
{
    return sendto(fd, data, n, flags, (struct sockaddr *)&a.un, a.len);
}
static inline int dissolve(int fd)
{
    struct sockaddr sa = {.sa_family = AF_UNSPEC};
    return connect(fd, &sa, sizeof(sa));
}

/* The length of a name as getsockname tells it, or a negated errno. */
static inline int name_len(int fd, struct sockaddr_un *out)
{
    struct sockaddr_storage room;
    socklen_t n = sizeof(room);
    memset(&room, 0xee, sizeof(room));
    if (getsockname(fd, (struct sockaddr *)&room, &n))
        return -errno;
    if (out)
        memcpy(out, &room, sizeof(*out));
    return (int)n;
}
static inline int peer_len(int fd, struct sockaddr_un *out)
{
    struct sockaddr_storage room;
    socklen_t n = sizeof(room);
    memset(&room, 0xee, sizeof(room));
    if (getpeername(fd, (struct sockaddr *)&room, &n))
        return -errno;
    if (out)
        memcpy(out, &room, sizeof(*out));
    return (int)n;
}

/* ---- Sockets ---- */

static inline int local_socket(int t)
{
    return MUST(socket(AF_UNIX, t, 0));
}
static inline int local_bound(int t, struct local a)
{
    int fd = local_socket(t);
    MUST(bind_local(fd, a));
    return fd;
}
static inline int local_listener(int t, struct local a, int backlog)
{
    int fd = local_bound(t, a);
    MUST(listen(fd, backlog));
    return fd;
}
static inline void local_pair(int t, int fd[2])
{
    MUST(socketpair(AF_UNIX, t, 0, fd));
}
/* c connected to s, which was accepted. */
static inline struct pair local_conn(int t, struct local a)
{
    struct pair p;
    p.l = local_listener(t, a, 8);
    p.c = local_socket(t);
    MUST(connect_local(p.c, a));
    p.s = MUST(accept(p.l, NULL, NULL));
    return p;
}

/* Messages of one byte that find room. */
static inline int fill_small(int fd)
{
    int n = 0;
    while (send(fd, "x", 1, MSG_DONTWAIT) == 1)
        n++;
    return n;
}

static inline int ioctl_of(int fd, unsigned long request)
{
    int v = 0;
    return ioctl(fd, request, &v) ? -errno : v;
}

/* ---- Running ---- */

static inline void empty_directory(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            remove(e->d_name);
    if (d)
        closedir(d);
}

static inline int run_local(const struct local_case *cases, size_t n)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    char dir[] = "/tmp/hf-unix-XXXXXX";
    void *page = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || !mkdtemp(dir) || chdir(dir))
        return 99;
    lines_printed = page;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < COUNT(types); t++)
            if (cases[i].types >> t & 1 && !is_skipped(&cases[i].each)) {
                run_case(&cases[i].each, types[t]);
                empty_directory(dir);
            }
    if (chdir("/") || rmdir(dir))
        fprintf(stderr, "# %s stays\n", dir);
    return tap_end();
}

#endif
