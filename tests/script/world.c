/* One stack, a link that ends in the page, and a clock that only lines move. */
#include <netinet/in.h>
#include <string.h>

#include "script.h"

#define START       (1000 * HF_S)
#define PEER_ISS    0xfffffc00u /* numbers wrap after the first kilobyte: RFC 9293 3.4 */
#define PEER_PORT   80
#define PEER_WINDOW 65535

static struct world *world_of(struct hf_link *link)
{
    return (struct world *)((char *)link - offsetof(struct world, link));
}

static void send_frame(struct hf_link *link, struct hf_frame *f)
{
    static uint8_t bytes[HF_FRAME_MAX];
    struct world *w = world_of(link);
    struct packet *p = calloc(1, sizeof(*p));
    uint32_t len = f->len;
    const char *wrong;

    if (!p)
        abort();
    hf_frame_read(f, 0, bytes, len);
    hf_frame_free(f);
    wrong = packet_read(bytes, len, bytes[0] >> 4 == 6, p);
    if (wrong)
        w->broken = wrong;
    if (w->last)
        w->last->next = p;
    else
        w->first = p;
    w->last = p;
}

static void free_link(struct hf_link *link) {}

void world_begin(struct world *w, bool v6)
{
    static const struct hf_link_ops ops = {.send = send_frame, .free = free_link};
    struct hf_stack_config config;

    memset(w, 0, sizeof(*w));
    w->v6 = v6;
    w->now = START;
    w->memory.seed = 1;
    w->env = testenv_env(&w->memory);
    w->pool = hf_frame_pool_new(&w->env);
    config = (struct hf_stack_config){.env = w->env, .pool = w->pool, .now = START};
    w->link = (struct hf_link){.ops = &ops, .name = "wire", .mtu = 1500};
    if (hf_stack_new(&config, &w->stack) || hf_stack_attach(w->stack, &w->link) ||
        hf_addr_add(w->stack, &w->link, "10.0.0.1/24") ||
        hf_addr_add(w->stack, &w->link, "fd00::1/64"))
        abort();
    w->flow = &w->flows[w->flow_count++];
    *w->flow = (struct flow){
        .name = "first", .theirs = PEER_PORT, .peer_iss = PEER_ISS, .window = PEER_WINDOW};
}

bool world_end(struct world *w)
{
    struct packet *p;

    hf_stack_free(w->stack);
    hf_frame_pool_free(w->pool);
    while ((p = world_take(w)))
        free(p);
    return w->memory.out == 0;
}

void world_settle(struct world *w)
{
    do
        hf_stack_poll(w->stack, w->now);
    while (hf_stack_deadline(w->stack) <= w->now);
}

void world_pass(struct world *w, hf_time most)
{
    hf_time until = w->now + most, next;

    while (!w->first && w->now < until) {
        next = hf_stack_deadline(w->stack);
        w->now = next < until ? next : until;
        world_settle(w);
    }
}

void world_input(struct world *w, const uint8_t *bytes, uint32_t len)
{
    struct hf_frame *f = hf_frame_new(w->pool);

    if (!hf_frame_append(f, bytes, len))
        abort();
    hf_link_input(&w->link, f);
    world_settle(w);
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
