/* The wire between the stack and the script: raw IP packets, super-segments whole, as a capture on
 * Linux shows them. */
#include <stdio.h>

#include "packetdrill/drill.h"

/* How long a script waits for a packet while things go on happening; no script is so slow. */
#define WAIT_MAX (400 * HF_S)

static void wire_send(struct hf_link *link, struct hf_frame *f)
{
    struct wire *w = (struct wire *)link;

    f->when = w->drill->now;
    f->next = NULL;
    *w->last = f;
    w->last = &f->next;
}

static void wire_free(struct hf_link *link)
{
    struct wire *w = (struct wire *)link;

    while (w->first) {
        struct hf_frame *f = w->first;

        w->first = f->next;
        hf_frame_free(f);
    }
    w->last = &w->first;
}

static const struct hf_link_ops wire_ops = {.send = wire_send, .free = wire_free};

void wire_init(struct drill *d, uint32_t mtu)
{
    struct wire *w = &d->wire;

    w->link = (struct hf_link){.ops = &wire_ops,
                               .name = "tun0",
                               .mtu = mtu,
                               .gso_max = HF_FRAME_MAX,
                               .flags = HF_LINK_CSUM};
    w->drill = d;
    w->first = NULL;
    w->last = &w->first;
}

void wire_fini(struct drill *d)
{
    wire_free(&d->wire.link);
}

int wire_from_script(void *userdata, const void *packet, size_t len)
{
    struct drill *d = userdata;
    struct hf_frame *f;
    int err = -1;

    pthread_mutex_lock(&d->lock);
    f = len <= HF_FRAME_MAX ? hf_frame_new(d->pool) : NULL;
    if (f && hf_frame_append(f, packet, (uint32_t)len)) {
        hf_link_input(&d->wire.link, f);
        drill_settle(d);
        err = 0;
    } else {
        hf_frame_free(f);
    }
    pthread_mutex_unlock(&d->lock);
    return err;
}

/* Without anything due, or after too long, the answer is an empty packet, on which packetdrill ends
 * the script: asked to, it would ask for ever. */
int wire_to_script(void *userdata, void *packet, size_t *len, long long *time_us)
{
    struct drill *d = userdata;
    struct wire *w = &d->wire;
    struct hf_frame *f;
    hf_time until;

    pthread_mutex_lock(&d->lock);
    until = d->now + WAIT_MAX;
    while (!w->first && drill_step(d, until))
        ;
    f = w->first;
    if (f) {
        w->first = f->next;
        if (!w->first)
            w->last = &w->first;
        if (*len > f->len)
            *len = f->len;
        hf_frame_read(f, 0, packet, (uint32_t)*len);
        *time_us = f->when / HF_US;
        hf_frame_free(f);
    } else {
        fprintf(stderr, "handfast: no packet was sent\n");
        *len = 0;
        *time_us = d->now / HF_US;
    }
    pthread_mutex_unlock(&d->lock);
    return 0;
}
