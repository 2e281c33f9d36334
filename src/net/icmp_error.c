/* ICMP errors that this host sends: when it may, what they look like. RFC 792, RFC 1122 3.2.2, RFC
 * 4443 2.4, 3. */
#include "wire/icmp.h"

#include "base/siphash.h"
#include "net/address.h"
#include "net/handover.h"
#include "net/icmp.h"
#include "net/ip_output.h"
#include "wire/checksum.h"
#include "wire/frame_csum.h"
#include "wire/ip6.h"

#define RATE       1000u /* errors per second, Linux's icmp_msgs_per_sec */
#define BURST      1000u /* and at once: a gateway's refusals come in bunches */
#define PERIOD     HF_S  /* Linux's icmp_ratelimit, and XRLIM_BURST_FACTOR */
#define HOST_BURST 6
#define CREDITS    256u
#define QUOTE4     (576 - 20 - 8)  /* RFC 1812 4.3.2.3 */
#define QUOTE6     (1280 - 40 - 8) /* RFC 4443 2.4 (c) */

#define TOS_KEPT             0x1e /* of the packet's own; Linux: RT_TOS */
#define TOS_INTERNET_CONTROL 0xc0

struct message {
    uint8_t type, code;
};

/* What stands for a kind: IPv4, IPv6. Those that need more than a code are sent by number. */
static const struct message messages[][2] = {
    [ICMP_ERR_NET_UNREACH] = {{ICMP4_UNREACHABLE, ICMP4_UNREACH_NET},
                              {ICMP6_UNREACHABLE, ICMP6_UNREACH_ROUTE}},
    [ICMP_ERR_HOST_UNREACH] = {{ICMP4_UNREACHABLE, ICMP4_UNREACH_HOST},
                               {ICMP6_UNREACHABLE, ICMP6_UNREACH_ADDRESS}},
    [ICMP_ERR_PROTO_UNREACH] = {{ICMP4_UNREACHABLE, ICMP4_UNREACH_PROTO},
                                {ICMP6_PARAMETER, ICMP6_PARAMETER_NEXT_HEADER}},
    [ICMP_ERR_PORT_UNREACH] = {{ICMP4_UNREACHABLE, ICMP4_UNREACH_PORT},
                               {ICMP6_UNREACHABLE, ICMP6_UNREACH_PORT}},
    [ICMP_ERR_PROHIBITED] = {{ICMP4_UNREACHABLE, ICMP4_UNREACH_FILTERED},
                             {ICMP6_UNREACHABLE, ICMP6_UNREACH_PROHIBITED}},
    [ICMP_ERR_TOO_BIG] = {{ICMP4_UNREACHABLE, ICMP4_UNREACH_TOO_BIG}, {ICMP6_TOO_BIG, 0}},
    [ICMP_ERR_TIME_EXCEEDED] = {{ICMP4_TIME_EXCEEDED, 0}, {ICMP6_TIME_EXCEEDED, 0}},
    [ICMP_ERR_PARAMETER] = {{ICMP4_PARAMETER, 0}, {ICMP6_PARAMETER, ICMP6_PARAMETER_FIELD}},
    [ICMP_ERR_QUENCH] = {{ICMP4_QUENCH, 0}, {ICMP6_PARAMETER, ICMP6_PARAMETER_FIELD}},
};

/* What may be sent to one host, in time: each error costs PERIOD. Hosts share a place by chance, so
 * that the table does not grow. */
struct icmp_credit {
    hf_time at, left;
};

/* Linux: inet_peer_xrlim_allow. A gateway's errors answer one host's connects, all of them. */
static bool host_allows(struct net *net, const struct ip_addr *to)
{
    const struct hf_env *env = &net->core->env;
    struct icmp_credit *c;

    if (net->core->privileged)
        return true;
    if (!net->icmp_credits) {
        net->icmp_credits = env->alloc(env->ctx, CREDITS * sizeof(*c));
        if (!net->icmp_credits)
            return false;
        for (uint32_t i = 0; i < CREDITS; i++)
            net->icmp_credits[i] = (struct icmp_credit){net->core->now, HOST_BURST * PERIOD};
    }
    c = &net->icmp_credits[siphash(net->core->key, to, sizeof(*to)) % CREDITS];
    c->left = HF_MIN(c->left + (net->core->now - c->at), HOST_BURST * PERIOD);
    c->at = net->core->now;
    if (c->left < PERIOD)
        return false;
    c->left -= PERIOD;
    return true;
}

