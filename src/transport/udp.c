/* UDP: ports without connections. RFC 768, RFC 1122 4.1; where they are silent, Linux's answers.
 *
 * A socket is in the demultiplexer by its local address and port from its first bind, connect or
 * send on; connect() moves it to its four-tuple, so that datagrams of others fall to other sockets
 * or to nobody, and what was queued before stays readable. Here: that life, and where datagrams
 * lead to; what goes out is udp_output.c's, what comes in udp_input.c's. */
#include "transport/udp_internal.h"

#include "handfast/linux.h"
#include "transport/bpf.h"
#include "transport/membership.h"
#include "wire/ip6.h"

#define BUFFER_DEFAULT 212992 /* Linux's net.core.rmem_default */

static bool is_bound(void *ctx, const struct ip_addr *dst, uint16_t port)
{
    struct udp *udp = ctx;
    struct ip_addr any = addr_is4(dst) ? ADDR_ANY4 : ADDR_ANY6;
    struct demux_entry *e = demux_find_bound(&udp->demux, dst, port, &any, 0, 0);

    return e && !e->any_dst;
}

/* ---- the life of a socket ---- */

int udp_init(struct udp *udp, struct core *core, struct net *net, const struct udp_up *up,
             uint16_t port_min, uint16_t port_max)
{
    int err;

    memset(udp, 0, sizeof(*udp));
    udp->core = core;
    udp->net = net;
    udp->up = up;
    udp->rcvbuf_default = udp->sndbuf_default = BUFFER_DEFAULT;
    udp->changes = 1;
    err = demux_init(&udp->demux, core);
    if (err)
        return err;
    err = ports_init(&udp->ports, core, &udp->demux, port_min, port_max, true);
    if (err) {
        demux_fini(&udp->demux);
        return err;
    }
    net->up[IP_PROTO_UDP] = (struct net_up){udp, udp_input, udp_error, is_bound};
    return 0;
}

void udp_fini(struct udp *udp)
{
    udp->net->up[IP_PROTO_UDP] = (struct net_up){0};
    ports_fini(&udp->ports);
    demux_fini(&udp->demux);
}

void udp_pcb_init(struct udp *udp, struct udp_pcb *up, bool is_v6, bool v6only)
{
    memset(up, 0, sizeof(*up));
    up->udp = udp;
    up->rcvbuf = udp->rcvbuf_default;
    up->sndbuf = udp->sndbuf_default;
    up->pcb.entry.is_v6 = is_v6;
    up->pcb.entry.v6only = v6only;
    up->pcb.entry.laddr = up->pcb.entry.raddr = pcb_any(&up->pcb);
    up->pcb.pmtudisc4 = up->pcb.pmtudisc6 = HF_IP_PMTUDISC_WANT;
    up->mcast4 = up->mcast6 = (struct udp_multicast){.ttl = 1, .loops = 1};
    up->mcast_all6 = 1;
    up->mcast_all = !is_v6; /* Linux: an IPv6 socket begins with its own family's alone */
    udp->core->stats.udp_sockets++;
}

static void release_port(struct udp_pcb *up)
{
    struct demux_entry *e = &up->pcb.entry;

    if (e->port_hold != PORT_NONE)
        ports_release(&up->udp->ports, e);
    e->lport = 0;
}

static void leave(struct udp_pcb *up)
{
    up->udp->changes += up->pcb.entry.kind == DEMUX_CONN;
    demux_remove(&up->udp->demux, &up->pcb.entry);
}

void udp_close(struct udp_pcb *up)
{
    leave(up);
    release_port(up);
    path_put(up->pcb.path);
    up->pcb.path = NULL;
    membership_leave_all(up);
    bpf_free(up->udp->core, up->filter);
    err_queue_purge(up->udp->core, &up->pcb);
    while (up->first)
        udp_pop(up);
    up->udp->core->stats.udp_sockets--;
}

/* Holds laddr:port and enters the demultiplexer, where a socket that receives everything already
 * is. */
