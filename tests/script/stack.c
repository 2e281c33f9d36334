/* One stack of ours as the host, a link that ends in the page, and a clock that only lines move. */
#include "script.h"

#define START (1000 * HF_S)

const unsigned host_seconds = 120;

static struct world *world_of(struct hf_link *link)
{
    return (struct world *)((char *)link - offsetof(struct world, link));
}

static void send_frame(struct hf_link *link, struct hf_frame *f)
{
    static uint8_t bytes[HF_FRAME_MAX];
    uint32_t len = f->len;

    hf_frame_read(f, 0, bytes, len);
    hf_frame_free(f);
    world_sent(world_of(link), bytes, len);
}

static void free_link(struct hf_link *link) {}

void host_begin(struct world *w)
{
    static const struct hf_link_ops ops = {.send = send_frame, .free = free_link};
    struct hf_stack_config config;

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
}

bool host_end(struct world *w)
{
    hf_stack_free(w->stack);
    hf_frame_pool_free(w->pool);
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
