/* Counts of those who hold ports, by address. An address that nobody holds a port of any more stays
 * known for a while, since the next one comes soon as a rule. */
#include "transport/port_tally.h"

#include <string.h>

#define IDLE_MOST   64 /* addresses nobody uses that stay */
#define TABLE_BYTES (PORT_WORDS * sizeof(struct tally_page *))

struct tally_key {
    struct ip_addr addr;
    uint64_t scope;
};

static uint32_t key_hash(const struct ports *p, const struct tally_key *key)
{
    return keyhash(&p->core->tables, key, sizeof(*key));
}

void port_tally_init(struct ports *p)
{
    list_init(&p->idle_tallies);
    p->idle_tally_count = 0;
    p->tallies_freed = 0;
    pool_init(&p->tally_pool, &p->core->env, sizeof(struct port_tally));
    pool_init(&p->tally_pages, &p->core->env, sizeof(struct tally_page));
}

static void tally_free(struct ports *p, struct port_tally *t)
{
    const struct hf_env *env = &p->core->env;

    hash_remove(&p->tallies, &t->node);
    list_remove(&t->idle);
    p->idle_tally_count--;
    p->tallies_freed++;
    port_set_fini(&t->set, env);
    if (t->pages)
        env->free(env->ctx, t->pages, TABLE_BYTES);
    pool_put(&p->tally_pool, t);
}

void port_tally_fini(struct ports *p)
{
    list_for_each (l, &p->idle_tallies)
        tally_free(p, container_of(l, struct port_tally, idle));
    pool_fini(&p->tally_pages);
    pool_fini(&p->tally_pool);
}

struct port_tally *port_tally_find(const struct ports *p, const struct ip_addr *addr, uint8_t scope)
{
    struct tally_key key = {*addr, scope};
    struct hash_node *n = hash_first(&p->tallies, key_hash(p, &key));

    for (; n; n = hash_next(n)) {
        struct port_tally *t = container_of(n, struct port_tally, node);

        if (t->scope == scope && addr_eq(&t->addr, addr))
            return t;
    }
    return NULL;
}

static void become_idle(struct ports *p, struct port_tally *t)
{
    list_push_back(&p->idle_tallies, &t->idle);
    if (++p->idle_tally_count > IDLE_MOST)
        tally_free(p, container_of(p->idle_tallies.next, struct port_tally, idle));
}

struct port_tally *port_tally_get(struct ports *p, const struct ip_addr *addr, uint8_t scope)
{
    struct tally_key key = {*addr, scope};
    struct port_tally *t = port_tally_find(p, addr, scope);

    if (t) {
        if (!t->set.count) { /* the last one to be forgotten */
            list_remove(&t->idle);
            list_push_back(&p->idle_tallies, &t->idle);
        }
        return t;
    }
    t = pool_get(&p->tally_pool);
    if (!t)
        return NULL;
    memset(t, 0, sizeof(*t));
    list_init(&t->idle);
    t->addr = *addr;
    t->scope = scope;
    hash_insert(&p->tallies, &t->node, key_hash(p, &key));
    become_idle(p, t);
    return t;
}

/* Where port's holders are counted; NULL when it has none and no place for them yet. */
static uint32_t *holders_of(const struct port_tally *t, uint16_t port)
{
    struct tally_page *page;
    uint32_t i;

    if (t->pages) {
        page = t->pages[port / 64];
        return page ? &page->holders[port % 64] : NULL;
    }
    i = port_set_index(&t->set, port);
    return i < t->set.count ? (uint32_t *)(uintptr_t)&t->holders[i] : NULL;
}

static struct tally_page *page_get(struct ports *p, struct port_tally *t, uint16_t port)
{
    struct tally_page **page = &t->pages[port / 64];

    if (*page)
        return *page;
    *page = pool_get(&p->tally_pages);
    if (*page)
        memset(*page, 0, sizeof(**page));
    return *page;
}

static void page_put(struct ports *p, struct port_tally *t, uint16_t port)
{
    struct tally_page **page = &t->pages[port / 64];

    if ((*page)->ports)
        return;
    pool_put(&p->tally_pages, *page);
    *page = NULL;
}

/* From the line into pages. Without memory all stays in line. */
static int spread(struct ports *p, struct port_tally *t)
{
    const struct hf_env *env = &p->core->env;
    bool is_done = true;

    t->pages = env->alloc(env->ctx, TABLE_BYTES);
    if (!t->pages)
        return -HF_ENOMEM;
    memset(t->pages, 0, TABLE_BYTES);
    for (uint32_t i = 0; i < t->set.count; i++)
        is_done = is_done && page_get(p, t, t->set.ports[i]);
    for (uint32_t i = 0; i < t->set.count; i++) {
        struct tally_page *page = t->pages[t->set.ports[i] / 64];

        if (is_done) {
            page->holders[t->set.ports[i] % 64] = t->holders[i];
            page->ports++;
        } else if (page) {
            page_put(p, t, t->set.ports[i]);
        }
    }
    if (is_done)
        return 0;
    env->free(env->ctx, t->pages, TABLE_BYTES);
    t->pages = NULL;
    return -HF_ENOMEM;
}

/* The first holder of port. */
static int enter(struct ports *p, struct port_tally *t, uint16_t port)
{
    uint32_t count = t->set.count;
    int err = !t->pages && count == PORT_INLINE ? spread(p, t) : 0;

    if (err)
        return err;
    if (t->pages && !page_get(p, t, port))
        return -HF_ENOMEM;
    err = port_set_add(&t->set, &p->core->env, port);
    if (err) {
        if (t->pages)
            page_put(p, t, port);
        return err;
    }
    if (t->pages) {
        t->pages[port / 64]->holders[port % 64] = 1;
        t->pages[port / 64]->ports++;
    } else {
        t->holders[count] = 1;
    }
    if (!count) {
        list_remove(&t->idle);
        p->idle_tally_count--;
    }
    return 0;
}

int port_tally_add(struct ports *p, struct port_tally *t, uint16_t port)
{
    uint32_t *holders = holders_of(t, port);

    if (!holders || !*holders)
        return enter(p, t, port);
    ++*holders;
    return 0;
}

void port_tally_remove(struct ports *p, struct port_tally *t, uint16_t port)
{
    uint32_t *holders = holders_of(t, port);

    core_assert(p->core, holders && *holders);
    if (--*holders)
        return;
    if (t->pages) {
        t->pages[port / 64]->ports--;
        page_put(p, t, port);
    } else {
        *holders = t->holders[t->set.count - 1];
    }
    port_set_remove(&t->set, port);
    if (!t->set.count)
        become_idle(p, t);
}

uint32_t port_tally_holders(const struct port_tally *t, uint16_t port)
{
    const uint32_t *holders = holders_of(t, port);

    return holders ? *holders : 0;
}
