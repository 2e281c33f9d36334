/* Error queues. Most sockets never have one: it exists while it holds something. */
#include "transport/err_queue.h"

#include <assert.h>

#include "wire/bytes.h"

enum { COPIED = 1 }; /* Linux: SO_EE_CODE_ZEROCOPY_COPIED */

struct err_queue {
    struct hf_frame *first, *last;
    uint32_t bytes; /* truesize of what is queued */
};

static_assert(sizeof(struct sock_error) <= sizeof(((struct hf_frame *)0)->cb),
              "what is noted of an error fits its frame");

/* Takes f. */
static void push(struct core *core, struct pcb *pcb, struct hf_frame *f, uint32_t room)
{
    struct err_queue *q = pcb->errors;
    uint32_t size = hf_frame_truesize(f);

    if ((q ? q->bytes : 0) + size >= room) {
        core_drop(core, HF_DROP_ERR_QUEUE, f);
        return;
    }
    if (!q) {
        q = core->env.alloc(core->env.ctx, sizeof(*q));
        if (!q) {
            core_drop(core, HF_DROP_NO_MEMORY, f);
            return;
        }
        *q = (struct err_queue){NULL, NULL, 0};
        pcb->errors = q;
    }
    f->next = NULL;
    if (q->last)
        q->last->next = f;
    else
        q->first = f;
    q->last = f;
    q->bytes += size;
}

void err_queue_icmp(struct core *core, struct pcb *pcb, const struct icmp_error *e, int err,
                    uint32_t skip, uint32_t room)
{
    struct hf_frame *f = hf_frame_new(core->pool);
    bool is4 = addr_is4(&e->src);

    if (!f || !hf_frame_append(f, &e->src, sizeof(e->src)) ||
        !hf_frame_append(f, e->quoted + skip, e->quoted_len - skip)) {
        core_drop(core, HF_DROP_NO_MEMORY, f);
        return;
    }
    *(struct sock_error *)(void *)f->cb =
        (struct sock_error){.dst = e->dst,
                            .offender = e->reporter,
                            .info = is4 && e->kind != ICMP_ERR_TOO_BIG ? 0 : e->info,
                            .port = get16(e->quoted + 2),
                            .link_index = e->link ? (uint16_t)e->link->index : 0,
                            .err = (uint8_t)err,
                            .origin = is4 ? ERR_ICMP : ERR_ICMP6,
                            .type = e->type,
                            .code = e->code,
                            .ttl = e->ttl,
                            .tos = e->tos};
    push(core, pcb, f, room);
}

void err_queue_local(struct core *core, struct pcb *pcb, int err, const struct endpoint *dst,
                     uint32_t info, uint32_t room)
{
    struct hf_frame *f = hf_frame_new(core->pool);

    if (!f || !hf_frame_append(f, &ADDR_ANY6, sizeof(ADDR_ANY6))) {
        core_drop(core, HF_DROP_NO_MEMORY, f);
        return;
    }
    *(struct sock_error *)(void *)f->cb = (struct sock_error){.dst = dst->addr,
                                                              .port = dst->port,
                                                              .info = info,
                                                              .err = (uint8_t)err,
                                                              .origin = ERR_LOCAL};
    push(core, pcb, f, room);
}

void err_queue_copied(struct core *core, struct pcb *pcb, uint32_t id)
{
    struct hf_frame *last = pcb->errors ? pcb->errors->last : NULL, *f;
    struct sock_error *e = last ? (struct sock_error *)(void *)last->cb : NULL;

    if (e && e->origin == ERR_ZEROCOPY && e->last + 1 == id) {
        e->last = id;
        return;
    }
    f = hf_frame_new(core->pool);
    if (!f || !hf_frame_append(f, &ADDR_ANY6, sizeof(ADDR_ANY6))) {
        core_drop(core, HF_DROP_NO_MEMORY, f);
        return;
    }
    *(struct sock_error *)(void *)f->cb =
        (struct sock_error){.origin = ERR_ZEROCOPY, .code = COPIED, .info = id, .last = id};
    push(core, pcb, f, UINT32_MAX);
}

void err_queue_stamp(struct core *core, struct pcb *pcb, uint32_t what, uint32_t id, uint32_t room)
{
    struct hf_frame *f = hf_frame_new(core->pool);

    if (!f || !hf_frame_append(f, &ADDR_ANY6, sizeof(ADDR_ANY6))) {
        core_drop(core, HF_DROP_NO_MEMORY, f);
        return;
    }
    *(struct sock_error *)(void *)f->cb = (struct sock_error){
        .when = core->now, .id = id, .info = what, .err = HF_ENOMSG, .origin = ERR_TIMESTAMPING};
    push(core, pcb, f, room);
}

struct hf_frame *err_queue_front(const struct pcb *pcb)
{
    return pcb->errors ? pcb->errors->first : NULL;
}

static bool is_icmp(const struct hf_frame *f)
{
    return f && (err_queue_entry(f)->origin == ERR_ICMP || err_queue_entry(f)->origin == ERR_ICMP6);
}

/* Linux: sock_dequeue_err_skb. */
void err_queue_pop(struct core *core, struct pcb *pcb)
{
    struct err_queue *q = pcb->errors;
    struct hf_frame *f = q->first, *next = f->next;

    if (is_icmp(next))
        pcb->err = err_queue_entry(next)->err;
    else if (is_icmp(f))
        pcb->err = 0;
    q->first = next;
    q->bytes -= hf_frame_truesize(f);
    f->next = NULL;
    hf_frame_free(f);
    if (next)
        return;
    core->env.free(core->env.ctx, q, sizeof(*q));
    pcb->errors = NULL;
}

void err_queue_purge(struct core *core, struct pcb *pcb)
{
    int16_t err = pcb->err;

    while (pcb->errors)
        err_queue_pop(core, pcb);
    pcb->err = err;
}
