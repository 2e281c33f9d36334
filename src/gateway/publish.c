/* Ports of the host that lead to the program. */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/inside.h"

#define BATCH      64
#define BACKLOG    4096
#define PORT_TRIES 16 /* for a free port that is free in both families */

struct listener {
    struct loop_fd host;
    struct due due; /* after descriptors ran out */
    struct ring link;
    struct gateway *g;
    union address program;
    bool is_udp;
};

struct published {
    char host[ADDRESS_TEXT]; /* empty: both loopback addresses */
    uint16_t host_port, port;
    bool is_udp;
};

static void accept_all(struct listener *l)
{
    for (int i = 0; i < BATCH; i++) {
        int fd = accept4(l->host.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            gateway_tcp_call(l->g, fd, &l->program);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            gateway_log(l->g, "publish: accept: %s", strerror(errno));
            loop_change(l->g->config.loop, &l->host, 0);
            due_arm(&l->g->due, &l->due, DUE_RETRY, loop_now(l->g->config.loop));
        }
        return;
    }
}

static void receive_all(struct listener *l)
{
    struct gateway *g = l->g;

    for (int i = 0; i < BATCH; i++) {
        union address client = {0};
        socklen_t len = sizeof(client);
        ssize_t n = recvfrom(l->host.fd, g->datagram, DATAGRAM_MAX, 0, &client.sa, &len);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n >= 0)
            gateway_udp_call(g, l->host.fd, &client, &l->program, g->datagram, (size_t)n);
    }
}

static void on_host(struct loop_fd *fd, uint32_t events)
{
    struct listener *l = ring_owner(fd, struct listener, host);

    gateway_clock(l->g);
    if (l->is_udp)
        receive_all(l);
    else
        accept_all(l);
}

static void on_due(struct due *d)
{
    struct listener *l = ring_owner(d, struct listener, due);

    loop_change(l->g->config.loop, &l->host, EPOLLIN);
}

static void listener_free(struct listener *l)
{
    if (l->is_udp)
        gateway_udp_forget(l->g, l->host.fd);
    loop_remove(l->g->config.loop, &l->host);
    close(l->host.fd);
    due_cancel(&l->due);
    ring_leave(&l->link);
    free(l);
}

/* A socket of the host's at `at`, whose port is filled in when it was 0; or -errno. */
static int host_socket(union address *at, bool is_udp)
{
    const int on = 1;
    socklen_t len = sizeof(*at);
    int type = (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(at->sa.sa_family, type, 0);

    if (fd < 0)
        return -errno;
    if (!is_udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->sa.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, &at->sa, address_len(at)) < 0 || (!is_udp && listen(fd, BACKLOG) < 0) ||
        getsockname(fd, &at->sa, &len) < 0) {
        int err = -errno;

        close(fd);
        return err;
    }
    return fd;
}

static int listener_new(struct gateway *g, const struct published *p, union address *at)
{
    struct listener *l = calloc(1, sizeof(*l));
    int err;

    if (!l)
        return -ENOMEM;
    l->host.fd = host_socket(at, p->is_udp);
    l->host.events = EPOLLIN;
    l->host.ready = on_host;
    l->g = g;
    l->is_udp = p->is_udp;
    l->program = address_of(at->sa.sa_family == AF_INET ? PROGRAM4 : PROGRAM6, p->port);
    due_init(&l->due, on_due);
    err = l->host.fd < 0 ? l->host.fd : loop_add(g->config.loop, &l->host);
    if (err) {
        if (l->host.fd >= 0)
            close(l->host.fd);
        free(l);
        return err;
    }
    ring_add(&g->listeners, &l->link);
    return 0;
}

static struct listener *newest(struct gateway *g)
{
    return ring_owner(g->listeners.prev, struct listener, link);
}

/* Both loopback addresses at one port. A host without IPv6 has one of them. */
static int publish_loopback(struct gateway *g, const struct published *p, uint16_t *port)
{
    int err = 0;

    for (int i = 0; i < PORT_TRIES; i++) {
        union address v4 = address_of("127.0.0.1", p->host_port), v6;

        err = listener_new(g, p, &v4);
        if (err)
            return err;
        *port = address_port(&v4);
        v6 = address_of("::1", *port);
        err = listener_new(g, p, &v6);
        if (!err || err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT)
            return 0;
        listener_free(newest(g));
        if (p->host_port != 0)
            break;
    }
    return err;
}

static bool read_port(const char *text, bool may_be_0, uint16_t *port)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || n > UINT16_MAX || (n == 0 && !may_be_0))
        return false;
    *port = (uint16_t)n;
    return true;
}

/* Cuts what stands behind the last `mark` off text; NULL when there is none. */
static char *cut_last(char *text, char mark)
{
    char *at = strrchr(text, mark);

    if (!at)
        return NULL;
    *at = '\0';
    return at + 1;
}

/* "[ADDR:]HOSTPORT:PORT[/tcp|/udp]"; an IPv6 address stands in brackets. */
static bool read_published(const char *spec, struct published *out)
{
    char text[128];
    char *protocol, *port, *host_port, *host = text;
    size_t len;

    if ((size_t)snprintf(text, sizeof(text), "%s", spec) >= sizeof(text))
        return false;
    protocol = cut_last(text, '/');
    out->is_udp = protocol && strcmp(protocol, "udp") == 0;
    if (protocol && !out->is_udp && strcmp(protocol, "tcp") != 0)
        return false;
    port = cut_last(text, ':');
    if (!port || !read_port(port, false, &out->port))
        return false;
    host_port = cut_last(text, ':');
    out->host[0] = '\0';
    if (!host_port)
        return read_port(text, true, &out->host_port);
    len = strlen(host);
    if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        host++;
    }
    return snprintf(out->host, sizeof(out->host), "%s", host) < (int)sizeof(out->host) &&
           *host != '\0' && read_port(host_port, true, &out->host_port);
}

int gateway_publish(struct gateway *g, const char *spec, uint16_t *port)
{
    struct published p;
    union address at;
    uint16_t got = 0;
    int err;

    if (!read_published(spec, &p))
        return -EINVAL;
    if (p.host[0] == '\0') {
        err = publish_loopback(g, &p, &got);
    } else {
        if (!address_parse(p.host, p.host_port, &at))
            return -EINVAL;
        err = listener_new(g, &p, &at);
        got = address_port(&at);
    }
    if (err)
        return err;
    if (port)
        *port = got;
    gateway_log(g, "published: host %s %u is the program's %u", p.is_udp ? "udp" : "tcp", got,
                p.port);
    return 0;
}

void gateway_publish_fini(struct gateway *g)
{
    while (!ring_alone(&g->listeners))
        listener_free(newest(g));
}
