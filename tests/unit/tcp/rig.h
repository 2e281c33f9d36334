/* Two hosts on one wire, TCP and what lies below it, in virtual time. The wire is the test's: each
 * frame passes through rig.filter, which may look at it, lose it, or keep it for later. */
#ifndef TESTS_UNIT_TCP_RIG_H
#define TESTS_UNIT_TCP_RIG_H

#include <string.h>

#include "handfast/linux.h"
#include "tap.h"
#include "transport/tcp/internal.h"

struct rig;

struct host {
    struct rig *rig;
    struct core core;
    struct net net;
    struct tcp tcp;
    struct hf_link link;
    struct hf_frame *out_first, *out_last; /* sent, not yet carried across */
    struct ip_addr addr[2];                /* IPv4, IPv6 */
    unsigned released;                     /* sockets given back so far */
    bool no_children;                      /* child_new finds no memory */
};

struct sock {
    struct tcb tcb; /* first */
    struct host *host;
    struct tcp_fastopen_queue *fastopen;
    unsigned events;
};

/* A segment on the wire, as a test wants to see it. */
struct seen {
    unsigned from; /* 0: a's, 1: b's */
    struct tcp_header h;
    uint32_t len;
    hf_time when;
};

enum verdict { PASS, LOSE, TAKE /* the filter has it now */ };

#define SEEN_MAX 4096

struct rig {
    struct host a, b;
    struct hf_frame_pool *pool;
    hf_time now, delay;
    uint64_t seed;
    int64_t allocated, fail_at; /* fail_at: allocations until one fails; negative: none */
    struct seen seen[SEEN_MAX];
    unsigned seen_count;
    enum verdict (*filter)(struct rig *r, struct host *to, struct hf_frame *f,
                           const struct seen *s);
    int lose_at; /* the frame that is lost, counted from 0; negative: none */
    int frames;
};

static inline void *rig_alloc(void *ctx, size_t size)
{
    struct rig *r = ctx;

    if (r->fail_at >= 0 && r->fail_at-- == 0)
        return NULL;
    r->allocated += (int64_t)size;
    return aligned_alloc(64, (size + 63) & ~(size_t)63);
}

static inline void rig_free(void *ctx, void *p, size_t size)
{
    ((struct rig *)ctx)->allocated -= (int64_t)size;
    free(p);
}

static inline void rig_random(void *ctx, void *buf, size_t len)
{
    struct rig *r = ctx;

    for (size_t i = 0; i < len; i++) {
        r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)buf)[i] = (uint8_t)(r->seed >> 56);
    }
}

static inline void rig_panic(void *ctx, const char *what, const char *file, int line)
{
    fprintf(stderr, "# %s:%d: assertion failed: %s\n", file, line, what);
    abort();
}

static inline void rig_send(struct hf_link *link, struct hf_frame *f)
{
    struct host *h = container_of(link, struct host, link);

    f->next = NULL;
    f->when = h->rig->now + h->rig->delay;
    if (h->out_last)
        h->out_last->next = f;
    else
        h->out_first = f;
    h->out_last = f;
}

static inline void rig_link_free(struct hf_link *link) {}

static inline struct host *host_of(struct tcp *tcp)
{
    return container_of(tcp, struct host, tcp);
}
static inline struct sock *sock_of(struct tcb *tcb)
{
    return container_of(tcb, struct sock, tcb);
}

static inline struct sock *sock_new(struct host *h, bool is_v6)
{
    struct sock *s = calloc(1, sizeof(*s));

    s->host = h;
    tcb_init(&h->tcp, &s->tcb, is_v6, false);
    return s;
}

static inline struct tcb *rig_child_new(struct tcb *listener)
{
    struct host *h = host_of(listener->tcp);

    return h->no_children ? NULL : &sock_new(h, listener->pcb.entry.is_v6)->tcb;
}

static inline void rig_event(struct tcb *tcb)
{
    sock_of(tcb)->events++;
}

static inline struct tcp_fastopen_queue *rig_fastopen(struct tcb *listener)
{
    return sock_of(listener)->fastopen;
}

static inline bool rig_wanted(struct tcb *tcb)
{
    return true;
}

static inline void rig_released(struct tcb *tcb)
{
    sock_of(tcb)->host->released++;
    tcp_fastopen_queue_put(sock_of(tcb)->fastopen);
    free(sock_of(tcb));
}

static inline struct ip_addr rig_ip(const char *text)
{
    struct ip_addr a;

    if (!addr_parse(text, &a))
        abort();
    return a;
}

