/* Wrappers by themselves: what becomes of frames, when, and the same again with the same seed. */
#include <errno.h>

#include <fcntl.h>

#include "rig.h"

#define MANY 10000

typedef int chance_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm, uint64_t seed,
                       struct hf_link **out);

static struct hf_link *chance_on(struct rig *r, chance_new *make, uint32_t ppm, uint64_t seed)
{
    struct hf_link *top;

    if (make(&r->env, &r->ground, ppm, seed, &top) < 0)
        abort();
    rig_above(r, top);
    return top;
}

static void send_many(struct rig *r, struct hf_link *top, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        top->ops->send(top, rig_frame(r, i, 64));
        rig_run(r, top, r->now);
    }
    rig_run(r, top, HF_TIME_NEVER - 1);
}

static void receive_many(struct rig *r, struct hf_link *top, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        hf_link_input(&r->ground, rig_frame(r, i, 64));
        rig_run(r, top, r->now);
    }
    rig_run(r, top, HF_TIME_NEVER - 1);
}

/* How many frames come out of MANY, at which probability. */
static const struct {
    const char *name;
    chance_new *make;
    uint32_t ppm;
    uint32_t least, most;
} counts[] = {
    {"loss of 0 % loses nothing", hf_link_loss_new, 0, MANY, MANY},
    {"loss of 100 % loses all", hf_link_loss_new, HF_PPM_ALL, 0, 0},
    {"loss of 10 % loses about a tenth", hf_link_loss_new, 100000, MANY - 1100, MANY - 900},
    {"loss of 0.1 % loses about ten", hf_link_loss_new, 1000, MANY - 22, MANY - 2},
    {"dup of 0 % adds nothing", hf_link_dup_new, 0, MANY, MANY},
    {"dup of 100 % sends all twice", hf_link_dup_new, HF_PPM_ALL, 2 * MANY, 2 * MANY},
    {"dup of 10 % sends about a tenth twice", hf_link_dup_new, 100000, MANY + 900, MANY + 1100},
    {"corrupt loses nothing", hf_link_corrupt_new, 500000, MANY, MANY},
    {"reorder of 100 % loses nothing", hf_link_reorder_new, HF_PPM_ALL, MANY, MANY},
    {"reorder of 5 % loses nothing", hf_link_reorder_new, 50000, MANY, MANY},
};

static void test_counts(void)
{
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct rig *r = rig_new();
        struct hf_link *top = chance_on(r, counts[i].make, counts[i].ppm, 7);
        uint32_t lost;

        send_many(r, top, MANY);
        receive_many(r, top, MANY);
        lost = 2 * MANY > r->sent.count + r->received.count
                   ? 2 * MANY - r->sent.count - r->received.count
                   : 0;
        OK(r->sent.count >= counts[i].least && r->sent.count <= counts[i].most, counts[i].name);
        OK(r->received.count >= counts[i].least && r->received.count <= counts[i].most,
           "the same on the way up");
        EQ(hf_link_dropped(top), lost, "what is lost is counted");
        rig_end(r, top);
    }
}

static bool same_fate(const struct rig_seen *a, const struct rig_seen *b)
{
    return a->count == b->count &&
           memcmp(a->number, b->number, a->count * sizeof(a->number[0])) == 0;
}

static void test_seed(void)
{
    static const struct {
        const char *name;
        chance_new *make;
    } kinds[] = {
        {"loss", hf_link_loss_new},
        {"dup", hf_link_dup_new},
        {"reorder", hf_link_reorder_new},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct rig *r[3];
        struct hf_link *top[3];

        for (int k = 0; k < 3; k++) {
            r[k] = rig_new();
            top[k] = chance_on(r[k], kinds[i].make, 100000, k < 2 ? 42 : 43);
            send_many(r[k], top[k], 1000);
            receive_many(r[k], top[k], 1000);
        }
        OK(same_fate(&r[0]->sent, &r[1]->sent) && same_fate(&r[0]->received, &r[1]->received),
           "the same seed gives the same fate");
        OK(!same_fate(&r[0]->sent, &r[2]->sent), "another seed gives another");
        OK(!same_fate(&r[0]->sent, &r[0]->received), "the two ways differ");
        for (int k = 0; k < 3; k++)
            rig_end(r[k], top[k]);
    }
}