void icmp_fini(struct net *net)
{
    const struct hf_env *env = &net->core->env;

    if (net->icmp_credits)
        env->free(env->ctx, net->icmp_credits, CREDITS * sizeof(*net->icmp_credits));
    net->icmp_credits = NULL;
}

/* A token bucket over all errors. Those to ourselves are free, as on Linux, and those that path MTU
 * discovery needs are not counted by host. */
static bool rate_allows(struct net *net)
{
    hf_time elapsed = net->core->now - net->icmp_tokens_at;
    uint64_t earned = (uint64_t)(elapsed / (HF_S / RATE));

    if (earned) {
        net->icmp_tokens = (uint32_t)HF_MIN(net->icmp_tokens + earned, BURST);
        net->icmp_tokens_at = net->core->now;
    }
    if (!net->icmp_tokens)
        return false;
    net->icmp_tokens--;
    return true;
}

static bool is_too_big(struct message m, bool is4)
{
    return is4 ? m.type == ICMP4_UNREACHABLE && m.code == ICMP4_UNREACH_TOO_BIG
               : m.type == ICMP6_TOO_BIG;
}

/* Sends the message about a packet from `to` to `about`, quoting what f holds. Takes f. */
static void send_quote(struct net *net, struct message m, uint32_t info, const struct ip_addr *to,
                       const struct ip_addr *about, uint32_t link_index, struct hf_frame *f)
{
    bool is4 = addr_is4(to), is_ours = net_is_local(net, about);
    struct icmp_header h = {.type = m.type, .code = m.code, .info = info};
    struct path_query q = {.dst = *to, .src = is_ours ? *about : is4 ? ADDR_ANY4 : ADDR_ANY6};
    struct ip_out out = {.dst = *to, .proto = is4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6};
    uint8_t *at;

    if (is4) { /* RFC 1812 4.3.2.5 */
        hf_frame_read(f, 1, &out.tos, 1);
        out.tos = (out.tos & TOS_KEPT) | TOS_INTERNET_CONTROL;
    }
    at = hf_frame_push(f, ICMP_HEADER);

    q.proto = out.proto;
    if (addr_is_link_local6(to))
        q.link_index = link_index;
    if (path_find(net, &q, &out.path)) {
        core_drop(net->core, HF_DROP_IP_NO_ROUTE, f);
        return;
    }
    if (out.path->link != net->lo &&
        (!rate_allows(net) || (!is_too_big(m, is4) && !host_allows(net, to)))) {
        core_drop(net->core, HF_DROP_ICMP_RATE, f);
        path_put(out.path);
        return;
    }
    out.src = out.path->src;
    icmp_header_write(&h, at);
    if (is4)
        put16(at + 2, csum_finish(csum_frame(0, f, 0)));
    else
        ip_transport_csum(f, &out, 2);
    (void)ip_output(net, f, &out);
    path_put(out.path);
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e.1): the packet was itself an error, or may be one. */
static bool is_about_error(const struct ip_info *ip, const struct hf_frame *f)
{
    uint8_t type;

    if (ip->proto != IP_PROTO_ICMP && ip->proto != IP_PROTO_ICMPV6)
        return false;
    if (!f->len)
        return true;
    hf_frame_read(f, 0, &type, 1);
    return ip->proto == IP_PROTO_ICMP ? icmp4_is_error(type) : icmp6_is_error(type) || type == 137;
}

