/* Reassembly.
 *
 * A datagram's fragments wait in order of their offsets until none is missing; then its payload is
 * copied into fresh pages behind the first fragment's header. Two fragments that overlap, other
 * than by being one and the same, kill the datagram: the rest of it is dropped as it comes, until
 * the timer ends it (RFC 5722; for IPv4 alike, RFC 1858). Memory is bounded for all and for each
 * source (by a keyed hash, so that an attacker cannot aim at another's share): who exceeds it loses
 * its own oldest datagrams first. */
#include "net/fragment.h"

#include "base/hash.h"
#include "base/keyhash.h"
#include "base/pool.h"
#include "net/icmp.h"
#include "wire/icmp.h"
#include "wire/ip6.h"

#define MEMORY_ALL            (4u << 20)
#define MEMORY_SOURCE         (512u << 10)
#define SOURCES               256
#define PIECES_MOST           128 /* of 552 bytes, RFC 1122 3.3.2's least, 119 make the longest datagram */
#define TIMEOUT4              (30 * HF_S) /* Linux */
#define TIMEOUT6              (60 * HF_S) /* RFC 8200 4.5 */
#define TRANSPORT_HEADER_MOST 60

struct source {
    struct list datagrams; /* oldest first */
    uint32_t memory;       /* bytes, of all of them */
};

struct datagram {
    struct hash_node node;
    struct list link_in_source, link_in_all;
    struct net *net;
    struct source *source;
    struct timer timer;
    struct ip_info ip;             /* the first fragment's once it is there */
    struct hf_frame *first, *last; /* by offset; cb[0] is a fragment's offset, cb[1] its end */
    uint32_t id;
    uint32_t total;  /* bytes of payload, 0 while the last fragment is missing */
    uint32_t have;   /* bytes of payload here */
    uint32_t memory; /* bytes charged */
    uint32_t pieces;
    uint8_t proto; /* IPv4's key has it, RFC 791 3.2; 0 for IPv6 */
    bool is_dead;
};

struct reassembly {
    struct hash hash;
    struct pool pool;
    struct list all; /* oldest first */
    uint32_t memory;
    struct source sources[SOURCES];
};

static void datagram_fire(struct timer *t);

int fragment_init(struct net *net)
{
    struct hf_env *env = &net->core->env;
    struct reassembly *r = env->alloc(env->ctx, sizeof(*r));

    if (!r)
        return -HF_ENOMEM;
    memset(r, 0, sizeof(*r));
    if (hash_init(&r->hash, env)) {
        env->free(env->ctx, r, sizeof(*r));
        return -HF_ENOMEM;
    }
    pool_init(&r->pool, env, sizeof(struct datagram));
    list_init(&r->all);
    for (unsigned i = 0; i < SOURCES; i++)
        list_init(&r->sources[i].datagrams);
    net->reassembly = r;
    return 0;
}

/* Gives the fragments up, each counted under reason. */
static void fragments_drop(struct datagram *d, enum hf_drop reason)
{
    struct hf_frame *f;

    while ((f = d->first)) {
        d->first = f->next;
        f->next = NULL;
        core_drop(d->net->core, reason, f);
    }
    d->last = NULL;
}

static void charge(struct datagram *d, uint32_t bytes)
{
    d->memory += bytes;
    d->source->memory += bytes;
    d->net->reassembly->memory += bytes;
}

static void discharge(struct datagram *d)
{
    d->source->memory -= d->memory;
    d->net->reassembly->memory -= d->memory;
    d->memory = 0;
}

static void datagram_free(struct datagram *d, enum hf_drop reason)
{
    struct reassembly *r = d->net->reassembly;

    fragments_drop(d, reason);
    discharge(d);
    core_cancel(d->net->core, &d->timer);
    hash_remove(&r->hash, &d->node);
    list_remove(&d->link_in_source);
    list_remove(&d->link_in_all);
    pool_put(&r->pool, d);
}

void fragment_drop_link(struct net *net, const struct hf_link *link)
{
    list_for_each (l, &net->reassembly->all) {
        struct datagram *d = container_of(l, struct datagram, link_in_all);

        if (!link || d->ip.link == link)
            datagram_free(d, HF_DROP_NO_LINK);
    }
}

void fragment_fini(struct net *net)
{
    struct hf_env *env = &net->core->env;
    struct reassembly *r = net->reassembly;

    if (!r)
        return;
    fragment_drop_link(net, NULL);
    hash_fini(&r->hash);
    pool_fini(&r->pool);
    env->free(env->ctx, r, sizeof(*r));
    net->reassembly = NULL;
}