static uint32_t bits_that_differ(const struct hf_frame *f, uint32_t number, uint32_t from)
{
    uint8_t got[2000], want[2000] = {0};
    uint32_t differ = 0;

    memcpy(want + f->len - 4, &number, 4);
    hf_frame_read(f, 0, got, f->len);
    for (uint32_t i = 0; i < f->len; i++)
        differ +=
            i < from && got[i] != want[i] ? 1000 : (uint32_t)__builtin_popcount(got[i] ^ want[i]);
    return differ;
}

static void test_corrupt(bool is_ethernet)
{
    struct rig *r = rig_new();
    struct hf_link *top;
    struct hf_frame *f, *original;
    bool one_bit = true, originals_whole = true;

    if (is_ethernet)
        r->ground.flags |= HF_LINK_ETHERNET;
    top = chance_on(r, hf_link_corrupt_new, HF_PPM_ALL, 3);
    for (uint32_t i = 0; i < 500; i++) {
        f = rig_frame(r, i, 20 + i);
        f->flags = HF_FRAME_CSUM_OK;
        original = hf_frame_clone(f);
        hf_link_input(&r->ground, f);
        one_bit &= bits_that_differ(r->received.last, i, is_ethernet ? 14 : 0) == 1;
        originals_whole &= bits_that_differ(original, i, 0) == 0;
        hf_frame_free(original);
    }
    OK(one_bit,
       is_ethernet ? "corrupt flips one bit behind the Ethernet header" : "corrupt flips one bit");
    OK(originals_whole, "other readers of the same page see it unspoiled");
    EQ(r->received.last->flags & HF_FRAME_CSUM_OK, 0, "a spoiled frame's checksum is looked at");
    rig_end(r, top);
}

static void test_reorder(void)
{
    struct rig *r = rig_new();
    struct hf_link *top = chance_on(r, hf_link_reorder_new, 200000, 5);
    uint32_t late = 0, worst = 0;

    send_many(r, top, 1000);
    for (uint32_t i = 0; i < r->sent.count; i++) {
        if (i > r->sent.number[i]) {
            late++;
            if (i - r->sent.number[i] > worst)
                worst = i - r->sent.number[i];
        }
    }
    OK(late > 50, "reorder lets frames be overtaken");
    OK(worst <= 3, "by three others at most");
    rig_end(r, top);

    r = rig_new();
    top = chance_on(r, hf_link_reorder_new, HF_PPM_ALL, 5);
    r->now = HF_S;
    top->ops->send(top, rig_frame(r, 9, 64));
    EQ(r->sent.count, 0, "a frame with none behind it is held");
    rig_run(r, top, HF_TIME_NEVER - 1);
    EQ(r->sent.when[0], HF_S + 10 * HF_MS, "for 10 ms");
    EQ(top->ops->deadline(top), HF_TIME_NEVER, "and then nothing is due");
    rig_end(r, top);
}

static void test_delay(void)
{
    struct rig *r = rig_new();
    struct hf_link *top;

    if (hf_link_delay_new(&r->env, &r->ground, 20 * HF_MS, &top) < 0)
        abort();
    rig_above(r, top);
    EQ(top->ops->deadline(top), HF_TIME_NEVER, "an empty line has nothing due");
    r->now = HF_S;
    top->ops->send(top, rig_frame(r, 0, 64));
    EQ(top->ops->deadline(top), 0, "a fresh frame is to be stamped at once");
    rig_poll(r, top);
    EQ(top->ops->deadline(top), HF_S + 20 * HF_MS, "then due at its time");
    r->now += 5 * HF_MS;
    top->ops->send(top, rig_frame(r, 1, 64));
    hf_link_input(&r->ground, rig_frame(r, 2, 64));
    rig_run(r, top, HF_S + 20 * HF_MS - 1);
    EQ(r->sent.count, 0, "nothing arrives early");
    rig_run(r, top, HF_TIME_NEVER - 1);
    EQ(r->sent.when[0], HF_S + 20 * HF_MS, "the first arrives on time");
    EQ(r->sent.when[1], HF_S + 25 * HF_MS, "so does the second");
    EQ(r->received.when[0], HF_S + 25 * HF_MS, "and what comes the other way");
    top->ops->send(top, rig_frame(r, 3, 64));
    rig_end(r, top);
}

