/* The stack: puts the layers together. The only file that knows them all. */
#include "net/address.h"
#include "net/interface.h"
#include "net/route.h"
#include "socket/sock.h"

struct hf_stack {
    struct sockets sockets;
};

int hf_stack_new(const struct hf_stack_config *config, struct hf_stack **out)
{
    struct hf_stack *st;
    struct core *core;
    int err;

    if (!config->pool || config->port_min > config->port_max)
        return -HF_EINVAL;
    st = config->env.alloc(config->env.ctx, sizeof(*st));
    if (!st)
        return -HF_ENOMEM;
    memset(st, 0, sizeof(*st));
    core = &st->sockets.core;
    core->env = config->env;
    core->pool = config->pool;
    core_set_now(core, config->now);
    core->privileged = config->privileged;
    core->any_source = config->any_source;
    core->env.random(core->env.ctx, core->key, sizeof(core->key));
    core->env.random(core->env.ctx, core->isn_key, sizeof(core->isn_key));
    keyhash_init(&core->tables, core->key);
    wheel_init(&core->wheel, config->now);
    err = sockets_init(&st->sockets, config);
    if (err) {
        config->env.free(config->env.ctx, st, sizeof(*st));
        return err;
    }
    *out = st;
    return 0;
}

void hf_stack_free(struct hf_stack *st)
{
    struct hf_env env;

    if (!st)
        return;
    env = st->sockets.core.env;
    sockets_fini(&st->sockets);
    env.free(env.ctx, st, sizeof(*st));
}

void hf_stack_clock(struct hf_stack *st, hf_time now)
{
    if (now > st->sockets.core.now)
        core_set_now(&st->sockets.core, now);
}

void hf_stack_set_epoch(struct hf_stack *st, hf_time epoch)
{
    st->sockets.epoch = epoch;
}

/* What a frame to this host provokes is again a frame to this host. A conversation with itself may
 * have no end, so only so many rounds at once; the deadline brings the rest. */
static void talk_to_itself(struct net *net)
{
    for (int round = 0; round < 64 && net_deadline(net) <= net->core->now; round++)
        net_poll(net);
}

void hf_stack_poll(struct hf_stack *st, hf_time now)
{
    struct net *net = &st->sockets.net;

    hf_stack_clock(st, now);
    for (unsigned i = 1; i < net->links_end; i++) {
        struct hf_link *link = net->links[i];

        if (link && link->ops->poll)
            link->ops->poll(link, st->sockets.core.now);
    }
    talk_to_itself(net);
    /* After what has come: an owner that is late must not make it look lost. */
    wheel_advance(&st->sockets.core.wheel, st->sockets.core.now);
    if (unix_collect_is_due(&st->sockets.un))
        unix_collect(&st->sockets.un);
    talk_to_itself(net);
}

hf_time hf_stack_deadline(const struct hf_stack *st)
{
    const struct net *net = &st->sockets.net;
    hf_time at = HF_MIN(wheel_next(&st->sockets.core.wheel), net_deadline(net));

    if (unix_collect_is_due(&st->sockets.un))
        return st->sockets.core.now;
    for (unsigned i = 1; i < net->links_end; i++) {
        const struct hf_link *link = net->links[i];

        if (link && link->ops->deadline)
            at = HF_MIN(at, link->ops->deadline(link));
    }
    return at;
}

int hf_stack_attach(struct hf_stack *st, struct hf_link *link)
{
    return net_attach(&st->sockets.net, link);
}

void hf_stack_detach(struct hf_stack *st, struct hf_link *link)
{
    net_detach(&st->sockets.net, link);
}

int hf_addr_add(struct hf_stack *st, struct hf_link *link, const char *prefix)
{
    struct ip_addr addr;
    unsigned bits;

    if (!addr_parse_prefix(prefix, &addr, &bits))
        return -HF_EINVAL;
    return net_addr_add(&st->sockets.net, link, &addr, bits);
}

/* The prefix's bits, the rest zero: "10.0.2.15/24" names 10.0.2.0/24. */
static void mask(struct ip_addr *a, unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = bits > i * 8 ? HF_MIN(bits - i * 8, 8u) : 0;

        a->b[i] &= (uint8_t)(0xff00u >> keep);
    }
}

int hf_route_add(struct hf_stack *st, const struct hf_route *route)
{
    struct net *net = &st->sockets.net;
    struct route r = {.kind = (uint8_t)route->kind, .metric = route->metric, .link = route->link};

    if (!addr_parse_prefix(route->prefix, &r.prefix, &r.bits))
        return -HF_EINVAL;
    mask(&r.prefix, r.bits);
    r.has_via = route->via != NULL;
    r.has_source = route->source != NULL;
    if (r.has_via && !addr_parse(route->via, &r.via))
        return -HF_EINVAL;
    if (r.has_source && (!addr_parse(route->source, &r.source) || !net_is_local(net, &r.source)))
        return -HF_EINVAL;
    return route_add(net, &r);
}

