#include "gateway/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

bool address_parse(const char *text, uint16_t port, union address *out)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM}, *found;

    if (getaddrinfo(text, NULL, &hints, &found) != 0)
        return false;
    memset(out, 0, sizeof(*out));
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    address_set_port(out, port);
    return true;
}

union address address_of(const char *text, uint16_t port)
{
    union address a = {0};

    if (inet_pton(AF_INET, text, &a.in4.sin_addr) == 1) {
        a.in4.sin_family = AF_INET;
    } else {
        inet_pton(AF_INET6, text, &a.in6.sin6_addr);
        a.in6.sin6_family = AF_INET6;
    }
    address_set_port(&a, port);
    return a;
}

socklen_t address_len(const union address *a)
{
    return a->sa.sa_family == AF_INET ? sizeof(a->in4) : sizeof(a->in6);
}

uint16_t address_port(const union address *a)
{
    return ntohs(a->sa.sa_family == AF_INET ? a->in4.sin_port : a->in6.sin6_port);
}

void address_set_port(union address *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET)
        a->in4.sin_port = htons(port);
    else
        a->in6.sin6_port = htons(port);
}

bool address_same_host(const union address *a, const union address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0 &&
           a->in6.sin6_scope_id == b->in6.sin6_scope_id;
}

bool address_eq(const union address *a, const union address *b)
{
    return address_same_host(a, b) && address_port(a) == address_port(b);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
    return h ^ h >> 32;
}

uint64_t address_hash(const union address *a, uint64_t seed)
{
    uint64_t h = mix(seed, address_port(a)), half[2];

    if (a->sa.sa_family == AF_INET)
        return mix(h, a->in4.sin_addr.s_addr);
    memcpy(half, &a->in6.sin6_addr, sizeof(half));
    return mix(mix(h, half[0]), half[1]);
}

char *address_text(const union address *a, char buf[ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (a->sa.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->in4.sin_addr, host, sizeof(host));
        snprintf(buf, ADDRESS_TEXT, "%s:%u", host, address_port(a));
    } else {
        inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
        snprintf(buf, ADDRESS_TEXT, "[%s]:%u", host, address_port(a));
    }
    return buf;
}

bool address_is_loopback(const union address *a)
{
    if (a->sa.sa_family == AF_INET) {
        uint32_t net = ntohl(a->in4.sin_addr.s_addr) >> 24;

        return net == IN_LOOPBACKNET || net == 0;
    }
    /* ::1 and :: are of the compatible kind. */
    return IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr) || IN6_IS_ADDR_V4COMPAT(&a->in6.sin6_addr) ||
           IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

bool address_is_group(const union address *a)
{
    if (a->sa.sa_family == AF_INET) {
        uint32_t host = ntohl(a->in4.sin_addr.s_addr);

        return IN_MULTICAST(host) || host == INADDR_BROADCAST;
    }
    return IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}
