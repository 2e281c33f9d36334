/* Holders of ports, by count. */
#include "transport/port_place.h"

#include "transport/port_tally.h"

#define COUNTED_MOST 5 /* places where one holder is counted */
#define ASKED_MOST   3 /* places, links aside, that overlap with a spot */
#define IDLE_MOST    4096

struct place_key {
    struct ip_addr addr;
    uint32_t link;
    uint16_t port;
    uint16_t scope;
};

/* An address as a place has it. */
struct scoped {
    struct ip_addr addr;
    enum place_scope scope;
};

static uint32_t key_hash(const struct ports *p, const struct place_key *key)
{
    return keyhash(&p->core->tables, key, sizeof(*key));
}

static bool is_at(const struct port_place *at, const struct place_key *key)
{
    return at->port == key->port && at->scope == key->scope && at->link == key->link &&
           addr_eq(&at->addr, &key->addr);
}

static struct port_place *find(const struct ports *p, const struct place_key *key)
{
    struct hash_node *n = hash_first(&p->places, key_hash(p, key));

    for (; n; n = hash_next(n)) {
        struct port_place *at = container_of(n, struct port_place, node);

        if (is_at(at, key))
            return at;
    }
    return NULL;
}

/* ---- the making and end of a place ---- */

/* The port is held there from now on: the search for a free one passes it by. */
static int enter(struct ports *p, const struct place_key *key)
{
    struct port_tally *t;

    if (key->scope == PLACE_PORT) {
        return port_map_set(&p->taken, &p->core->env, key->port);
    }
    if (key->link)
        return 0;
    t = port_tally_get(p, &key->addr, (uint8_t)key->scope);
    return t ? port_tally_add(p, t, key->port) : -HF_ENOMEM;
}

static void leave(struct ports *p, const struct port_place *at)
{
    if (at->scope == PLACE_PORT)
        port_map_clear(&p->taken, at->port);
    else if (!at->link)
        port_tally_remove(p, port_tally_find(p, &at->addr, at->scope), at->port);
}

static void count(struct ports *p, struct port_place *at, uint32_t link, unsigned class)
{
    ++*(link ? &at->bound[class] : &at->unbound[class]);
    if (!at->holders++) {
        list_remove(&at->idle);
        p->idle_place_count--;
    }
}

static void place_free(struct ports *p, struct port_place *at)
{
    list_remove(&at->idle);
    p->idle_place_count--;
    p->places_freed++;
    if (p->newest_place == at)
        p->newest_place = NULL;
    leave(p, at);
    hash_remove(&p->places, &at->node);
    pool_put(&p->place_pool, at);
}

static void become_idle(struct ports *p, struct port_place *at)
{
    list_push_back(&p->idle_places, &at->idle);
    if (++p->idle_place_count > IDLE_MOST)
        place_free(p, container_of(p->idle_places.next, struct port_place, idle));
}

static void uncount(struct ports *p, struct port_place *at, uint32_t link, unsigned class)
{
    uint32_t *counted = link ? &at->bound[class] : &at->unbound[class];

    core_assert(p->core, *counted && at->holders);
    --*counted;
    if (!--at->holders)
        become_idle(p, at);
}

static struct port_place *place_get(struct ports *p, const struct place_key *key)
{
    struct port_place *at = find(p, key);

    if (at)
        return at;
    at = pool_get(&p->place_pool);
    if (!at)
        return NULL;
    if (enter(p, key)) {
        pool_put(&p->place_pool, at);
        return NULL;
    }
    *at = (struct port_place){
        .addr = key->addr, .link = key->link, .port = key->port, .scope = (uint8_t)key->scope};
    hash_insert(&p->places, &at->node, key_hash(p, key));
    list_init(&at->idle);
    become_idle(p, at);
    return at;
}

bool port_places_drop_idle(struct ports *p)
{
    bool is_any = p->idle_place_count > 0;

    list_for_each (l, &p->idle_places)
        place_free(p, container_of(l, struct port_place, idle));
    return is_any;
}

/* ---- where a holder is counted ---- */

