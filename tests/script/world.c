/* What both kinds of host have in common: packets that wait for their line, addresses. */
#include <netinet/in.h>
#include <string.h>

#include "script.h"

#define PEER_ISS    0xfffffc00u /* numbers wrap after the first kilobyte: RFC 9293 3.4 */
#define PEER_PORT   80
#define PEER_WINDOW 65535

void world_begin(struct world *w, bool v6)
{
    memset(w, 0, sizeof(*w));
    w->v6 = v6;
    host_begin(w);
    w->flow = &w->flows[w->flow_count++];
    *w->flow = (struct flow){
        .name = "first", .theirs = PEER_PORT, .peer_iss = PEER_ISS, .window = PEER_WINDOW};
}

bool world_end(struct world *w)
{
    bool is_clean = host_end(w);
    struct packet *p;

    while ((p = world_take(w)))
        free(p);
    return is_clean;
}

void world_sent(struct world *w, const uint8_t *bytes, uint32_t len)
{
    struct packet *p = calloc(1, sizeof(*p));
    const char *wrong;

    if (!p)
        abort();
    wrong = packet_read(bytes, len, bytes[0] >> 4 == 6, p);
    if (wrong)
        w->broken = wrong;
    if (w->last)
        w->last->next = p;
    else
        w->first = p;
    w->last = p;
}

struct packet *world_take(struct world *w)
{
    struct packet *p = w->first;

    if (p && !(w->first = p->next))
        w->last = NULL;
    return p;
}

uint32_t world_address(const struct world *w, uint16_t port, void *to)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};

    v6.sin6_addr.s6_addr[0] = 0xfd;
    v6.sin6_addr.s6_addr[15] = 2;
    v4.sin_addr.s_addr = htonl(0x0a000002);
    memcpy(to, w->v6 ? (void *)&v6 : (void *)&v4, w->v6 ? sizeof(v6) : sizeof(v4));
    return w->v6 ? sizeof(v6) : sizeof(v4);
}
