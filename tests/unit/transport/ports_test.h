/* Ports and sockets of one imagined host, without network or protocol: for tests of who may hold
 * which port and whom a packet finds. */
#ifndef TESTS_UNIT_TRANSPORT_PORTS_TEST_H
#define TESTS_UNIT_TRANSPORT_PORTS_TEST_H

#include <string.h>

#include "handfast/errno.h"
#include "tap.h"
#include "testenv.h"
#include "transport/ports.h"

struct desk {
    struct testenv env;
    struct core core;
    struct demux demux;
    struct ports ports;
};

static inline struct ip_addr ip(const char *text)
{
    struct ip_addr a;

    if (!addr_parse(text, &a))
        abort();
    return a;
}

static inline struct desk *desk_new(uint64_t seed, uint16_t min, uint16_t max, bool shared_tuples)
{
    struct desk *d = calloc(1, sizeof(*d));

    d->env.seed = seed;
    d->core.env = testenv_env(&d->env);
    d->core.env.random(d->core.env.ctx, d->core.key, sizeof(d->core.key));
    d->core.env.random(d->core.env.ctx, d->core.isn_key, sizeof(d->core.isn_key));
    keyhash_init(&d->core.tables, d->core.key);
    if (demux_init(&d->demux, &d->core) ||
        ports_init(&d->ports, &d->core, &d->demux, min, max, shared_tuples))
        abort();
    return d;
}

static inline void desk_end(struct desk *d, const char *name)
{
    ports_fini(&d->ports);
    demux_fini(&d->demux);
    EQ(d->env.out, 0, name);
    free(d);
}

static inline struct pcb *pcb_new(bool is_v6)
{
    struct pcb *p = calloc(1, sizeof(*p));

    p->entry.is_v6 = is_v6;
    p->entry.laddr = p->entry.raddr = pcb_any(p);
    return p;
}

static inline void pcb_end(struct desk *d, struct pcb *p)
{
    if (p->entry.kind != DEMUX_NONE)
        demux_remove(&d->demux, &p->entry);
    ports_release(&d->ports, &p->entry);
    free(p);
}

/* As a connect() does: from laddr to raddr:rport by an automatic port. */
static inline int pcb_connect(struct desk *d, struct pcb *p, const char *laddr, const char *raddr,
                              uint16_t rport)
{
    p->entry.laddr = ip(laddr);
    p->entry.raddr = ip(raddr);
    p->entry.rport = rport;
    p->entry.lport = 0;
    return ports_connect(&d->ports, p);
}

#endif
