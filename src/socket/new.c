/* socket(), and the making and end of all sockets of a stack. NetSem socket_1, resourcefail_1. */
#include "socket/cork.h"
#include "socket/kernel.h"

/* Of a socket that is no stream, what stands before its control block. */
#define OTHER_BYTES ((uint32_t)(sizeof(struct list) + sizeof(struct hf_sock)))

int sockets_init(struct sockets *all, const struct hf_stack_config *config)
{
    const struct hf_env *env = &all->core.env;
    uint16_t min = config->port_min ? config->port_min : 32768;
    uint16_t max = config->port_max ? config->port_max : 60999;
    int err;

    list_init(&all->others);
    all->event = config->event;
    all->wanted = config->wanted;
    all->event_ctx = config->event_ctx;
    all->unprivileged_port_start = config->unprivileged_port_start;
    err = hash_init(&all->fastopen, env);
    if (err)
        return err;
    err = net_init(&all->net, &all->core);
    if (err)
        goto no_net;
    err = tcp_init(&all->tcp, &all->core, &all->net, &sock_tcp_up, min, max);
    if (err)
        goto no_tcp;
    if (config->syn_ms)
        all->tcp.syn_ms = config->syn_ms;
    err = udp_init(&all->udp, &all->core, &all->net, sock_udp_up(all), min, max);
    if (err)
        goto no_udp;
    err = unix_init(&all->un, &all->core, config->unix_host, &sock_unix_up);
    if (err)
        goto no_unix;
    err = netlink_init(&all->nl, &all->core, &all->net, &all->tcp, &all->udp, &sock_netlink_up);
    if (err)
        goto no_netlink;
    pool_init(&all->streams, env, (uint32_t)(sizeof(struct hf_sock) + tcb_bytes));
    pool_init(&all->datagrams, env, OTHER_BYTES + sizeof(struct udp_pcb));
    pool_init(&all->locals, env, OTHER_BYTES + sizeof(struct unix_pcb));
    pool_init(&all->kernels, env, OTHER_BYTES + sizeof(struct netlink_pcb));
    return 0;
no_netlink:
    unix_fini(&all->un);
no_unix:
    udp_fini(&all->udp);
no_udp:
    tcp_fini(&all->tcp);
no_tcp:
    net_fini(&all->net);
no_net:
    hash_fini(&all->fastopen);
    return err;
}

/* A listener's end is that of the children nobody accepted, so listeners come first. */
static void abort_listener(void *ctx, void *object)
{
    struct hf_sock *sk = object;

    sk->is_closed = 1;
    if (tcp_state(sock_tcb(sk)) == TCP_LISTEN)
        tcp_close(sock_tcb(sk), true);
}

/* One that was closed before and lives on in TCP, too. */
static void abort_stream(void *ctx, void *object)
{
    tcp_close(sock_tcb(object), true);
}

void sockets_fini(struct sockets *all)
{
    /* Closing one may free others, so the first is taken each time. */
    while (!list_empty(&all->others)) {
        struct list *link = all->others.next;
        struct hf_sock *sk = (struct hf_sock *)(void *)(link + 1);

        sk->is_closed = 1;
        list_remove(link);
        if (sk->is_unix) {
            unix_close(sock_unix(sk));
        } else if (sk->is_netlink) {
            netlink_close(sock_netlink(sk));
            pool_put(&all->kernels, link);
        } else {
            cork_drop(sk);
            udp_close(sock_udp(sk));
            pool_put(&all->datagrams, link);
        }
    }
    pool_visit(&all->streams, abort_listener, NULL);
    pool_visit(&all->streams, abort_stream, NULL);
    netlink_fini(&all->nl);
    unix_fini(&all->un);
    udp_fini(&all->udp);
    tcp_fini(&all->tcp);
    net_fini(&all->net);
    hash_fini(&all->fastopen);
    pool_fini(&all->kernels);
    pool_fini(&all->locals);
    pool_fini(&all->streams);
    pool_fini(&all->datagrams);
}