static struct ip_addr family_any(const struct ip_addr *addr)
{
    return addr_is4(addr) ? ADDR_ANY4 : ADDR_ANY6;
}

static bool is_v6only_any(const struct port_spot *at)
{
    return at->v6only && addr_is_any(&at->addr) && !addr_is4(&at->addr);
}

static uint16_t scope_of(const struct port_spot *at)
{
    return is_v6only_any(at) ? PLACE_V6ONLY : PLACE_ADDRESS;
}

/* The last one stands for the spot. */
static unsigned keys_of(const struct port_spot *at, struct place_key keys[COUNTED_MOST])
{
    struct ip_addr family = family_any(&at->addr);
    uint16_t own = scope_of(at);
    unsigned n = 0;

    if (!at->is_auto)
        keys[n++] = (struct place_key){ADDR_ANY6, 0, at->port, PLACE_PORT};
    keys[n++] = (struct place_key){family, 0, at->port, PLACE_FAMILY};
    keys[n++] = (struct place_key){at->addr, 0, at->port, own};
    if (at->link) {
        keys[n++] = (struct place_key){family, at->link, at->port, PLACE_FAMILY};
        keys[n++] = (struct place_key){at->addr, at->link, at->port, own};
    }
    return n;
}

struct port_spot port_place_spot(const struct port_place *at)
{
    return (struct port_spot){
        .addr = at->addr, .link = at->link, .port = at->port, .v6only = at->scope == PLACE_V6ONLY};
}

/* The place that stands for the spot of an explicit holder who is bound to no link. */
static struct port_place *find_plain(struct ports *p, const struct port_spot *spot)
{
    struct place_key key = {spot->addr, 0, spot->port, scope_of(spot)};
    struct port_place *at = p->newest_place;

    if (!at || !is_at(at, &key))
        p->newest_place = at = find(p, &key);
    return at;
}

/* As a listener's children are counted, one like the other: by the pointers that the first left,
 * which are good while somebody is counted by them, or nothing was freed since. */
static bool count_again(struct ports *p, struct port_place *place, unsigned class)
{
    if (!place || !place->by_port || (!place->plain && place->freed_then != p->places_freed))
        return false;
    place->plain++;
    count(p, place->by_port, 0, class);
    count(p, place->by_family, 0, class);
    count(p, place, 0, class);
    return true;
}

struct port_place *port_place_add(struct ports *p, const struct port_spot *at, unsigned class)
{
    struct place_key keys[COUNTED_MOST];
    struct port_place *places[COUNTED_MOST];
    struct port_place *place = at->is_auto || at->link ? NULL : find_plain(p, at);
    unsigned n;

    if (count_again(p, place, class))
        return place;
    n = keys_of(at, keys);
    for (unsigned i = 0; i < n; i++) {
        places[i] = place_get(p, &keys[i]);
        if (!places[i]) {
            while (i--)
                uncount(p, places[i], at->link, class);
            return NULL;
        }
        count(p, places[i], at->link, class);
    }
    place = places[n - 1];
    if (!at->is_auto && !at->link) {
        place->plain = 1;
        place->by_port = places[0];
        place->by_family = places[1];
    }
    return place;
}

static void uncount_spot(struct ports *p, const struct port_spot *at, unsigned class)
{
    struct place_key keys[COUNTED_MOST];
    unsigned n = keys_of(at, keys);

    for (unsigned i = 0; i < n; i++)
        uncount(p, find(p, &keys[i]), at->link, class);
}

void port_place_remove(struct ports *p, struct port_place *place, unsigned class)
{
    struct port_spot at;

    if (place->link) {
        at = port_place_spot(place);
        uncount_spot(p, &at, class);
        return;
    }
    place->plain--;
    uncount(p, place->by_port, 0, class);
    uncount(p, place->by_family, 0, class);
    place->freed_then = p->places_freed;
    uncount(p, place, 0, class);
}

void port_place_remove_auto(struct ports *p, const struct port_spot *at, unsigned class)
{
    uncount_spot(p, at, class);
}

