/* Where the program's destinations are on the host. Its own loopback is closed to the program but
 * for the resolver, and for 10.0.2.2 and fd00:2::2 where the user has opened them. */
#include <errno.h>

#include "gateway/inside.h"

static bool refuse(struct gateway *g, const char *what, const union address *from,
                   const union address *dst, const char *why)
{
    char a[ADDRESS_TEXT], b[ADDRESS_TEXT];

    gateway_log(g, "%s %s -> %s refused: %s", what, address_text(from, a), address_text(dst, b),
                why);
    return false;
}

static bool is_named(const union address *a, const char *v4, const char *v6)
{
    union address named = address_of(a->sa.sa_family == AF_INET ? v4 : v6, 0);

    return address_same_host(a, &named);
}

static bool is_resolver(const struct gateway *g, const union address *a)
{
    union address resolver;

    for (size_t i = 0; i < g->config.resolver_count; i++) {
        if (address_parse(g->config.resolvers[i], DNS_PORT, &resolver) &&
            address_same_host(a, &resolver))
            return true;
    }
    return false;
}

bool gateway_translate(struct gateway *g, const char *what, const union address *from,
                       const union address *dst, union address *to)
{
    uint16_t port = address_port(dst);

    *to = *dst;
    if (is_named(dst, GATEWAY4, GATEWAY6)) {
        if (!g->config.host_loopback)
            return refuse(g, what, from, dst,
                          "the host's loopback is closed; --host-loopback opens it");
        *to = address_of(dst->sa.sa_family == AF_INET ? "127.0.0.1" : "::1", port);
        return true;
    }
    if (is_named(dst, DNS4, DNS6)) {
        if (port != DNS_PORT)
            return refuse(g, what, from, dst, "nothing but names (port 53) is served there");
        if (g->config.resolver_count == 0 || !address_parse(g->config.resolvers[0], DNS_PORT, to))
            return refuse(g, what, from, dst, "the host has no resolver");
        return true;
    }
    if (address_is_loopback(dst) && !(port == DNS_PORT && is_resolver(g, dst)))
        return refuse(g, what, from, dst,
                      "the host's loopback is reached at 10.0.2.2 and fd00:2::2, with "
                      "--host-loopback");
    return true;
}

enum hf_refusal gateway_refusal(int err)
{
    switch (err) {
    case ENETUNREACH:
    case ENETDOWN:
    case EINVAL: /* a link-local address: which link was meant is not known here */
        return HF_REFUSE_NET;
    case EHOSTUNREACH:
    case EHOSTDOWN:
        return HF_REFUSE_HOST;
    case EACCES:
    case EPERM:
        return HF_REFUSE_PROHIBITED;
    case ETIMEDOUT:
    /* The host ran out of something: the program's next SYN may find it again. */
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case EADDRNOTAVAIL:
        return HF_REFUSE_SILENCE;
    default:
        return HF_REFUSE_RESET;
    }
}
