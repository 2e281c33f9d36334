/* The timing wheel against an array of due times. */
#include "base/wheel.h"

#include "tap.h"
#include "testenv.h"

#define TIMERS 300
#define TICK   ((hf_time)1 << WHEEL_TICK_BITS)

struct model {
    struct timer timer;
    bool armed;
    uint64_t tick; /* when it is to fire */
};

static struct wheel wheel;
static struct model model[TIMERS];
static struct testenv env;
static hf_time now;
static bool wrong;
static int fired;
static uint64_t last_tick; /* of the newest timer fired in this advance */
static bool rearm;

static hf_time random_due(void)
{
    static const unsigned bits[] = {3, 17, 19, 24, 29, 34, 40, 46, 52, 58, 61};
    hf_time delta = (hf_time)(testenv_next(&env) >> (64 - bits[testenv_below(&env, 11)]));

    if (testenv_below(&env, 4) == 0)
        delta = delta / TICK * TICK;
    if (testenv_below(&env, 16) == 0)
        return now - HF_MIN(now, delta);
    return now + delta;
}

static void arm(struct model *m, hf_time due)
{
    if (!m->armed && testenv_below(&env, 4) == 0)
        wheel_arm_soon(&wheel, &m->timer, due);
    else
        wheel_arm(&wheel, &m->timer, due);
    m->armed = true;
    m->tick = ((uint64_t)due + (uint64_t)TICK - 1) / (uint64_t)TICK;
}

static void on_fire(struct timer *timer)
{
    struct model *m = container_of(timer, struct model, timer);
    struct model *other = &model[testenv_below(&env, TIMERS)];

    fired++;
    wrong |= !m->armed || timer->due > now || timer_is_armed(timer);
    wrong |= m->tick < last_tick && m->tick >= wheel.tick;
    last_tick = m->tick;
    m->armed = false;
    if (!rearm)
        return;
    switch (testenv_below(&env, 4)) {
    case 0:
        arm(m, random_due());
        break;
    case 1:
        arm(other, random_due());
        break;
    case 2:
        wheel_cancel(&wheel, &other->timer);
        other->armed = false;
        break;
    }
}

/* Nothing that was due before the advance may be left, but what was armed for the past meanwhile.
 */
static void advance(hf_time to)
{
    hf_time next = wheel_next(&wheel);
    uint64_t earliest = UINT64_MAX;
    int due = 0, before = fired;

    for (int i = 0; i < TIMERS; i++) {
        if (!model[i].armed)
            continue;
        earliest = HF_MIN(earliest, model[i].tick);
        due += model[i].tick <= (uint64_t)to / (uint64_t)TICK;
    }
    wrong |= (next == HF_TIME_NEVER) != (earliest == UINT64_MAX);
    wrong |= next != HF_TIME_NEVER && (uint64_t)next / (uint64_t)TICK > earliest && next > now;
    now = to;
    last_tick = 0;
    wheel_advance(&wheel, now);
    wrong |= !rearm && fired - before != due;
}

static void start(hf_time origin)
{
    now = origin;
    wrong = false;
    fired = 0;
    wheel_init(&wheel, now);
    for (int i = 0; i < TIMERS; i++) {
        timer_init(&model[i].timer, on_fire);
        model[i].armed = false;
    }
}

static void check_state(void)
{
    for (int i = 0; i < TIMERS; i++) {
        wrong |= model[i].armed != timer_is_armed(&model[i].timer);
        if (!rearm)
            wrong |= model[i].armed && model[i].tick <= (uint64_t)now / (uint64_t)TICK;
    }
}

static bool random_run(hf_time origin, int steps)
{
    start(origin);
    for (int step = 0; step < steps; step++) {
        for (uint32_t n = testenv_below(&env, 6); n; n--) {
            struct model *m = &model[testenv_below(&env, TIMERS)];

            if (testenv_below(&env, 4) == 0) {
                wheel_cancel(&wheel, &m->timer);
                m->armed = false;
            } else {
                arm(m, random_due());
            }
        }
        if (testenv_below(&env, 8) == 0 && wheel_next(&wheel) < HF_TIME_NEVER / 2)
            advance(HF_MAX(now, wheel_next(&wheel)));
        else
            advance(now + (hf_time)(testenv_next(&env) >> (24 + testenv_below(&env, 34))));
        check_state();
        if (now > HF_TIME_NEVER / 4)
            start(origin);
    }
    return !wrong;
}

