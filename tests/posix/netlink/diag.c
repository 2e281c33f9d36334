/* NETLINK_SOCK_DIAG: what `ss` asks about TCP and UDP. */
#include "talk.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

/* The socket with these ports, as far as it is among those in the states asked for. */
static bool find(int f, int protocol, unsigned states, int sport, int dport,
                 struct inet_diag_msg *out)
{
    struct inet_diag_req_v2 q = {.sdiag_family = (unsigned char)f,
                                 .sdiag_protocol = (unsigned char)protocol,
                                 .idiag_states = states};
    static struct talk t;
    struct nlmsghdr *h;
    bool is_found = false;
    int fd = nl_socket(f, NETLINK_SOCK_DIAG);
    MUST(ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    for (listen_to(&t, fd); (h = hear(&t));) {
        struct inet_diag_msg *m = NLMSG_DATA(h);
        if (ntohs(m->id.idiag_sport) == sport && ntohs(m->id.idiag_dport) == dport) {
            *out = *m;
            is_found = true;
        }
    }
    close(fd);
    return is_found && t.done == 0;
}

static void streams(int f)
{
    struct inet_diag_msg m = {0};
    struct addr at;
    int l = listener(f, 5, &at), c = tcp(f), s;
    MUST(connect_to(c, at));
    s = MUST(accept(l, NULL, NULL));
    int port = port_of(at), from = port_of(name_of(c));
    OK(find(f, IPPROTO_TCP, ~0u, port, 0, &m), nm(f, "the listener"));
    EQ(m.idiag_state, TCP_LISTEN, nm(f, "the listener, state"));
    EQ(m.idiag_family, f, nm(f, "the listener, family"));
    EQ(m.idiag_rqueue, 0, nm(f, "the listener, nobody waits"));
    EQ(m.idiag_wqueue, 5, nm(f, "the listener, so many may"));
    OK(memcmp(m.id.idiag_src, loopback_bytes(f), (size_t)addr_bytes(f)) == 0,
       nm(f, "the listener, address"));
    OK(find(f, IPPROTO_TCP, ~0u, from, port, &m), nm(f, "the client"));
    EQ(m.idiag_state, TCP_ESTABLISHED, nm(f, "the client, state"));
    OK(memcmp(m.id.idiag_dst, loopback_bytes(f), (size_t)addr_bytes(f)) == 0,
       nm(f, "the client, its peer's address"));
    MUST(send(c, "hello", 5, 0));
    MUST(await(s, POLLIN | POLLOUT));
    OK(find(f, IPPROTO_TCP, ~0u, port, from, &m), nm(f, "the server"));
    OK(!find(f, IPPROTO_TCP, 1u << TCP_ESTABLISHED, port, 0, &m),
       nm(f, "no listener unless asked"));
    OK(find(f, IPPROTO_TCP, 1u << TCP_ESTABLISHED, port, from, &m), nm(f, "but the server"));
    OK(!find(f, IPPROTO_TCP, 1u << TCP_LISTEN, port, from, &m), nm(f, "no server unless asked"));
}

static void datagrams(int f)
{
    struct inet_diag_msg m = {0};
    struct addr at;
    int fd = bound(f, SOCK_DGRAM, &at), c = udp(f);
    OK(find(f, IPPROTO_UDP, ~0u, port_of(at), 0, &m), nm(f, "a bound datagram socket"));
    EQ(m.idiag_state, TCP_CLOSE, nm(f, "bound, state"));
    MUST(connect_to(c, at));
    OK(find(f, IPPROTO_UDP, ~0u, port_of(name_of(c)), port_of(at), &m), nm(f, "a connected one"));
    EQ(m.idiag_state, TCP_ESTABLISHED, nm(f, "connected, state"));
    (void)fd;
}

static void refused(int f)
{
    struct inet_diag_req_v2 q = {.sdiag_family = (unsigned char)f, .sdiag_protocol = 250};
    static struct talk t;
    int fd = nl_socket(f, NETLINK_SOCK_DIAG);
    MUST(ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    OK(!hear(&t), nm(f, "protocol 250, none"));
    EQ(t.done, -ENOENT, nm(f, "protocol 250"));
    MUST(ask(fd, 99, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    OK(!hear(&t), nm(f, "type 99, none"));
    EQ(t.done, -EINVAL, nm(f, "type 99"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(streams), CASE(datagrams), CASE(refused)};
    return run_cases(cases, COUNT(cases));
}
