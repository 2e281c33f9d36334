/* Any wire at all: whatever is lost, doubled, held back or changed places, and whichever allocation
 * fails, the bytes arrive once and in order, both ways, and nothing is left behind. Each run is
 * made of its number; a run that fails is repeated by `chaos NUMBER`. */
#include "board.h"
#include "rig.h"

#include "transport/tcp/repair.h"

#define HELD 256

static struct {
    struct hf_frame *f;
    struct host *to;
    hf_time until;
} held[HELD];
static unsigned held_count;
static unsigned lose_permille, hold_permille, double_permille;
static hf_time hold_most, outage; /* everything is lost until then */
static uint64_t dice;

static uint32_t roll(uint32_t below)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice >> 33) % below;
}

static void hold(struct host *to, struct hf_frame *f, hf_time until)
{
    if (!f || held_count == HELD) {
        hf_frame_free(f);
        return;
    }
    if (f->flags & HF_FRAME_CSUM_PARTIAL) {
        f->flags &= (uint8_t)~HF_FRAME_CSUM_PARTIAL;
        f->flags |= HF_FRAME_CSUM_OK;
    }
    held[held_count].f = f;
    held[held_count].to = to;
    held[held_count++].until = until;
}

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    if (r->now < outage)
        return LOSE;
    if (roll(1000) < lose_permille) {
        outage = r->now + (roll(4) ? 0 : roll(20) * HF_MS);
        return LOSE;
    }
    if (roll(1000) < double_permille)
        hold(to, hf_frame_clone(f), r->now + roll(30) * HF_MS);
    if (roll(1000) < hold_permille) {
        hold(to, f, r->now + (hf_time)roll((uint32_t)(hold_most / HF_US)) * HF_US);
        return TAKE;
    }
    return PASS;
}

static void run(struct rig *r, hf_time span)
{
    hf_time until = r->now + span;

    while (r->now < until) {
        unsigned kept = 0, count = held_count;
        struct {
            struct hf_frame *f;
            struct host *to;
        } due[HELD];
        unsigned dues = 0;

        for (unsigned i = 0; i < count; i++) {
            if (held[i].until > r->now) {
                held[kept++] = held[i];
                continue;
            }
            due[dues].f = held[i].f;
            due[dues++].to = held[i].to;
        }
        held_count = kept;
        for (unsigned i = 0; i < dues; i++)
            due[i].to->link.input(due[i].to->link.above, &due[i].to->link, due[i].f);
        rig_run(r, HF_MS);
    }
}

/* No more is told of than is out. */
static bool is_sound(const struct tcb *tcb)
{
    const struct repair *r = board_of(tcb);

    return board_is_sound(tcb) && (!r || r->sacked + r->lost <= tcb_flight(tcb) + r->repeated);
}

struct way {
    struct sock *from, *to;
    uint32_t total, sent, got;
};

/* Both write and read as they like. False when a byte is wrong. */
static bool step(struct way *w)
{
    uint8_t buf[8192];
    int64_t n;

    if (w->sent < w->total && roll(3)) {
        uint32_t len = HF_MIN(1 + roll(sizeof(buf)), w->total - w->sent);

        for (uint32_t i = 0; i < len; i++)
            buf[i] = rig_byte(w->sent + i);
        n = rig_write(w->from, buf, len, 0);
        w->sent += n > 0 ? (uint32_t)n : 0;
    }
    n = rig_read(w->to, buf, 1 + roll(sizeof(buf)), 0);
    for (int64_t i = 0; i < n; i++)
        if (buf[i] != rig_byte(w->got++))
            return false;
    return is_sound(&w->from->tcb);
}

static void choose(struct rig *r, uint64_t number)
{
    dice = number * 2654435761u + 1;
    (void)roll(2);
    lose_permille = roll(3) ? roll(100) : 0;
    hold_permille = roll(3) ? roll(200) : 0;
    double_permille = roll(3) ? 0 : roll(100);
    hold_most = (hf_time)(1 + roll(60)) * HF_MS;
    outage = 0;
    r->delay = roll(40) * HF_MS / 2;
    r->a.tcp.timestamps = roll(4) != 0;
    r->a.tcp.sack = roll(6) != 0;
    r->a.tcp.window_scaling = roll(6) != 0;
    r->seed = number + 1;
}

static const char *play(uint64_t number, int64_t fail_at)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    struct way ways[2];
    const char *wrong = NULL;
    hf_time until;

    rig_pair(r, number & 1, &c, &s);
    choose(r, number);
    r->filter = wire;
    if (roll(3) == 0)
        tcp_set_rcvbuf(&s->tcb, 4096 + roll(60000));
    if (roll(3) == 0)
        c->tcb.opts.congestion = 1;
    ways[0] = (struct way){c, s, roll(300000), 0, 0};
    ways[1] = (struct way){s, c, roll(4) ? 0 : roll(100000), 0, 0};
    r->fail_at = fail_at;
    until = r->now + 3600 * HF_S;
    while (!wrong && (ways[0].got < ways[0].total || ways[1].got < ways[1].total)) {
        if (!step(&ways[0]) || !step(&ways[1]))
            wrong = "a byte or the scoreboard is wrong";
        else if (tcp_state(&c->tcb) == TCP_CLOSED || r->now > until)
            wrong = "it never ends";
        run(r, (1 + roll(5)) * HF_MS);
    }
    r->fail_at = -1;
    r->filter = NULL;
    run(r, 130 * HF_S);
    if (!wrong && (repair_of(&c->tcb) || repair_of(&s->tcb)))
        wrong = "something is kept of repair";
    tcp_close(&c->tcb, true);
    run(r, HF_S);
    tcp_close(&s->tcb, true);
    run(r, HF_S);
    return rig_end(r) || wrong ? wrong : "memory is lost";
}

int main(int argc, char **argv)
{
    unsigned first = argc > 1 ? (unsigned)atoi(argv[1]) : 0, bad = 0;

    tap_begin(120);
    for (unsigned n = first; n < (argc > 1 ? first + 1 : 300); n++) {
        const char *wrong = play(n, -1);

        if (wrong)
            fprintf(stderr, "# run %u: %s\n", n, wrong);
        bad += wrong != NULL;
    }
    EQ(bad, 0, "over any wire the bytes arrive, and nothing is left behind");
    for (int64_t fail_at = 0; fail_at < 120; fail_at++) {
        const char *wrong = play(7 + (uint64_t)fail_at * 13, fail_at);

        if (wrong)
            fprintf(stderr, "# allocation %d failed: %s\n", (int)fail_at, wrong);
        bad += wrong != NULL;
    }
    EQ(bad, 0, "whichever allocation fails");
    return tap_end();
}