static inline void host_init(struct rig *r, struct host *h, const char *v4, const char *v6)
{
    static const struct tcp_up up = {rig_child_new, rig_event, rig_released, rig_fastopen,
                                     rig_wanted};
    static const struct hf_link_ops ops = {.send = rig_send, .free = rig_link_free};

    h->rig = r;
    h->core.env = (struct hf_env){r, rig_alloc, rig_free, rig_random, rig_panic};
    h->core.pool = r->pool;
    core_set_now(&h->core, r->now);
    wheel_init(&h->core.wheel, r->now);
    rig_random(r, h->core.key, sizeof(h->core.key));
    rig_random(r, h->core.isn_key, sizeof(h->core.isn_key));
    keyhash_init(&h->core.tables, h->core.key);
    h->link = (struct hf_link){.ops = &ops, .name = "wire", .mtu = 1500, .flags = HF_LINK_CSUM};
    h->addr[0] = rig_ip(v4);
    h->addr[1] = rig_ip(v6);
    if (net_init(&h->net, &h->core) || net_attach(&h->net, &h->link) ||
        net_addr_add(&h->net, &h->link, &h->addr[0], 96 + 24) ||
        net_addr_add(&h->net, &h->link, &h->addr[1], 64) ||
        tcp_init(&h->tcp, &h->core, &h->net, &up, 32768, 60999))
        abort();
}

static inline struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct hf_env env = {r, rig_alloc, rig_free, rig_random, rig_panic};

    r->now = 1000 * HF_S;
    r->seed = 1;
    r->fail_at = r->lose_at = -1;
    r->pool = hf_frame_pool_new(&env);
    host_init(r, &r->a, "10.0.0.1", "fd00::1");
    host_init(r, &r->b, "10.0.0.2", "fd00::2");
    return r;
}

static inline void host_fini(struct host *h)
{
    while (h->out_first) {
        struct hf_frame *f = h->out_first;

        h->out_first = f->next;
        hf_frame_free(f);
    }
    tcp_fini(&h->tcp);
    net_fini(&h->net);
}

/* Everything must be back: true. All sockets have been closed. */
static inline bool rig_end(struct rig *r)
{
    bool clean;

    host_fini(&r->a);
    host_fini(&r->b);
    hf_frame_pool_free(r->pool);
    clean = r->allocated == 0;
    if (!clean)
        fprintf(stderr, "# %lld bytes lost\n", (long long)r->allocated);
    free(r);
    return clean;
}

/* Notes the segment in f; false when it is not TCP. */
static inline bool rig_look(struct rig *r, unsigned from, const struct hf_frame *f, struct seen *s)
{
    int64_t fail_at = r->fail_at;
    struct hf_frame *copy;
    uint8_t version = (uint8_t)(f->head[0] >> 4);
    bool is_tcp = (version == 4 ? f->head[9] : f->head[6]) == HF_IPPROTO_TCP;

    r->fail_at = -1; /* the test's own memory does not fail */
    copy = hf_frame_clone(f);
    *s = (struct seen){.from = from, .when = r->now};
    hf_frame_trim_front(copy, version == 4 ? 20 : 40);
    is_tcp = is_tcp && tcp_header_read(copy, &s->h);
    s->len = copy->len - (is_tcp ? s->h.header_bytes : 0);
    hf_frame_free(copy);
    r->fail_at = fail_at;
    return is_tcp;
}

/* Carries across the frames of h that are due. True when there were any. */
static inline bool rig_carry(struct rig *r, struct host *h)
{
    struct host *to = h == &r->a ? &r->b : &r->a;
    struct hf_frame *f = h->out_first;
    enum verdict verdict = PASS;
    struct seen s;

    if (!f || f->when > r->now)
        return false;
    h->out_first = f->next;
    if (!h->out_first)
        h->out_last = NULL;
    f->next = NULL;
    if (rig_look(r, h == &r->b, f, &s)) {
        if (r->seen_count < SEEN_MAX)
            r->seen[r->seen_count++] = s;
        if (r->frames++ == r->lose_at)
            verdict = LOSE;
        if (verdict == PASS && r->filter)
            verdict = r->filter(r, to, f, &s);
    }
    if (verdict == LOSE)
        hf_frame_free(f);
    if (verdict == PASS) {
        if (f->flags & HF_FRAME_CSUM_PARTIAL) {
            f->flags &= (uint8_t)~HF_FRAME_CSUM_PARTIAL;
            f->flags |= HF_FRAME_CSUM_OK;
        }
        to->link.input(to->link.above, &to->link, f);
    }
    return true;
}

static inline bool rig_step(struct rig *r)
{
    bool moved = rig_carry(r, &r->a);

    moved |= rig_carry(r, &r->b);
    moved |= net_deadline(&r->a.net) <= r->now;
    moved |= net_deadline(&r->b.net) <= r->now;
    net_poll(&r->a.net);
    net_poll(&r->b.net);
    return moved;
}

static inline hf_time rig_next(const struct rig *r)
{
    hf_time next = HF_MIN(wheel_next(&r->a.core.wheel), wheel_next(&r->b.core.wheel));

    if (r->a.out_first)
        next = HF_MIN(next, r->a.out_first->when);
    if (r->b.out_first)
        next = HF_MIN(next, r->b.out_first->when);
    return next;
}

static inline void rig_clock(struct rig *r, hf_time now)
{
    r->now = now;
    core_set_now(&r->a.core, now);
    core_set_now(&r->b.core, now);
    wheel_advance(&r->a.core.wheel, now);
    wheel_advance(&r->b.core.wheel, now);
}