static void test_rate(void)
{
    struct rig *r = rig_new();
    struct hf_link *top;

    if (hf_link_rate_new(&r->env, &r->ground, 8000000, &top) < 0)
        abort();
    rig_above(r, top);
    r->now = HF_S;
    for (uint32_t i = 0; i < 70; i++)
        top->ops->send(top, rig_frame(r, i, 1000));
    rig_run(r, top, HF_TIME_NEVER - 1);
    EQ(r->sent.count, 70, "the queue takes 70 ms of the line");
    EQ(r->sent.when[0], HF_S + HF_MS, "1000 bytes take 1 ms at 8 Mbit/s");
    EQ(r->sent.when[69], HF_S + 70 * HF_MS, "one behind the other");
    for (uint32_t i = 0; i < 150; i++)
        top->ops->send(top, rig_frame(r, i, 1000));
    EQ(hf_link_dropped(top), 50, "what the queue does not hold is dropped and counted");
    hf_link_input(&r->ground, rig_frame(r, 0, 1000));
    rig_run(r, top, r->now + HF_MS);
    EQ(r->received.count, 1, "the other way has a line of its own");
    rig_end(r, top);
}

static void test_offloads(void)
{
    struct rig *r = rig_new();
    struct hf_link *top = chance_on(r, hf_link_loss_new, 0, 1);

    EQ(top->gso_max, 0, "a wrapper takes no super-segments");
    EQ(top->flags & HF_LINK_CSUM, 0, "nor partial checksums");
    EQ(top->mtu, 1500, "its MTU is the MTU below");
    OK(strcmp(top->name, "ground") == 0, "and so is its name");
    rig_end(r, top);
}

/* As a TAP device has it: the kernel is to be told. */
static void ground_plain(struct hf_link *link)
{
    rig_of(link)->ground.gso_max = 0;
    rig_of(link)->ground.flags = 0;
}

static void test_plain(void)
{
    static const struct hf_link_ops ops = {
        .send = rig_ground_send, .plain = ground_plain, .free = rig_ground_free};
    struct rig *r = rig_new();
    struct hf_link *top;

    r->ground.ops = &ops;
    if (hf_link_pcap_new(&r->env, &r->ground, open("/dev/null", O_WRONLY), 0, &top) < 0)
        abort();
    EQ(r->ground.gso_max, 65535, "a capture leaves the link below as it is");
    if (hf_link_delay_new(&r->env, top, HF_MS, &top) < 0)
        abort();
    OK(r->ground.gso_max == 0 && top->below->gso_max == 0 && r->ground.flags == 0,
       "another wrapper makes it plain, through the capture");
    rig_end(r, top);
}

static void test_no_memory(void)
{
    static chance_new *const kinds[] = {hf_link_loss_new, hf_link_dup_new, hf_link_corrupt_new,
                                        hf_link_reorder_new};
    struct rig *r = rig_new();
    struct hf_link *top;
    int refused = 0;

    r->testenv.fail_from = r->testenv.allocs + 1;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        refused += kinds[i](&r->env, &r->ground, 1, 1, &top) == -ENOMEM;
    refused += hf_link_delay_new(&r->env, &r->ground, 1, &top) == -ENOMEM;
    refused += hf_link_rate_new(&r->env, &r->ground, 1, &top) == -ENOMEM;
    EQ(refused, 6, "without memory each constructor says ENOMEM");
    OK(!r->ground_freed, "and leaves the link below alone");
    rig_end(r, NULL);
}

int main(void)
{
    tap_begin(30);
    test_counts();
    test_seed();
    test_corrupt(false);
    test_corrupt(true);
    test_reorder();
    test_delay();
    test_rate();
    test_offloads();
    test_plain();
    test_no_memory();
    return tap_end();
}
