/* Socket addresses against the host's own structures. */
#include "wire/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/assert.h"
#include "tap.h"

static void both_ways4(void)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(8080)};
    struct ip_addr addr = ADDR4(10, 0, 2, 15);
    uint8_t buf[SOCKADDR_IN6];
    struct endpoint ep;

    inet_pton(AF_INET, "10.0.2.15", &sin.sin_addr);
    EQ(sockaddr_family(&sin), AF_INET, "the family stands in front");
    sockaddr_read(&sin, sizeof sin, AF_INET, &ep);
    OK(addr_eq(&ep.addr, &addr) && ep.port == 8080 && ep.scope == 0, "a sockaddr_in is read");
    EQ(sockaddr_write(&ep, AF_INET, buf), sizeof sin, "its length is written");
    OK(memcmp(buf, &sin, sizeof sin) == 0, "and the same bytes");
}

static void both_ways6(void)
{
    struct sockaddr_in6 sin6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_scope_id = 3};
    uint8_t buf[SOCKADDR_IN6];
    struct endpoint ep;

    inet_pton(AF_INET6, "fe80::1", &sin6.sin6_addr);
    sockaddr_read(&sin6, sizeof sin6, AF_INET6, &ep);
    OK(memcmp(ep.addr.b, &sin6.sin6_addr, 16) == 0 && ep.port == 443 && ep.scope == 3,
       "a sockaddr_in6 is read, with the scope of a link-local address");
    EQ(sockaddr_write(&ep, AF_INET6, buf), sizeof sin6, "its length is written");
    OK(memcmp(buf, &sin6, sizeof sin6) == 0, "and the same bytes");
    sockaddr_read(&sin6, SOCKADDR_IN6_MIN, AF_INET6, &ep);
    EQ(ep.scope, 0, "24 bytes have no scope");
}

/* text, scope that is read back when 5 was given */
static void scopes(void)
{
    static const struct {
        const char *text;
        uint32_t scope;
    } rows[] = {{"fe80::1", 5}, {"ff02::1", 5}, {"ff01::1", 5}, {"ff05::1", 0},
                {"fd00::1", 0}, {"::1", 0},     {"::", 0},      {"::ffff:10.0.0.1", 0}};

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_scope_id = 5};
        struct endpoint ep;

        inet_pton(AF_INET6, rows[i].text, &sin6.sin6_addr);
        sockaddr_read(&sin6, sizeof sin6, AF_INET6, &ep);
        EQ(ep.scope, rows[i].scope, rows[i].text);
    }
}

static void mapped(void)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(1)};
    struct endpoint ep, any4 = {.addr = ADDR_ANY4, .port = 7};
    struct ip_addr loopback = ADDR_LOOPBACK4;
    uint8_t buf[SOCKADDR_IN6];

    inet_pton(AF_INET6, "::ffff:127.0.0.1", &sin6.sin6_addr);
    sockaddr_read(&sin6, sizeof sin6, AF_INET6, &ep);
    OK(addr_eq(&ep.addr, &loopback), "a mapped address comes out as IPv4");
    OK(sockaddr_write(&ep, AF_INET6, buf) == SOCKADDR_IN6 && memcmp(buf, &sin6, sizeof sin6) == 0,
       "and goes back mapped");
    EQ(sockaddr_write(&ep, AF_INET, buf), SOCKADDR_IN, "or as IPv4");
    OK(memcmp(buf + 4, "\x7f\0\0\1\0\0\0\0\0\0\0\0", 12) == 0, "with zeros behind");

    memset(&sin6, 0, sizeof sin6);
    sin6.sin6_family = AF_INET6;
    sin6.sin6_port = htons(7);
    sockaddr_write(&any4, AF_INET6, buf);
    inet_pton(AF_INET6, "::ffff:0.0.0.0", &sin6.sin6_addr);
    OK(memcmp(buf, &sin6, sizeof sin6) == 0, "0.0.0.0 is mapped in IPv6, too");
}

int main(void)
{
    tap_begin(10);
    both_ways4();
    both_ways6();
    scopes();
    mapped();
    return tap_end();
}