/* Keeps the entry, so that what is still to come of the datagram dies too. RFC 5722 4 */
static void datagram_kill(struct datagram *d, enum hf_drop reason)
{
    fragments_drop(d, reason);
    discharge(d);
    charge(d, sizeof(*d));
    d->is_dead = true;
}

/* RFC 792 time exceeded code 1, RFC 4443 3.3: only when there is a first fragment to quote. */
static void datagram_fire(struct timer *t)
{
    struct datagram *d = container_of(t, struct datagram, timer);
    bool is4 = addr_is4(&d->ip.src);

    if (d->first && !d->first->cb[0])
        icmp_send_message(d->net, is4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED, 1, 0, &d->ip,
                          d->first);
    datagram_free(d, HF_DROP_FRAG_TIMEOUT);
}

static struct datagram *datagram_find(struct net *net, const struct ip_info *ip, uint32_t id,
                                      uint32_t *hash)
{
    uint8_t proto = addr_is4(&ip->src) ? ip->proto : 0;
    struct {
        struct ip_addr src, dst;
        uint32_t id, link_and_proto;
    } key = {ip->src, ip->dst, id, ip->link->index << 8 | proto};

    *hash = keyhash(&net->core->tables, &key, sizeof(key));
    for (struct hash_node *n = hash_first(&net->reassembly->hash, *hash); n; n = hash_next(n)) {
        struct datagram *d = container_of(n, struct datagram, node);

        if (d->id == id && d->proto == proto && d->ip.link == ip->link &&
            addr_eq(&d->ip.src, &ip->src) && addr_eq(&d->ip.dst, &ip->dst))
            return d;
    }
    return NULL;
}

static struct datagram *datagram_new(struct net *net, const struct ip_info *ip, uint32_t id,
                                     uint32_t hash)
{
    struct reassembly *r = net->reassembly;
    struct datagram *d = pool_get(&r->pool);
    bool is4 = addr_is4(&ip->src);

    if (!d)
        return NULL;
    memset(d, 0, sizeof(*d));
    d->net = net;
    d->ip = *ip;
    d->id = id;
    d->proto = is4 ? ip->proto : 0;
    d->source = &r->sources[keyhash(&net->core->tables, &ip->src, sizeof(ip->src)) % SOURCES];
    timer_init(&d->timer, datagram_fire);
    core_arm(net->core, &d->timer, net->core->now + (is4 ? TIMEOUT4 : TIMEOUT6));
    hash_insert(&r->hash, &d->node, hash);
    list_push_back(&d->source->datagrams, &d->link_in_source);
    list_push_back(&r->all, &d->link_in_all);
    charge(d, sizeof(*d));
    return d;
}

/* Puts f in its place. false when it overlaps another, *is_twin when it is there already. */
static bool insert(struct datagram *d, struct hf_frame *f, bool *is_twin)
{
    struct hf_frame *before = NULL, *after = d->first;

    if (d->last && d->last->cb[0] < f->cb[0]) {
        before = d->last;
        after = NULL;
    }
    while (after && after->cb[0] < f->cb[0]) {
        before = after;
        after = after->next;
    }
    *is_twin = after && after->cb[0] == f->cb[0] && after->cb[1] == f->cb[1];
    if (*is_twin || (before && before->cb[1] > f->cb[0]) || (after && after->cb[0] < f->cb[1]))
        return false;
    f->next = after;
    if (before)
        before->next = f;
    else
        d->first = f;
    if (!after)
        d->last = f;
    d->have += (uint32_t)(f->cb[1] - f->cb[0]);
    d->pieces++;
    charge(d, hf_frame_truesize(f));
    return true;
}

/* Whether where f ends fits what is known of the datagram's length. */
static bool length_fits(struct datagram *d, const struct hf_frame *f, bool more)
{
    uint32_t end = (uint32_t)f->cb[1];

    if (more)
        return !d->total || end <= d->total;
    if ((d->total && d->total != end) || (d->last && d->last->cb[1] > end))
        return false;
    d->total = end;
    return true;
}