int hf_route_del(struct hf_stack *st, const char *prefix, uint32_t metric)
{
    struct ip_addr addr;
    unsigned bits;

    if (!addr_parse_prefix(prefix, &addr, &bits))
        return -HF_ENOENT;
    mask(&addr, bits);
    return route_del(&st->sockets.net, &addr, bits, metric);
}

int hf_stack_ifreq(const struct hf_stack *st, int family, unsigned long request,
                   uint8_t ifreq[HF_IFREQ_BYTES])
{
    return interface_request(&st->sockets.net, family, request, ifreq);
}

size_t hf_stack_ifconf(const struct hf_stack *st, uint8_t *to, size_t room)
{
    return interface_list(&st->sockets.net, to, room);
}

uint64_t hf_stack_drops(const struct hf_stack *st, enum hf_drop reason)
{
    return st->sockets.core.drops[reason];
}

void hf_stack_stats(const struct hf_stack *st, struct hf_stack_stats *out)
{
    *out = st->sockets.core.stats;
}

int hf_sock_new(struct hf_stack *st, int domain, int type, int protocol, struct hf_sock **out)
{
    return sock_new(&st->sockets, domain, type, protocol, out);
}

struct hf_stack *hf_sock_stack(const struct hf_sock *sk)
{
    return container_of(sk->all, struct hf_stack, sockets);
}

int hf_stack_set_fastopen_key(struct hf_stack *st, const void *key, uint32_t len)
{
    return fastopen_read_keys(&st->sockets.tcp.fastopen_keys, key, len);
}

static int set_bytes(uint32_t *field, uint32_t value)
{
    if (value < 4096 || value > 1u << 30)
        return -HF_EINVAL;
    *field = value;
    return 0;
}

static int set_retries(uint8_t *field, uint32_t value)
{
    if (value < 1 || value > 127)
        return -HF_EINVAL;
    *field = (uint8_t)value;
    return 0;
}

static int set_switch(bool *field, uint32_t value)
{
    if (value > 1)
        return -HF_EINVAL;
    *field = value;
    return 0;
}

static int set_of_three(uint8_t *field, uint32_t value)
{
    if (value > 2)
        return -HF_EINVAL;
    *field = (uint8_t)value;
    return 0;
}

#define MEMORY_PAGE 4096 /* as Linux counts in tcp_mem */

int hf_stack_set_tcp(struct hf_stack *st, enum hf_tcp_setting what, uint32_t value)
{
    struct tcp *tcp = &st->sockets.tcp;

    switch (what) {
    case HF_TCP_RMEM_DEFAULT:
        return set_bytes(&tcp->rmem_default, value);
    case HF_TCP_RMEM_MAX:
        return set_bytes(&tcp->rmem_max, value);
    case HF_TCP_WMEM_DEFAULT:
        return set_bytes(&tcp->wmem_default, value);
    case HF_TCP_WMEM_MAX:
        return set_bytes(&tcp->wmem_max, value);
    case HF_TCP_SYN_RETRIES:
        return set_retries(&tcp->syn_retries, value);
    case HF_TCP_SYNACK_RETRIES:
        return set_retries(&tcp->synack_retries, value);
    case HF_TCP_TIMESTAMPS:
        return set_switch(&tcp->timestamps, value);
    case HF_TCP_SACK:
        return set_switch(&tcp->sack, value);
    case HF_TCP_WINDOW_SCALING:
        return set_switch(&tcp->window_scaling, value);
    case HF_TCP_MTU_PROBING:
        return set_switch(&tcp->mtu_probing, value);
    case HF_TCP_SYN_COOKIES:
        return set_of_three(&tcp->syn_cookies, value);
    case HF_TCP_ECN:
        return set_of_three(&tcp->ecn, value);
    case HF_TCP_FASTOPEN_MODE:
        tcp_set_fastopen(tcp, value);
        return 0;
    case HF_TCP_MEM_PRESSURE:
        tcp->memory_pressure = (uint64_t)value * MEMORY_PAGE;
        return 0;
    case HF_TCP_MEM_MAX:
        tcp->memory_most = (uint64_t)value * MEMORY_PAGE;
        return 0;
    case HF_TCP_MAX_ORPHANS:
        tcp->orphans_most = value;
        return 0;
    case HF_TCP_FASTOPEN_PAUSE:
        if (value > 86400)
            return -HF_EINVAL;
        tcp->fastopen.blackhole_s = value;
        tcp->fastopen.pauses = 0;
        return 0;
    case HF_TCP_SLOW_START_AFTER_IDLE:
        return set_switch(&tcp->slow_start_after_idle, value);
    case HF_TCP_UNSENT_DEFAULT:
        tcp->notsent_lowat = value;
        return 0;
    case HF_TCP_MIN_TSO_SEGS:
        if (value < 1 || value > UINT16_MAX)
            return -HF_EINVAL;
        tcp->min_tso_segs = (uint16_t)value;
        return 0;
    }
    return -HF_EINVAL;
}