static int take_port(struct udp_pcb *up, struct ip_addr laddr, uint16_t port)
{
    struct demux_entry *e = &up->pcb.entry;
    bool was_in = e->kind != DEMUX_NONE;
    int err;

    leave(up);
    err = ports_bind(&up->udp->ports, &up->pcb, &laddr, port);
    if (!err || was_in)
        demux_insert_bound(&up->udp->demux, e);
    return err;
}

int udp_bind(struct udp_pcb *up, const struct ip_addr *laddr, uint16_t port)
{
    int err = take_port(up, *laddr, port);

    if (err)
        return err;
    up->pcb.addr_bound = !addr_is_any(laddr);
    up->pcb.port_bound = port != 0;
    return 0;
}

/* A first send or connect needs a port. Linux: any free one, EAGAIN when there is none (C05).
 * NetSem send_14. */
int udp_autobind(struct udp_pcb *up)
{
    int err;

    if (up->pcb.entry.port_hold != PORT_NONE)
        return 0;
    err = take_port(up, up->pcb.entry.laddr, 0);
    return err == -HF_EADDRINUSE ? -HF_EAGAIN : err == -HF_ENOMEM ? -HF_ENOBUFS : err;
}

/* ---- where to ---- */

/* Linux: the unspecified address means this host: over IPv4 the very address that is bound, else
 * loopback, which for :: is IPv4's where the local address is. */
struct ip_addr udp_destination(const struct udp_pcb *up, const struct ip_addr *dst,
                               const struct udp_how *how)
{
    bool is_named = how && addr_is4(dst) && (how->is_unbound || !addr_is_any(&how->src));
    const struct ip_addr *laddr = is_named ? &how->src : &up->pcb.entry.laddr;
    bool is_source =
        !addr_is_any(laddr) && !addr_is_multicast(laddr) && !net_is_broadcast(up->udp->net, laddr);

    if (!addr_is_any(dst))
        return *dst;
    if (addr_is4(dst))
        return addr_is4(laddr) && is_source ? *laddr : ADDR_LOOPBACK4;
    return addr_is4(laddr) ? ADDR_LOOPBACK4 : ADDR_LOOPBACK6;
}

static bool is_group(const struct udp_pcb *up, const struct ip_addr *addr)
{
    return addr_is_multicast(addr) || net_is_broadcast(up->udp->net, addr);
}

/* The source to ask a path for: src when the caller names one, else what the socket has. A group it
 * is bound to is no source. */
static int source(const struct udp_pcb *up, bool is4, const struct udp_how *how,
                  struct ip_addr *out)
{
    bool is_named = !addr_is_any(&how->src);
    struct ip_addr local = is_named || how->is_unbound ? how->src : up->pcb.entry.laddr;

    *out = is4 ? ADDR_ANY4 : ADDR_ANY6;
    if (is4 && up->pcb.entry.v6only)
        return -HF_ENETUNREACH;
    if (is4 && !is_named && !how->is_unbound && (!addr_is4(&local) || is_group(up, &local)) &&
        up->pcb.path && addr_is4(&up->pcb.path->src))
        local = up->pcb.path->src; /* Linux: inet_saddr, of the connect */
    if (addr_is_any(&local) || is_group(up, &local))
        return 0;
    if (addr_is4(&local) == is4)
        *out = local;
    else if (is4 && is_named)
        return -HF_ENETUNREACH;
    return 0;
}

int udp_find_way(const struct udp_pcb *up, const struct endpoint *to, const struct udp_how *how,
                 struct path **path)
{
    static const struct udp_how plain;
    const struct ip_addr *laddr = &up->pcb.entry.laddr;
    bool is4 = addr_is4(&to->addr), is_source4;
    struct path_query q = {.dst = to->addr, .port = to->port, .proto = IP_PROTO_UDP};
    int err;

