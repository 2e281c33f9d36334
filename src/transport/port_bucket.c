/* The holders of one local port: owners one by one, because their options may change while they
 * hold it; children and TIME-WAIT records, of which there may be very many, by count. */
#include "transport/port_bucket.h"

#include "base/siphash.h"

static uint32_t hash_of(const struct ports *p, uint16_t port)
{
    uint64_t key = port;

    return (uint32_t)siphash(p->core->key, &key, sizeof(key));
}

struct port_bucket *port_bucket_find(const struct ports *p, uint16_t port)
{
    struct hash_node *n;

    if (!(p->taken[port / 64] >> port % 64 & 1))
        return NULL;
    for (n = hash_first(&p->buckets, hash_of(p, port)); n; n = hash_next(n)) {
        struct port_bucket *b = container_of(n, struct port_bucket, node);

        if (b->port == port)
            return b;
    }
    return NULL;
}

/* The bucket of port, made when there is none; NULL without memory. */
static struct port_bucket *bucket_get(struct ports *p, uint16_t port)
{
    const struct hf_env *env = &p->core->env;
    struct port_bucket *b = port_bucket_find(p, port);

    if (b)
        return b;
    b = env->alloc(env->ctx, sizeof(*b));
    if (!b)
        return NULL;
    memset(b, 0, sizeof(*b));
    b->ports = p;
    b->port = port;
    b->unplaced.bucket = b;
    list_init(&b->owners);
    list_init(&b->shares);
    list_init(&b->unplaced.link);
    hash_insert(&p->buckets, &b->node, hash_of(p, port));
    p->taken[port / 64] |= (uint64_t)1 << port % 64;
    return b;
}

static void drop_holder(struct port_bucket *b)
{
    struct ports *p = b->ports;

    if (--b->holders)
        return;
    p->taken[b->port / 64] &= ~((uint64_t)1 << b->port % 64);
    hash_remove(&p->buckets, &b->node);
    p->core->env.free(p->core->env.ctx, b, sizeof(*b));
}

/* There are as many shares as local addresses in use, times their options. */
static struct port_share *share_get(struct port_bucket *b, const struct demux_entry *e)
{
    const struct hf_env *env = &b->ports->core->env;
    struct port_share *s;

    list_for_each (link, &b->shares) {
        s = container_of(link, struct port_share, link);
        if (addr_eq(&s->laddr, &e->laddr) && s->reuse_addr == e->reuse_addr &&
            s->reuse_port == e->reuse_port)
            return s;
    }
    s = env->alloc(env->ctx, sizeof(*s));
    if (!s)
        return &b->unplaced;
    *s = (struct port_share){
        .bucket = b, .laddr = e->laddr, .reuse_addr = e->reuse_addr, .reuse_port = e->reuse_port};
    list_push_front(&b->shares, &s->link);
    return s;
}

int port_bucket_own(struct ports *p, struct pcb *pcb, uint16_t port)
{
    struct port_bucket *b = bucket_get(p, port);

    if (!b)
        return -HF_ENOMEM;
    b->holders++;
    list_push_back(&b->owners, &pcb->port_link);
    pcb->entry.port_hold = PORT_BOUND;
    pcb->entry.port_ref = b;
    return 0;
}

int port_bucket_share(struct ports *p, struct demux_entry *e, uint16_t port)
{
    struct port_bucket *b = bucket_get(p, port);
    struct port_share *s;

    if (!b)
        return -HF_ENOMEM;
    s = share_get(b, e);
    b->holders++;
    s->count++;
    e->port_hold = PORT_CHILD;
    e->port_ref = s;
    return 0;
}

void port_bucket_disown(struct port_bucket *b, struct pcb *pcb)
{
    list_remove(&pcb->port_link);
    drop_holder(b);
}

void port_bucket_unshare(struct port_share *s)
{
    struct port_bucket *b = s->bucket;
    const struct hf_env *env = &b->ports->core->env;

    if (--s->count == 0 && s != &b->unplaced) {
        list_remove(&s->link);
        env->free(env->ctx, s, sizeof(*s));
    }
    drop_holder(b);
}

struct port_share *port_bucket_demote(struct port_bucket *b, struct pcb *pcb)
{
    struct port_share *s = share_get(b, &pcb->entry);

    list_remove(&pcb->port_link);
    s->count++;
    return s;
}

/* a, an address that is bound to, takes what is sent to b. */
static bool covers(const struct ip_addr *a, bool v6only, const struct ip_addr *b)
{
    if (!addr_is_any(a))
        return addr_eq(a, b);
    return addr_is4(a) ? addr_is4(b) : !addr_is4(b) || !v6only;
}

static bool overlap(const struct ip_addr *a, bool a_v6only, const struct ip_addr *b, bool b_v6only)
{
    return covers(a, a_v6only, b) || covers(b, b_v6only, a);
}

static bool owners_meet(const struct pcb *pcb, const struct ip_addr *laddr, const struct pcb *other)
{
    const struct demux_entry *e = &other->entry;

    return pcb != other &&
           (!pcb->link_index || !other->link_index || pcb->link_index == other->link_index) &&
           overlap(laddr, pcb->entry.v6only, &e->laddr, e->v6only);
}

static bool share_conflicts(const struct port_share *s, const struct pcb *pcb,
                            const struct ip_addr *laddr)
{
    const struct demux_entry *e = &pcb->entry;

    return s->count && overlap(laddr, e->v6only, &s->laddr, false) &&
           !(e->reuse_addr && s->reuse_addr) && !(e->reuse_port && s->reuse_port);
}

bool port_bucket_conflicts(const struct port_bucket *b, const struct pcb *pcb,
                           const struct ip_addr *laddr)
{
    list_for_each (link, &b->owners) {
        const struct pcb *other = container_of(link, struct pcb, port_link);
        const struct demux_entry *e = &other->entry;
        bool both_reuse = pcb->entry.reuse_addr && e->reuse_addr && !e->is_listening;

        if (!both_reuse && !(pcb->entry.reuse_port && e->reuse_port) &&
            owners_meet(pcb, laddr, other))
            return true;
    }
    list_for_each (link, &b->shares)
        if (share_conflicts(container_of(link, struct port_share, link), pcb, laddr))
            return true;
    return share_conflicts(&b->unplaced, pcb, laddr);
}

bool port_bucket_is_listened(const struct port_bucket *b, const struct pcb *pcb)
{
    list_for_each (link, &b->owners) {
        const struct pcb *other = container_of(link, struct pcb, port_link);

        if (other->entry.is_listening && !(pcb->entry.reuse_port && other->entry.reuse_port) &&
            owners_meet(pcb, &pcb->entry.laddr, other))
            return true;
    }
    return false;
}