/* Lets everything happen that is due within so long. */
static inline void rig_run(struct rig *r, hf_time span)
{
    hf_time until = r->now + span;

    for (;;) {
        while (rig_step(r))
            ;
        hf_time next = rig_next(r);

        if (next > until)
            break;
        rig_clock(r, HF_MAX(next, r->now));
    }
    rig_clock(r, until);
    while (rig_step(r))
        ;
}

static inline struct sock *rig_listen(struct host *h, bool is_v6, uint16_t port, uint32_t backlog)
{
    struct sock *s = sock_new(h, is_v6);
    struct ip_addr any = pcb_any(&s->tcb.pcb);

    s->tcb.pcb.entry.reuse_addr = 1; /* earlier connections may still hold the port */
    if (ports_bind(&h->tcp.ports, &s->tcb.pcb, &any, port))
        abort();
    s->tcb.pcb.port_bound = 1;
    if (tcp_listen(&s->tcb, backlog))
        abort();
    return s;
}

static inline struct sock *rig_connect(struct host *h, const struct ip_addr *to, uint16_t port)
{
    struct sock *s = sock_new(h, !addr_is4(to));
    struct endpoint dst = {.addr = *to, .port = port};

    if (tcp_open_active(&s->tcb, &dst, 0))
        abort();
    return s;
}

static inline struct sock *rig_accept(struct sock *listener)
{
    struct tcb *child = tcp_accept(&listener->tcb);

    return child ? sock_of(child) : NULL;
}

/* A connection from a to b, both ends; b's listener is closed again. */
static inline void rig_pair(struct rig *r, bool is_v6, struct sock **client, struct sock **server)
{
    struct sock *l = rig_listen(&r->b, is_v6, 80, 1);

    *client = rig_connect(&r->a, &r->b.addr[is_v6], 80);
    rig_run(r, 10 * HF_MS);
    *server = rig_accept(l);
    tcp_close(&l->tcb, false);
    if (!*server)
        abort();
}

static inline int64_t rig_write(struct sock *s, const void *bytes, size_t len, int flags)
{
    struct hf_iovec iov = {.len = len};

    memcpy(&iov.base, &bytes, sizeof(bytes));
    return tcp_send(&s->tcb, &iov, 1, flags);
}

static inline int64_t rig_read(struct sock *s, void *bytes, size_t len, int flags)
{
    struct hf_iovec iov = {bytes, len};

    return tcp_recv(&s->tcb, &iov, 1, flags, 0);
}

/* Hands a the segment in f from b's address as if it had come by the wire, and carries the answers.
 * Takes f. */
static inline void rig_take(struct rig *r, bool is_v6, struct hf_frame *f)
{
    struct ip_info ip = {
        .src = r->b.addr[is_v6],
        .dst = r->a.addr[is_v6],
        .link = &r->a.link,
        .proto = HF_IPPROTO_TCP,
        .ttl = 64,
        .dst_is_unicast = true,
    };

    f->flags |= HF_FRAME_CSUM_OK;
    tcp_input(&r->a.tcp, &ip, f);
    while (rig_step(r))
        ;
}

/* The same with a segment of these parts. */
static inline void rig_inject(struct rig *r, bool is_v6, const struct tcp_header *h,
                              const void *payload, uint32_t len)
{
    struct hf_frame *f = hf_frame_new(r->pool);

    if (len && !hf_frame_append(f, payload, len))
        abort();
    tcp_header_write(h, hf_frame_push(f, tcp_header_size(h)));
    rig_take(r, is_v6, f);
}

/* The byte that stands at offset n of a test's stream. */
static inline uint8_t rig_byte(uint64_t n)
{
    return (uint8_t)(n * 7 + (n >> 8) * 13 + (n >> 16));
}

/* Sends total bytes from one to the other while time passes; true when all came right. */
static inline bool rig_transfer(struct rig *r, struct sock *from, struct sock *to, uint64_t total,
                                hf_time limit)
{
    static uint8_t buf[65536];
    uint64_t sent = 0, got = 0;
    hf_time until = r->now + limit;

    while (got < total && r->now < until) {
        int64_t n;

        while (sent < total) {
            size_t len = (size_t)HF_MIN(total - sent, sizeof(buf));

            for (size_t i = 0; i < len; i++)
                buf[i] = rig_byte(sent + i);
            n = rig_write(from, buf, len, 0);
            if (n <= 0)
                break;
            sent += (uint64_t)n;
        }
        while ((n = rig_read(to, buf, sizeof(buf), 0)) > 0) {
            for (int64_t i = 0; i < n; i++)
                if (buf[i] != rig_byte(got + (uint64_t)i)) {
                    fprintf(stderr, "# wrong byte at %llu\n", (unsigned long long)got + i);
                    return false;
                }
            got += (uint64_t)n;
        }
        rig_run(r, HF_MS);
    }
    return got == total;
}

/* c closes, then s, and nothing may be left. Frees r. */
static inline void rig_finish(struct rig *r, struct sock *c, struct sock *s)
{
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

#endif