    how = how ? how : &plain;
    q.link_index = how->link_index      ? how->link_index
                   : up->pcb.link_index ? up->pcb.link_index
                                        : to->scope;
    if (!q.link_index && !is4)
        q.link_index = up->sticky_link6;
    if (!q.link_index && addr_is_multicast(&to->addr))
        q.link_index = (is4 ? &up->mcast4 : &up->mcast6)->link;
    err = source(up, is4, how, &q.src);
    if (err)
        return err;
    if (is4 && addr_is_any(&q.src) && addr_is_multicast(&to->addr))
        q.src = addr_from4(up->mcast4.source4);
    if (is4 && !addr_is_any(&q.src) && !up->pcb.entry.transparent &&
        !net_is_local(up->udp->net, &q.src))
        return -HF_ENETUNREACH;
    err = path_find(up->udp->net, &q, path);
    is_source4 = addr_is4(addr_is_any(&how->src) ? laddr : &how->src);
    if (err || is4 || !addr_is_any(&q.src) || !is_source4)
        return err;
    path_put(*path); /* Linux: ip6_dst_lookup_tail asks for the way first */
    return -HF_EAFNOSUPPORT;
}

/* Enters by what the entry now says. A peer without a port is no four-tuple: such a socket stays
 * where it is bound, and udp_input looks at the sender's address. */
static void enter(struct udp_pcb *up)
{
    struct demux_entry *e = &up->pcb.entry;

    if (up->is_connected && e->rport) {
        up->udp->changes++;
        demux_insert_conn(&up->udp->demux, e);
    } else {
        demux_insert_bound(&up->udp->demux, e);
    }
}

/* The way to where the socket is connected to leads to `to` as well, another port there: it is what
 * udp_find_way would find again. */
static bool leads_there(const struct udp_pcb *up, const struct endpoint *to)
{
    const struct path *path = up->pcb.path;

    return path && !path_is_stale(path) && !path->unless_bound && !to->scope && !up->sticky_link6 &&
           addr_eq(&to->addr, &path->dst) && !path->is_multicast &&
           addr_eq(&path->asked_src, &up->pcb.entry.laddr) && !addr_is_any(&path->asked_src) &&
           path->asked_link == up->pcb.link_index;
}

/* C04, C05; NetSem connect_7, connect_8, connect_9. */
int udp_connect(struct udp_pcb *up, const struct endpoint *dst)
{
    struct endpoint to = *dst;
    struct demux_entry *e = &up->pcb.entry;
    struct path *path = NULL;
    int err = udp_autobind(up);

    if (err)
        return err;
    if (to.scope) /* Linux: it stays, whatever comes of the connect */
        up->pcb.link_index = to.scope;
    to.addr = udp_destination(up, &dst->addr, NULL);
    if (leads_there(up, &to))
        path = path_ref(up->pcb.path);
    else
        err = udp_find_way(up, &to, NULL, &path);
    if (err)
        return err;
    if (path->is_broadcast && !up->pcb.broadcast) {
        path_put(path);
        return -HF_EACCES;
    }
    leave(up);
    /* Linux: an IPv6 socket that was bound by a connect over IPv6 keeps that address when it goes
     * over to IPv4: it can send then, and hears nothing. */
    if (addr_is_any(&e->laddr))
        e->laddr = path->src;
    e->raddr = to.addr;
    e->rport = to.port;
    up->is_connected = 1;
    path_put(up->pcb.path);
    up->pcb.path = path;
    ports_changed(&up->udp->ports, &up->pcb);
    enter(up);
    return 0;
}

/* C07, C09; NetSem disconnect_1, disconnect_2, disconnect_3. Linux lets go of the
 * disconnect_3. */
void udp_disconnect(struct udp_pcb *up)
{
    struct demux_entry *e = &up->pcb.entry;

    up->pcb.link_index = 0;
    if (!up->is_connected && up->pcb.port_bound) {
        ports_changed(&up->udp->ports, &up->pcb);
        return; /* its place among those that share the port stays */
    }
    leave(up);
    path_put(up->pcb.path);
    up->pcb.path = NULL;
    up->is_connected = 0;
    if (!up->pcb.port_bound)
        release_port(up);
    if (!up->pcb.addr_bound)
        e->laddr = pcb_any(&up->pcb);
    e->raddr = pcb_any(&up->pcb);
    e->rport = 0;
    ports_changed(&up->udp->ports, &up->pcb);
    if (e->lport || e->any_dst)
        enter(up);
}
