/* A link to stand on that records what is sent on it, and a recorder above: time is what the test
 * says. Frames are numbered by their first four bytes. */
#ifndef TESTS_LINKS_RIG_H
#define TESTS_LINKS_RIG_H

#include <string.h>

#include "handfast/links.h"
#include "tap.h"
#include "testenv.h"

#define RIG_SEEN 20000

struct rig_seen {
    uint32_t number[RIG_SEEN];
    hf_time when[RIG_SEEN];
    uint32_t count;
    struct hf_frame *last; /* the newest frame itself */
};

struct rig {
    struct testenv testenv;
    struct hf_env env;
    struct hf_frame_pool *pool;
    struct hf_link ground; /* below what is tested */
    bool ground_freed;
    hf_time now;
    struct rig_seen sent, received;
};

static inline void rig_note(struct rig *r, struct rig_seen *seen, struct hf_frame *f)
{
    hf_frame_read(f, f->len - 4, &seen->number[seen->count], 4);
    seen->when[seen->count++] = r->now;
    hf_frame_free(seen->last);
    seen->last = f;
}

static inline struct rig *rig_of(const struct hf_link *ground)
{
    return (struct rig *)(void *)((char *)(uintptr_t)ground - offsetof(struct rig, ground));
}

static inline void rig_ground_send(struct hf_link *link, struct hf_frame *f)
{
    rig_note(rig_of(link), &rig_of(link)->sent, f);
}

static inline void rig_ground_free(struct hf_link *link)
{
    rig_of(link)->ground_freed = true;
}

static inline void rig_input(void *above, struct hf_link *link, struct hf_frame *f)
{
    struct rig *r = above;

    rig_note(r, &r->received, f);
}

static inline struct rig *rig_new(void)
{
    static const struct hf_link_ops ops = {.send = rig_ground_send, .free = rig_ground_free};
    struct rig *r = calloc(1, sizeof(*r));

    r->testenv.seed = 1;
    r->env = testenv_env(&r->testenv);
    r->pool = hf_frame_pool_new(&r->env);
    r->ground = (struct hf_link){
        .ops = &ops, .name = "ground", .mtu = 1500, .gso_max = 65535, .flags = HF_LINK_CSUM};
    return r;
}

/* Ends top with all below it, and looks for what was left behind. */
static inline void rig_end(struct rig *r, struct hf_link *top)
{
    struct hf_frame_pool_stats stats;

    hf_frame_free(r->sent.last);
    hf_frame_free(r->received.last);
    hf_link_free(top);
    hf_frame_pool_stats(r->pool, &stats);
    EQ(stats.frames + stats.pages, 0, "no frame is left behind");
    OK(r->ground_freed || top == NULL, "the link below is freed with the wrapper");
    hf_frame_pool_free(r->pool);
    EQ(r->testenv.out, 0, "no memory is left behind");
    free(r);
}

static inline void rig_above(struct rig *r, struct hf_link *top)
{
    top->input = rig_input;
    top->above = r;
}

/* len bytes, the last four of them the number. */
static inline struct hf_frame *rig_frame(struct rig *r, uint32_t number, uint32_t len)
{
    static const uint8_t zero[65536];
    struct hf_frame *f = hf_frame_new(r->pool);

    if (!f || !hf_frame_append(f, zero, len - 4) || !hf_frame_append(f, &number, 4))
        abort();
    return f;
}

static inline void rig_poll(struct rig *r, struct hf_link *top)
{
    if (top->ops->poll)
        top->ops->poll(top, r->now);
}

/* Lets time pass until nothing is due any more, or until `end`. */
static inline void rig_run(struct rig *r, struct hf_link *top, hf_time end)
{
    while (top->ops->deadline && top->ops->deadline(top) <= end) {
        if (top->ops->deadline(top) > r->now)
            r->now = top->ops->deadline(top);
        rig_poll(r, top);
    }
}

#endif