/* Copies the payload of first and those behind it, total bytes, into pages of whole. */
static bool copy_payload(struct hf_frame *whole, const struct hf_frame *first, uint32_t total)
{
    uint32_t done = 0, at = 0;
    const struct hf_frame *f = first;

    while (done < total) {
        uint32_t want = HF_MIN(total - done, 32768), used = 0;
        struct hf_page *page = hf_page_new(whole->pool, want);
        bool is_added;

        if (!page)
            return false;
        while (used < want) {
            uint32_t len = HF_MIN(want - used, f->len - at);

            hf_frame_read(f, at, page->data + used, len);
            used += len;
            at += len;
            if (at == f->len) {
                f = f->next;
                at = 0;
            }
        }
        is_added = hf_frame_add(whole, page, 0, used);
        hf_page_unref(page);
        if (!is_added)
            return false;
        done += used;
    }
    return true;
}

/* The datagram as one frame, with the first fragment's IP header before head; NULL without memory.
 */
static struct hf_frame *assemble(const struct datagram *d)
{
    const struct hf_frame *first = d->first;
    const uint8_t *header = first->room + first->net_off;
    uint32_t header_bytes = (uint32_t)(first->head - header);
    struct hf_frame *whole = hf_frame_new(d->net->core->pool);
    uint8_t *to = whole ? hf_frame_put(whole, header_bytes) : NULL;

    if (!to || !copy_payload(whole, first, d->total)) {
        hf_frame_free(whole);
        return NULL;
    }
    memcpy(to, header, header_bytes);
    whole->flags = HF_FRAME_CSUM_OK;
    for (const struct hf_frame *f = first; f; f = f->next) {
        whole->flags &= f->flags | (uint8_t)~HF_FRAME_CSUM_OK;
        whole->flags |= f->flags & HF_FRAME_LINK_BCAST;
    }
    whole->net_off = (uint16_t)(to - whole->room);
    hf_frame_trim_front(whole, header_bytes);
    (void)hf_frame_pull(whole, HF_MIN(whole->len, TRANSPORT_HEADER_MOST));
    return whole;
}

/* Makes room by ending the oldest datagrams of who has too much, but never d itself. */
static void keep_limits(struct net *net, const struct datagram *d)
{
    struct reassembly *r = net->reassembly;
    struct source *s = d->source;

    while (s->memory > MEMORY_SOURCE && s->datagrams.next != &d->link_in_source)
        datagram_free(container_of(s->datagrams.next, struct datagram, link_in_source),
                      HF_DROP_FRAG_LIMIT);
    while (r->memory > MEMORY_ALL && r->all.next != &d->link_in_all)
        datagram_free(container_of(r->all.next, struct datagram, link_in_all), HF_DROP_FRAG_LIMIT);
}

static struct hf_frame *finish(struct datagram *d, struct ip_info *ip)
{
    struct hf_frame *whole = assemble(d);
    struct net *net = d->net;

    *ip = d->ip;
    if (!whole)
        core_drop(net->core, HF_DROP_NO_MEMORY, NULL);
    while (d->first) {
        struct hf_frame *f = d->first;

        d->first = f->next;
        hf_frame_free(f);
    }
    d->last = NULL;
    datagram_free(d, HF_DROP_NO_MEMORY);
    return whole;
}

struct hf_frame *fragment_input(struct net *net, struct ip_info *ip, uint32_t id, uint32_t offset,
                                bool more, struct hf_frame *f)
{
    uint32_t hash, end = offset + f->len;
    uint32_t most = addr_is4(&ip->src) ? HF_FRAME_MAX - IP4_HEADER : HF_FRAME_MAX;
    bool is_twin = false, is_good;
    struct datagram *d;

    /* Empty, cut at no multiple of 8, or ending beyond the longest datagram. */
    if (!f->len || (more && f->len % 8) || end > most || f->gso_bytes) {
        core_drop(net->core, HF_DROP_FRAG_BAD, f);
        return NULL;
    }
    d = datagram_find(net, ip, id, &hash);
    if (!d)
        d = datagram_new(net, ip, id, hash);
    if (!d || d->is_dead || d->pieces >= PIECES_MOST) {
        core_drop(net->core, !d ? HF_DROP_NO_MEMORY : HF_DROP_FRAG_BAD, f);
        return NULL;
    }
    f->cb[0] = offset;
    f->cb[1] = end;
    is_good = length_fits(d, f, more) && insert(d, f, &is_twin);
    if (!is_good) {
        if (!is_twin)
            datagram_kill(d, HF_DROP_FRAG_BAD);
        core_drop(net->core, HF_DROP_FRAG_BAD, f);
        return NULL;
    }
    if (!offset)
        d->ip = *ip;
    keep_limits(net, d);
    return d->total && d->have == d->total ? finish(d, ip) : NULL;
}
