/* Linux's struct sockaddr_in and sockaddr_in6. */
#include "wire/sockaddr.h"

#include "handfast/linux.h"
#include "wire/bytes.h"

uint16_t sockaddr_family(const void *bytes)
{
    uint16_t family;

    memcpy(&family, bytes, sizeof family);
    return family;
}

/* Linux: __ipv6_addr_needs_scope_id. Groups of interface and link scope are meant per link too. */
bool sockaddr_needs_scope(const struct ip_addr *a)
{
    unsigned group_scope = a->b[1] & 0xf;

    return addr_is_link_local6(a) || (a->b[0] == 0xff && (group_scope == 1 || group_scope == 2));
}

void sockaddr_read(const void *bytes, uint32_t len, uint16_t family, struct endpoint *out)
{
    const uint8_t *p = bytes;

    out->port = get16(p + 2);
    out->scope = 0;
    if (family == HF_AF_INET) {
        out->addr = addr_from4(p + 4);
        return;
    }
    out->addr = addr_from6(p + 8);
    if (len >= SOCKADDR_IN6 && sockaddr_needs_scope(&out->addr))
        memcpy(&out->scope, p + 24, sizeof out->scope);
}

uint32_t sockaddr_write(const struct endpoint *ep, uint16_t family, uint8_t buf[SOCKADDR_IN6])
{
    memset(buf, 0, SOCKADDR_IN6);
    memcpy(buf, &family, sizeof family);
    put16(buf + 2, ep->port);
    if (family == HF_AF_INET) {
        memcpy(buf + 4, ep->addr.b + 12, 4);
        return SOCKADDR_IN;
    }
    memcpy(buf + 8, ep->addr.b, 16);
    memcpy(buf + 24, &ep->scope, sizeof ep->scope);
    return SOCKADDR_IN6;
}