/* Counts a holder in or out where no place comes or goes by it. */
static void shift(struct ports *p, const struct port_spot *at, unsigned class, bool is_in)
{
    struct place_key keys[COUNTED_MOST];
    unsigned n = keys_of(at, keys);

    for (unsigned i = 0; i < n; i++) {
        struct port_place *place = find(p, &keys[i]);
        uint32_t *counted = at->link ? &place->bound[class] : &place->unbound[class];

        core_assert(p->core, is_in || *counted);
        *counted += is_in ? 1 : UINT32_MAX;
    }
}

void port_place_change(struct ports *p, const struct port_spot *at, unsigned from, unsigned to)
{
    shift(p, at, from, false);
    shift(p, at, to, true);
}

/* ---- what overlaps ---- */

/* The addresses whose holders take what is sent to at, or the other way round. Linux:
 * inet_rcv_saddr_equal. */
static unsigned overlapping(const struct port_spot *at, struct scoped out[ASKED_MOST])
{
    bool is4 = addr_is4(&at->addr);
    unsigned n = 0;

    if (addr_is_any(&at->addr)) {
        out[n++] = (struct scoped){at->addr, PLACE_FAMILY};
        if (is4)
            out[n++] = (struct scoped){ADDR_ANY6, PLACE_ADDRESS};
        else if (!at->v6only)
            out[n++] = (struct scoped){ADDR_ANY4, PLACE_FAMILY};
        return n;
    }
    out[n++] = (struct scoped){at->addr, PLACE_ADDRESS};
    out[n++] = (struct scoped){ADDR_ANY6, PLACE_ADDRESS};
    out[n++] =
        is4 ? (struct scoped){ADDR_ANY4, PLACE_ADDRESS} : (struct scoped){ADDR_ANY6, PLACE_V6ONLY};
    return n;
}

/* One of counts does not go together with class. */
static bool has_against(const uint32_t counts[PLACE_CLASSES], unsigned class)
{
    for (unsigned i = 0; i < PLACE_CLASSES; i++) {
        if (counts[i] && !(i & class))
            return true;
    }
    return false;
}

/* Somebody holds it there by number alone: he puts up with nobody. */
static bool is_tallied(const struct ports *p, const struct scoped *at, uint16_t port,
                       const struct port_place *place)
{
    const struct port_tally *t = port_tally_find(p, &at->addr, (uint8_t)at->scope);

    return t && port_tally_holders(t, port) > (place ? 1 : 0);
}

bool port_place_conflicts(const struct ports *p, const struct port_spot *at, unsigned class)
{
    struct scoped asked[ASKED_MOST];
    unsigned n = overlapping(at, asked);

    for (unsigned i = 0; i < n; i++) {
        struct place_key key = {asked[i].addr, 0, at->port, (uint16_t)asked[i].scope};
        const struct port_place *place = find(p, &key);

        if (is_tallied(p, &asked[i], at->port, place))
            return true;
        if (!place)
            continue;
        if (has_against(place->unbound, class) || (!at->link && has_against(place->bound, class)))
            return true;
        key.link = at->link;
        place = at->link ? find(p, &key) : NULL;
        if (place && has_against(place->bound, class))
            return true;
    }
    return false;
}

bool port_place_others_conflict(struct ports *p, const struct port_spot *at, unsigned own,
                                unsigned class)
{
    bool conflicts;

    shift(p, at, own, false);
    conflicts = port_place_conflicts(p, at, class);
    shift(p, at, own, true);
    return conflicts;
}

int32_t port_place_free_port(const struct ports *p, const struct port_spot *at, uint32_t low,
                             uint32_t high)
{
    struct scoped asked[ASKED_MOST];
    const struct port_set *sets[ASKED_MOST];
    unsigned n = overlapping(at, asked), used = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct port_tally *t = port_tally_find(p, &asked[i].addr, (uint8_t)asked[i].scope);

        if (t)
            sets[used++] = &t->set;
    }
    return port_sets_free_port(sets, used, NULL, low, high);
}