/* Linux: unix_create. */
static int check_unix(int type, int protocol)
{
    if (protocol && protocol != HF_AF_UNIX)
        return -HF_EPROTONOSUPPORT;
    return type == HF_SOCK_STREAM || type == HF_SOCK_DGRAM || type == HF_SOCK_RAW ||
                   type == HF_SOCK_SEQPACKET
               ? 0
               : -HF_ESOCKTNOSUPPORT;
}

/* Linux: inet_create. */
static int check(const struct sockets *all, int domain, int type, int protocol)
{
    if (domain < 0 || domain >= HF_AF_MAX)
        return -HF_EAFNOSUPPORT;
    if (type < 0 || type > 10)
        return -HF_EINVAL;
    if (domain == HF_AF_UNIX)
        return check_unix(type, protocol);
    if (domain == HF_AF_NETLINK)
        return kernel_check(type, protocol);
    if (domain != HF_AF_INET && domain != HF_AF_INET6)
        return -HF_EAFNOSUPPORT;
    if (protocol < 0 || protocol >= 263)
        return -HF_EINVAL;
    if (type == HF_SOCK_STREAM)
        return protocol == 0 || protocol == HF_IPPROTO_TCP ? 0 : -HF_EPROTONOSUPPORT;
    if (type == HF_SOCK_DGRAM) {
        if (protocol == HF_IPPROTO_ICMP || protocol == HF_IPPROTO_ICMPV6)
            return -HF_EACCES; /* as where ping_group_range is empty */
        return protocol == 0 || protocol == HF_IPPROTO_UDP ? 0 : -HF_EPROTONOSUPPORT;
    }
    if (type == HF_SOCK_RAW)
        return protocol == 0          ? -HF_EPROTONOSUPPORT
               : all->core.privileged ? -HF_EPROTONOSUPPORT
                                      : -HF_EPERM;
    return -HF_ESOCKTNOSUPPORT;
}

/* opt: its first options; NULL: as they are at first. */
static void begin(struct sockets *all, struct hf_sock *sk, const struct sock_options *opt)
{
    memset(sk, 0, sizeof(*sk));
    sk->all = all;
    if (opt)
        sk->opt = *opt;
    else
        sock_options_init(&sk->opt);
    all->core.stats.sockets++;
}

static struct hf_sock *other_new(struct sockets *all, struct pool *pool)
{
    struct list *link = pool_get(pool);

    if (!link)
        return NULL;
    list_push_back(&all->others, link);
    return (struct hf_sock *)(void *)(link + 1);
}

struct hf_sock *sock_make_unix(struct sockets *all, int type)
{
    struct hf_sock *sk = other_new(all, &all->locals);

    if (!sk)
        return NULL;
    begin(all, sk, NULL);
    sk->is_unix = 1;
    unix_pcb_init(&all->un, sock_unix(sk), type == HF_SOCK_RAW ? HF_SOCK_DGRAM : type);
    return sk;
}

static struct hf_sock *make_kernel(struct sockets *all, int type, int protocol)
{
    struct hf_sock *sk = other_new(all, &all->kernels);

    if (!sk)
        return NULL;
    begin(all, sk, NULL);
    sk->is_netlink = 1;
    netlink_pcb_init(&all->nl, sock_netlink(sk), type, protocol);
    return sk;
}

static struct hf_sock *make(struct sockets *all, bool is_stream, bool is_v6,
                            const struct sock_options *opt)
{
    struct hf_sock *sk = is_stream ? pool_get(&all->streams) : other_new(all, &all->datagrams);

    if (!sk)
        return NULL;
    begin(all, sk, opt);
    sk->is_stream = is_stream;
    if (is_stream)
        tcb_init(&all->tcp, sock_tcb(sk), is_v6, false);
    else
        udp_pcb_init(&all->udp, sock_udp(sk), is_v6, false);
    if (is_v6 &&
        !opt) /* Linux: of both IP_MULTICAST_ALL, an IPv6 socket begins with its own alone */
        sk->opt.inert &= ~(uint32_t)INERT_MULTICAST_ALL;
    return sk;
}