/* RFC 4443 2.4 (e.3): only these may answer a packet to a group. */
static bool may_answer_group(bool is4, uint8_t type, uint8_t code)
{
    return !is4 &&
           (type == ICMP6_TOO_BIG || (type == ICMP6_PARAMETER && code == ICMP6_PARAMETER_OPTION));
}

static bool may_answer(struct net *net, uint8_t type, uint8_t code, const struct ip_info *ip,
                       const struct hf_frame *f)
{
    bool is_to_group = !ip->dst_is_unicast || f->flags & HF_FRAME_LINK_BCAST;

    if (is_to_group && !may_answer_group(addr_is4(&ip->src), type, code))
        return false;
    if (addr_is_any(&ip->src) || addr_is_multicast(&ip->src) || net_is_broadcast(net, &ip->src))
        return false;
    return !is_about_error(ip, f);
}

void icmp_send_message(struct net *net, uint8_t type, uint8_t code, uint32_t info,
                       const struct ip_info *ip, const struct hf_frame *f)
{
    uint8_t bare[IP6_HEADER];
    const uint8_t *header = f->flags & HF_FRAME_BARE ? bare : f->room + f->net_off;
    uint32_t header_bytes =
        f->flags & HF_FRAME_BARE ? handover_header(f, ip, bare) : (uint32_t)(f->head - header);
    uint32_t most = addr_is4(&ip->src) ? QUOTE4 : QUOTE6, rest;
    struct hf_frame *quote;
    struct hf_page *page;
    bool is_whole;

    if (!may_answer(net, type, code, ip, f))
        return;
    rest = HF_MIN(f->len, most - header_bytes);
    quote = hf_frame_new(net->core->pool);
    page = hf_page_new(net->core->pool, rest + 1);
    is_whole = quote && page && hf_frame_append(quote, header, header_bytes);
    if (is_whole) {
        hf_frame_read(f, 0, page->data, rest);
        is_whole = hf_frame_add(quote, page, 0, rest);
    }
    if (page)
        hf_page_unref(page);
    if (!is_whole) {
        core_drop(net->core, HF_DROP_NO_MEMORY, quote);
        return;
    }
    send_quote(net, (struct message){type, code}, info, &ip->src, &ip->dst, ip->link->index, quote);
}

void icmp_send_error(struct net *net, enum icmp_error_kind kind, const struct ip_info *ip,
                     const struct hf_frame *f)
{
    const struct message *m = &messages[kind][addr_is4(&ip->src) ? 0 : 1];
    uint32_t info = 0;

    if (kind == ICMP_ERR_PROTO_UNREACH && !addr_is4(&ip->src))
        info = 6; /* where the next header stands in a packet without extensions */
    icmp_send_message(net, m->type, m->code, info, ip, f);
}

void icmp_send_error_for(struct net *net, enum icmp_error_kind kind, const struct ip_addr *src,
                         const struct ip_addr *dst, uint8_t proto, const uint8_t *quoted,
                         uint32_t quoted_len)
{
    const struct message *m = &messages[kind][addr_is4(src) ? 0 : 1];
    struct hf_frame *f = hf_frame_new(net->core->pool);
    uint8_t header[IP6_HEADER];
    uint32_t header_bytes = IP6_HEADER;

    if (addr_is4(src)) {
        struct ip4_header h = {.src = *src, .dst = *dst, .proto = proto, .ttl = 64};

        h.total_bytes = (uint16_t)(IP4_HEADER + quoted_len);
        ip4_header_write(&h, header);
        header_bytes = IP4_HEADER;
    } else {
        struct ip6_header h = {.src = *src, .dst = *dst, .next_header = proto, .hop_limit = 64};

        h.payload_bytes = (uint16_t)quoted_len;
        ip6_header_write(&h, header);
    }
    if (!f || !hf_frame_append(f, header, header_bytes) ||
        !hf_frame_append(f, quoted, HF_MIN(quoted_len, QUOTE4 - IP4_HEADER))) {
        core_drop(net->core, HF_DROP_NO_MEMORY, f);
        return;
    }
    send_quote(net, *m, 0, src, dst, 0, f);
}
