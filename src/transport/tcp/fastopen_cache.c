/* What Fast Open remembers of servers: the cookie, the MSS, what did not work. RFC 7413 4.1.3.
 *
 * One entry for each pair of addresses, ENTRIES_MOST at most: the one that was not looked at for
 * longest gives way. Memory is taken with the first entry. */
#include "base/siphash.h"
#include "transport/tcp/fastopen.h"

#define ENTRIES_MOST 1024

/* SYNs with data that were lost in a row: from the second on the server is left alone for a while,
 * twice as long each time. RFC 7413 4.1.3.1 */
#define LOSSES_BORNE 1
#define LOSSES_MOST  8
#define PAUSE        (60 * HF_S)

struct entry {
    struct hash_node node;
    struct list in_lru; /* the oldest first */
    struct ip_addr laddr, raddr;
    struct fastopen_known known;
    hf_time lost_at;
    uint8_t losses;
    uint8_t tried; /* enum fastopen_try: the option that brought no cookie */
};

struct fastopen_cache {
    struct hash hash;
    struct pool pool;
    struct list lru;
};

static uint32_t hash_of(const struct tcp *tcp, const struct demux_entry *e)
{
    struct ip_addr key[2] = {e->laddr, e->raddr};

    return (uint32_t)siphash(tcp->core->key, key, sizeof(key));
}

static struct entry *find(const struct tcp *tcp, const struct demux_entry *e)
{
    struct fastopen_cache *c = tcp->fastopen.cache;

    if (!c)
        return NULL;
    for (struct hash_node *n = hash_first(&c->hash, hash_of(tcp, e)); n; n = hash_next(n)) {
        struct entry *found = container_of(n, struct entry, node);

        if (addr_eq(&found->laddr, &e->laddr) && addr_eq(&found->raddr, &e->raddr)) {
            list_remove(&found->in_lru);
            list_push_back(&c->lru, &found->in_lru);
            return found;
        }
    }
    return NULL;
}

static void drop(struct fastopen_cache *c, struct entry *e)
{
    hash_remove(&c->hash, &e->node);
    list_remove(&e->in_lru);
    pool_put(&c->pool, e);
}

static struct fastopen_cache *make_cache(struct tcp *tcp)
{
    const struct hf_env *env = &tcp->core->env;
    struct fastopen_cache *c = env->alloc(env->ctx, sizeof(*c));

    if (!c)
        return NULL;
    if (hash_init(&c->hash, env)) {
        env->free(env->ctx, c, sizeof(*c));
        return NULL;
    }
    pool_init(&c->pool, env, sizeof(struct entry));
    list_init(&c->lru);
    return tcp->fastopen.cache = c;
}

static struct entry *find_or_make(struct tcp *tcp, const struct demux_entry *key)
{
    struct entry *e = find(tcp, key);
    struct fastopen_cache *c = tcp->fastopen.cache;

    if (e)
        return e;
    if (!c && !(c = make_cache(tcp)))
        return NULL;
    if (c->hash.count >= ENTRIES_MOST)
        drop(c, container_of(c->lru.next, struct entry, in_lru));
    e = pool_get(&c->pool);
    if (!e)
        return NULL;
    *e = (struct entry){.laddr = key->laddr, .raddr = key->raddr};
    hash_insert(&c->hash, &e->node, hash_of(tcp, key));
    list_push_back(&c->lru, &e->in_lru);
    return e;
}

void fastopen_cache_free(struct tcp *tcp)
{
    const struct hf_env *env = &tcp->core->env;
    struct fastopen_cache *c = tcp->fastopen.cache;

    if (!c)
        return;
    list_for_each (l, &c->lru)
        drop(c, container_of(l, struct entry, in_lru));
    hash_fini(&c->hash);
    pool_fini(&c->pool);
    env->free(env->ctx, c, sizeof(*c));
    tcp->fastopen.cache = NULL;
}

static bool is_paused(const struct tcp *tcp, const struct entry *e)
{
    return e->losses > LOSSES_BORNE && tcp->core->now < e->lost_at + (PAUSE << e->losses);
}

void fastopen_recall(struct tcp *tcp, const struct demux_entry *key, struct fastopen_known *out)
{
    const struct entry *e = find(tcp, key);

    *out = (struct fastopen_known){0};
    if (!e)
        return;
    *out = e->known;
    out->is_exp |= !e->known.len && e->tried == FASTOPEN_TRY_EXPERIMENT;
    out->is_paused = is_paused(tcp, e);
}

/* Linux: tcp_fastopen_cache_set. */
void fastopen_learn(struct tcp *tcp, const struct demux_entry *key, const struct fastopen_news *n)
{
    struct entry *e = find_or_make(tcp, key);

    if (!e)
        return;
    if (n->mss)
        e->known.mss = n->mss;
    if (n->cookie_len) {
        e->known.len = n->cookie_len;
        e->known.is_exp = n->is_exp;
        memcpy(e->known.cookie, n->cookie, n->cookie_len);
    } else if (n->try_next > e->tried && !e->known.len) {
        e->tried = n->try_next;
    }
    e->losses = n->was_lost ? (uint8_t)HF_MIN(e->losses + 1, LOSSES_MOST) : 0;
    if (n->was_lost)
        e->lost_at = tcp->core->now;
}
