/* Bytes through one connection whose ends are both here, and datagrams. Each is copied in and out,
 * as it is through sockets. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define CHUNK ((size_t)64 << 10)
#define SIZE  64

struct flow {
    struct rig rig;
    struct pair p;
    char *from, *to;
    size_t in; /* bytes of the chunk, or round trips, or datagrams, that have arrived */
    struct udp_pcb *udp;
};

static void flow_init(struct flow *f, const struct args *args)
{
    memset(f, 0, sizeof(*f));
    rig_init(&f->rig, args);
    f->from = aligned_alloc(4096, CHUNK);
    f->to = aligned_alloc(4096, CHUNK);
    memset(f->from, 'x', CHUNK);
    memset(f->to, 'y', CHUNK);
}

static void connection_init(struct flow *f, const struct args *args)
{
    flow_init(f, args);
    (void)rig_listen(&f->rig, DOOR);
    f->p = rig_join(&f->rig, DOOR);
    tcp_nagle_disable(f->p.client);
    tcp_nagle_disable(f->p.server);
    tcp_arg(f->p.client, f);
    tcp_arg(f->p.server, f);
}

static size_t take(struct flow *f, struct tcp_pcb *pcb, struct pbuf *p)
{
    size_t len = p->tot_len;

    (void)pbuf_copy_partial(p, f->to, (u16_t)len, 0);
    tcp_recved(pcb, (u16_t)len);
    pbuf_free(p);
    return len;
}

static void give(struct flow *f, struct tcp_pcb *pcb, size_t len)
{
    must(tcp_write(pcb, f->from, (u16_t)len, TCP_WRITE_FLAG_COPY), "write");
    must(tcp_output(pcb), "output");
}

static err_t echo(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    give(arg, pcb, take(arg, pcb, p));
    return ERR_OK;
}

static err_t arrived(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct flow *f = arg;

    f->in += take(f, pcb, p);
    return ERR_OK;
}

static void trips(void *ctx, long count)
{
    struct flow *f = ctx;

    for (; count > 0; count--) {
        f->in = 0;
        give(f, f->p.client, 1);
        while (f->in == 0)
            rig_settle();
    }
}

void lwip_rr(const struct args *args)
{
    struct flow f;

    connection_init(&f, args);
    tcp_recv(f.p.server, echo);
    tcp_recv(f.p.client, arrived);
    tell("rate", rate_of(args, trips, &f));
}

static void chunks(void *ctx, long count)
{
    struct flow *f = ctx;

    for (; count > 0; count--) {
        f->in = 0;
        for (size_t out = 0; f->in < CHUNK;) {
            size_t room = tcp_sndbuf(f->p.client), len = CHUNK - out;

            len = len < room ? len : room;
            len = len < 32768 ? len : 32768; /* tcp_write() counts in 16 bits */
            if (len > 0 &&
                tcp_write(f->p.client, f->from + out, (u16_t)len, TCP_WRITE_FLAG_COPY) == ERR_OK) {
                out += len;
                if (out < CHUNK && tcp_sndbuf(f->p.client) > 0)
                    continue;
            }
            must(tcp_output(f->p.client), "output");
            rig_settle();
        }
    }
}

void lwip_bulk(const struct args *args)
{
    struct flow f;

    connection_init(&f, args);
    tcp_recv(f.p.server, arrived);
    tell("rate", rate_of(args, chunks, &f) * (double)CHUNK);
}

static void datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr,
                     u16_t port)
{
    struct flow *f = arg;

    f->in += pbuf_copy_partial(p, f->to, SIZE, 0);
    pbuf_free(p);
}

static void datagrams(void *ctx, long count)
{
    struct flow *f = ctx;

    for (; count > 0; count--) {
        struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, SIZE, PBUF_RAM);

        f->in = 0;
        must(p ? pbuf_take(p, f->from, SIZE) : ERR_MEM, "a buffer");
        must(udp_send(f->udp, p), "send");
        pbuf_free(p);
        while (f->in == 0)
            rig_settle();
    }
}

void lwip_udp(const struct args *args)
{
    struct udp_pcb *to;
    struct flow f;

    flow_init(&f, args);
    to = udp_new_ip_type(f.rig.type);
    f.udp = udp_new_ip_type(f.rig.type);
    if (!to || !f.udp)
        die("a datagram socket");
    must(udp_bind(to, &f.rig.here, DOOR), "bind");
    must(udp_bind(f.udp, &f.rig.here, DOOR + 1), "bind");
    must(udp_connect(f.udp, &f.rig.here, DOOR), "connect");
    must(udp_connect(to, &f.rig.here, DOOR + 1), "connect");
    udp_recv(to, datagram, &f);
    tell("rate", rate_of(args, datagrams, &f));
}
