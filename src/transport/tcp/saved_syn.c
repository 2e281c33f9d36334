/* The headers of the SYN that began a connection, kept for whoever accepts it: TCP_SAVE_SYN. They
 * are those of IP and TCP. Deviates: 2, which has the link's before them, gives no more than 1. */
#include "handfast/linux.h"
#include "net/handover.h"
#include "transport/tcp/flow.h"

struct saved_syn {
    uint32_t len;
    uint8_t bytes[];
};

static void keep(struct tcb *child, const uint8_t *bytes, uint32_t len)
{
    const struct hf_env *env = &child->tcp->core->env;
    struct flow *f = flow_of(child);

    if (!f)
        return;
    f->saved_syn = env->alloc(env->ctx, sizeof(*f->saved_syn) + len);
    if (!f->saved_syn)
        return;
    f->saved_syn->len = len;
    memcpy(f->saved_syn->bytes, bytes, len);
}

void saved_syn_keep(struct tcb *child, const struct segment *s)
{
    struct hf_frame *f = s->f;
    uint8_t bytes[IP6_HEADER + TCP_HEADER_MAX];
    uint32_t len = tcp_header_size(&s->h);

    if (!(f->flags & HF_FRAME_BARE)) {
        const uint8_t *from = f->room + f->net_off;

        keep(child, from, (uint32_t)(f->head - from));
        return;
    }
    /* It never had any: as they would have been. */
    tcp_header_write(&s->h, hf_frame_push(f, len));
    len = handover_header(f, s->ip, bytes);
    hf_frame_read(f, 0, bytes + len, tcp_header_size(&s->h));
    hf_frame_trim_front(f, tcp_header_size(&s->h));
    keep(child, bytes, len + tcp_header_size(&s->h));
}

void saved_syn_drop(struct tcb *tcb)
{
    const struct hf_env *env = &tcb->tcp->core->env;
    struct flow *f = tcb->flow;

    if (f->saved_syn)
        env->free(env->ctx, f->saved_syn, sizeof(*f->saved_syn) + f->saved_syn->len);
    f->saved_syn = NULL;
}

int tcp_saved_syn(struct tcb *tcb, void *to, uint32_t *len)
{
    const struct saved_syn *saved =
        tcb->state != TCP_LISTEN && tcb->flow ? tcb->flow->saved_syn : NULL;
    uint32_t room = *len;

    *len = saved ? saved->len : 0;
    if (!saved)
        return 0;
    if (room < saved->len)
        return -HF_EINVAL;
    memcpy(to, saved->bytes, saved->len);
    saved_syn_drop(tcb);
    return 0;
}