int sock_new(struct sockets *all, int domain, int type, int protocol, struct hf_sock **out)
{
    int err = check(all, domain, type, protocol);

    if (err)
        return err;
    if (domain == HF_AF_UNIX) {
        *out = sock_make_unix(all, type);
        return *out ? 0 : -HF_ENOMEM;
    }
    if (domain == HF_AF_NETLINK) {
        *out = make_kernel(all, type, protocol);
        return *out ? 0 : -HF_ENOMEM;
    }
    *out = make(all, type == HF_SOCK_STREAM, domain == HF_AF_INET6, NULL);
    return *out ? 0 : -HF_ENOBUFS;
}

int hf_sock_pair(struct hf_stack *st, int type, int protocol, struct hf_sock *out[2])
{
    int err = hf_sock_new(st, HF_AF_UNIX, type, protocol, &out[0]);

    if (err)
        return err;
    err = hf_sock_new(st, HF_AF_UNIX, type, protocol, &out[1]);
    if (err) {
        hf_sock_close(out[0]);
        return err;
    }
    unix_join(sock_unix(out[0]), sock_unix(out[1]));
    return 0;
}

static struct tcb *child_new(struct tcb *listener)
{
    struct hf_sock *parent = sock_of_block(listener);
    struct hf_sock *sk = make(parent->all, true, pcb_is_v6(tcb_pcb(listener)), &parent->opt);

    if (!sk)
        return NULL;
    sk->opt.has_fastopen = 0;
    sk->opt.priority = 0;
    sk->state = SOCK_CONNECTED;
    sk->shut = parent->shut; /* Linux: what was shut before listen() is so in children, too */
    tcb_pcb(sock_tcb(sk))->entry.v6only = tcb_pcb(listener)->entry.v6only;
    return sock_tcb(sk);
}

static void released(struct tcb *tcb)
{
    struct hf_sock *sk = sock_of_block(tcb);

    sk->all->core.stats.sockets--;
    sock_fastopen_drop(sk);
    pool_put(&sk->all->streams, sk);
}

void sock_event(struct hf_sock *sk)
{
    if (!sk->is_closed && sk->all->event)
        sk->all->event(sk->all->event_ctx, sk, sk->user);
}

static void tcp_event(struct tcb *tcb)
{
    sock_event(sock_of_block(tcb));
}

static void udp_event(struct udp_pcb *up)
{
    sock_event(sock_of_block(up));
}

static struct tcp_fastopen_queue *fastopen_queue(struct tcb *listener)
{
    return sock_fastopen(sock_of_block(listener));
}

static bool is_wanted(struct hf_sock *sk)
{
    return !sk->all->wanted || sk->all->wanted(sk->all->event_ctx, sk, sk->user);
}

static bool tcp_wanted(struct tcb *tcb)
{
    return is_wanted(sock_of_block(tcb));
}

static bool udp_wanted(struct udp_pcb *up)
{
    return is_wanted(sock_of_block(up));
}

const struct tcp_up sock_tcp_up = {child_new, tcp_event, released, fastopen_queue, tcp_wanted};
static const struct udp_up udp_up_asked = {udp_event, udp_wanted}, udp_up = {udp_event, NULL};

const struct udp_up *sock_udp_up(const struct sockets *all)
{
    return all->wanted ? &udp_up_asked : &udp_up;
}

void hf_sock_set_user(struct hf_sock *sk, void *user)
{
    sk->user = user;
}

void *hf_sock_user(const struct hf_sock *sk)
{
    return sk->user;
}

int sock_take_error(struct hf_sock *sk)
{
    struct pcb *pcb = sock_pcb(sk);
    int err;

    if (sk->is_unix)
        return unix_take_error(sock_unix(sk));
    if (sk->is_netlink) {
        err = sock_netlink(sk)->err;
        sock_netlink(sk)->err = 0;
        return -err;
    }
    err = pcb->err;
    pcb->err = 0;
    return -err;
}
