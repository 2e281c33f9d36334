/* Two ends in one process. */
#include <errno.h>

#include "rig.h"

static struct rig *r;
static struct hf_link *ends[2];
static struct hf_link *echo_to; /* where echo sends what it gets */

static void begin(void)
{
    r = rig_new();
    if (hf_link_pair_new(&r->env, 1500, ends) < 0)
        abort();
    rig_above(r, ends[1]);
}

static void end(void)
{
    hf_link_free(ends[0]);
    hf_link_free(ends[1]);
    rig_end(r, NULL);
}

static void test_delivery(void)
{
    begin();
    EQ(ends[1]->ops->deadline(ends[1]), HF_TIME_NEVER, "an empty wire has nothing due");
    for (uint32_t i = 0; i < 3; i++)
        ends[0]->ops->send(ends[0], rig_frame(r, i, 64));
    EQ(r->received.count, 0, "send does not enter the other stack");
    EQ(ends[1]->ops->deadline(ends[1]), 0, "the other end is due at once");
    EQ(ends[0]->ops->deadline(ends[0]), HF_TIME_NEVER, "this one is not");
    rig_poll(r, ends[1]);
    EQ(r->received.count, 3, "poll delivers");
    OK(r->received.number[0] == 0 && r->received.number[2] == 2, "in order");
    EQ(ends[1]->ops->deadline(ends[1]), HF_TIME_NEVER, "and then nothing is due");
    end();
}

/* Each frame that arrives is answered over the same wire and echoed by the other end. */
static void echo(void *above, struct hf_link *link, struct hf_frame *f)
{
    r->received.count++;
    echo_to->ops->send(echo_to, f);
}

static void test_one_poll_is_finite(void)
{
    begin();
    ends[1]->input = echo;
    echo_to = ends[0];
    ends[0]->ops->send(ends[0], rig_frame(r, 0, 64));
    rig_poll(r, ends[1]);
    EQ(r->received.count, 1, "a poll delivers what was there when it began");
    EQ(ends[1]->ops->deadline(ends[1]), 0, "the rest is due at once");
    end();
}

static void test_offloads(void)
{
    struct hf_frame *f;

    begin();
    OK(ends[0]->gso_max == 65535 && ends[0]->flags & HF_LINK_CSUM, "a wire takes super-segments");
    f = rig_frame(r, 1, 60000);
    f->gso_bytes = 1460;
    f->flags = HF_FRAME_CSUM_PARTIAL;
    ends[0]->ops->send(ends[0], f);
    rig_poll(r, ends[1]);
    EQ(r->received.last->gso_bytes, 1460, "they arrive as they are");
    EQ(r->received.last->flags, HF_FRAME_CSUM_OK, "a partial checksum need not be looked at");
    f = rig_frame(r, 1, 64);
    ends[0]->ops->send(ends[0], f);
    rig_poll(r, ends[1]);
    EQ(r->received.last->flags, 0, "a whole one is looked at");
    end();
}

static void test_plain(void)
{
    begin();
    hf_link_plain(ends[0]);
    for (int i = 0; i < 2; i++)
        OK(ends[i]->gso_max == 0 && !(ends[i]->flags & HF_LINK_CSUM),
           "an end that is to be plain makes both so");
    end();
    begin();
    hf_link_free(ends[1]);
    ends[1] = NULL;
    hf_link_plain(ends[0]);
    EQ(ends[0]->gso_max, 0, "one that is left alone too");
    end();
}

static void test_ends(void)
{
    begin();
    ends[0]->ops->send(ends[0], rig_frame(r, 0, 64));
    hf_link_free(ends[1]);
    ends[1] = NULL;
    ends[0]->ops->send(ends[0], rig_frame(r, 1, 64));
    EQ(hf_link_dropped(ends[0]), 1, "what is sent to an end that is gone is dropped and counted");
    end();
}

static void test_no_memory(void)
{
    struct hf_link *none[2];

    r = rig_new();
    for (uint64_t n = 1; n <= 2; n++) {
        r->testenv.fail_from = r->testenv.allocs + n;
        EQ(hf_link_pair_new(&r->env, 1500, none), -ENOMEM, "half a wire is none");
    }
    rig_end(r, NULL);
}

int main(void)
{
    tap_begin(10);
    test_delivery();
    test_one_poll_is_finite();
    test_offloads();
    test_plain();
    test_ends();
    test_no_memory();
    return tap_end();
}
