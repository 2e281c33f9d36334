/* What 0.0.0.0 and :: mean as destinations, by the address that is bound. The rows were read off
 * Linux 6.18; tests/posix/connect/unspecified.c asks it again for those with loopback addresses. */
#include "world.h"

static const struct row {
    const char *bound, *dst;
    int result;
    const char *from, *peer;
} rows[] = {
    {NULL, "::", 0, "::1", "::1"},
    {"::", "::", 0, "::1", "::1"},
    {"::", "::ffff:0.0.0.0", 0, "::ffff:127.0.0.1", "::ffff:127.0.0.1"},
    {"::1", "::", 0, "::1", "::1"},
    {"::1", "::ffff:0.0.0.0", -HF_ENETUNREACH, NULL, NULL},
    {"fd00:5::1", "::", 0, "fd00:5::1", "::1"},
    {"fd00:5::1", "::1", 0, "fd00:5::1", "::1"},
    {"fd00:5::1", "::ffff:10.5.0.1", -HF_ENETUNREACH, NULL, NULL},
    {"::ffff:127.4.4.4", "::", 0, "::ffff:127.4.4.4", "::ffff:127.0.0.1"},
    {"::ffff:127.4.4.4", "::1", -HF_EAFNOSUPPORT, NULL, NULL},
    {"::ffff:127.4.4.4", "::ffff:0.0.0.0", 0, "::ffff:127.4.4.4", "::ffff:127.4.4.4"},
    {"::ffff:10.5.0.1", "::", 0, "::ffff:10.5.0.1", "::ffff:127.0.0.1"},
    {"::ffff:10.5.0.1", "::ffff:0.0.0.0", 0, "::ffff:10.5.0.1", "::ffff:10.5.0.1"},
    {"::ffff:0.0.0.0", "::", 0, "::ffff:127.0.0.1", "::ffff:127.0.0.1"},
    {"::ffff:0.0.0.0", "::1", -HF_EAFNOSUPPORT, NULL, NULL},
    {"::ffff:0.0.0.0", "::ffff:10.5.0.1", 0, "::ffff:10.5.0.1", "::ffff:10.5.0.1"},
    {NULL, "0.0.0.0", 0, "127.0.0.1", "127.0.0.1"},
    {"0.0.0.0", "0.0.0.0", 0, "127.0.0.1", "127.0.0.1"},
    {"127.4.4.4", "0.0.0.0", 0, "127.4.4.4", "127.4.4.4"},
    {"10.5.0.1", "0.0.0.0", 0, "10.5.0.1", "10.5.0.1"},
};

static void is_named(struct hf_sock *sk, const struct row *r)
{
    struct name from = {.len = sizeof(from.u)}, peer = {.len = sizeof(peer.u)};
    struct name want_from = name_at(r->from, 0), want_peer = name_at(r->peer, 4242);
    int err = hf_sock_getsockname(sk, &from.u, &from.len);

    err |= hf_sock_getpeername(sk, &peer.u, &peer.len);
    want_from.u.in.sin_port = from.u.in.sin_port;
    OK(!err && from.len == want_from.len && !memcmp(&from.u, &want_from.u, from.len), r->from);
    OK(peer.len == want_peer.len && !memcmp(&peer.u, &want_peer.u, peer.len), r->peer);
}

static void dial(const struct row *r, int type)
{
    int family = strchr(r->dst, ':') ? AF_INET6 : AF_INET;
    int want = r->result || type == SOCK_DGRAM ? r->result : -HF_EINPROGRESS;
    struct hf_sock *sk, *listener;
    struct hf_route own6 = {.prefix = "fd00:5::1/128", .kind = HF_ROUTE_LOCAL};
    struct hf_route own4 = {.prefix = "10.5.0.1/32", .kind = HF_ROUTE_LOCAL};
    struct world w;
    char name[100];

    world_init(&w);
    if (hf_route_add(w.st, &own6) || hf_route_add(w.st, &own4))
        abort();
    listener = sock_at(&w, AF_INET6, type, "::", 4242);
    if (type == SOCK_STREAM && hf_sock_listen(listener, 1))
        abort();
    sk = sock_at(&w, family, type, r->bound, 0);
    snprintf(name, sizeof(name), "%s from %s to %s", type == SOCK_STREAM ? "a stream" : "datagrams",
             r->bound ? r->bound : "nowhere", r->dst);
    EQ(sock_dial(sk, r->dst, 4242), want, name);
    run(&w, HF_MS);
    if (!r->result) {
        EQ(hf_sock_connect_result(sk), 0, "it connects");
        is_named(sk, r);
    }
    world_fini(&w);
}

int main(void)
{
    tap_begin(30);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        dial(&rows[i], SOCK_STREAM);
        dial(&rows[i], SOCK_DGRAM);
    }
    return tap_end();
}