/* A row: armed this long after an origin, the last instant at which it must not have fired. */
static void boundaries(void)
{
    static const hf_time due[] = {1,           TICK - 1,         TICK,          TICK + 1,
                                  63 * TICK,   64 * TICK,        64 * TICK + 1, 65 * TICK,
                                  4095 * TICK, 4096 * TICK,      4097 * TICK,   262144 * TICK,
                                  TICK << 30,  (TICK << 36) - 1, TICK << 42,    (TICK << 42) + 1};
    static const hf_time origin[] = {0, 1, TICK - 1, 63 * TICK, (TICK << 42) - 1, TICK << 42};
    bool early = false, late = false;

    for (size_t o = 0; o < HF_COUNT(origin); o++) {
        for (size_t i = 0; i < HF_COUNT(due); i++) {
            hf_time at = origin[o] + due[i];

            start(origin[o]);
            arm(&model[0], at);
            if ((at - 1) / TICK < (hf_time)model[0].tick)
                wheel_advance(&wheel, now = at - 1);
            early |= fired > 0;
            wheel_advance(&wheel, now = (at + TICK - 1) / TICK * TICK);
            late |= fired != 1;
        }
    }
    OK(!early, "a timer does not fire before its time, whatever boundary it stands at");
    OK(!late, "a timer has fired at the end of its tick");
}

static void rearm_at_once(struct timer *timer)
{
    fired++;
    wheel_arm(&wheel, timer, 0);
}

static struct timer many[1000];
static bool in_order;

static void fire_next(struct timer *timer)
{
    in_order &= timer == &many[fired++];
}

/* However many levels they come down together. */
static void same_tick(hf_time due)
{
    start(TICK);
    in_order = true;
    for (size_t i = 0; i < HF_COUNT(many); i++) {
        timer_init(&many[i], fire_next);
        wheel_arm(&wheel, &many[i], due);
    }
    for (now = TICK; now < due; now = HF_MIN(due, now + due / 10))
        wheel_advance(&wheel, now);
    wheel_advance(&wheel, due);
    OK(in_order && fired == (int)HF_COUNT(many), "timers of one tick fire in the order of arming");
}

static struct timer *victim;

static void cancel_victim(struct timer *timer)
{
    fired++;
    wheel_cancel(&wheel, victim);
}

int main(void)
{
    struct timer a, b;

    tap_begin(60);
    rearm = false;
    OK(random_run(0, 20000), "random operations agree with the model");
    OK(random_run((TICK << 42) - 5 * TICK, 20000), "so they do across the top digits");
    rearm = true;
    OK(random_run(12345, 20000), "firing timers may arm and cancel any");
    rearm = false;
    boundaries();
    same_tick(5 * TICK);
    same_tick(300 * TICK);
    same_tick(100000 * TICK);

    start(1000 * TICK);
    EQ(wheel_next(&wheel), HF_TIME_NEVER, "an empty wheel has nothing to do");
    arm(&model[0], HF_TIME_NEVER);
    EQ(wheel_next(&wheel) > HF_TIME_NEVER / 2, 1, "a timer for never is no reason to wake soon");
    advance(HF_TIME_NEVER - TICK);
    EQ(fired, 0, "a timer for never does not fire");

    start(1000 * TICK);
    arm(&model[0], 5);
    OK(wheel_next(&wheel) <= now, "a timer for the past is due at once");
    advance(now);
    EQ(fired, 1, "a timer for the past fires at the next advance though no tick has passed");

    start(0);
    timer_init(&a, rearm_at_once);
    wheel_arm(&wheel, &a, 7 * TICK);
    wheel_advance(&wheel, 100 * TICK);
    EQ(fired, 1, "a timer that arms itself for the past waits for the next advance");
    wheel_advance(&wheel, 100 * TICK);
    EQ(fired, 2, "and fires then");

    start(0);
    timer_init(&a, cancel_victim);
    timer_init(&b, cancel_victim);
    victim = &b;
    wheel_arm(&wheel, &a, TICK);
    wheel_arm(&wheel, &b, TICK);
    wheel_advance(&wheel, TICK);
    EQ(fired, 1, "a timer cancelled by one of the same tick does not fire");
    EQ(wheel_next(&wheel), HF_TIME_NEVER, "and nothing is left behind");
    return tap_end();
}
