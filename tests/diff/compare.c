/* Two sides run one program; the first step at which they differ; the shortest program that shows
 * it.
 *
 * The stack runs first: it takes no time. Then the kernel, which is given a moment to come to the
 * same poll masks, because its packets may be carried by another thread. A difference counts only
 * if it comes again when every step is left alone for some milliseconds. */
#include "diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETTLE_MS = 12, /* with STEPS_MOST steps less than TCP's first timeout, a second */
    SURE_RUNS = 3,
    TRIES_MOST = 1500,
    PORT_BASE_FIRST = 10000,
    PORT_BASE_LAST = 32000,
};

struct seen {
    char text[TEXT_MOST];
    long long ret;
    int masks[SLOTS];
};

static struct seen on_stack[STEPS_MOST], on_kernel[STEPS_MOST];
static uint16_t base = PORT_BASE_LAST, low;

/* Other ports for each run: the kernel still keeps some of the last one's in TIME-WAIT. */
static void next_ports(void)
{
    base = (uint16_t)(base + PORTS);
    if (base < PORT_BASE_LAST)
        return;
    base = PORT_BASE_FIRST;
    if (!kernel_enter()) {
        perror("another network namespace");
        exit(2);
    }
}

/* A step on a slot that is empty is no call at all. */
static bool is_idle(const struct step *s, int (*mask)(int slot))
{
    int slot = s->op == OP_ACCEPT ? s->f[F_FROM] : s->f[F_SLOT];

    return s->op != OP_SOCKET && s->op != OP_WAIT && mask(slot) < 0;
}

typedef void run_fn(int at, const struct step *s, struct outcome *o);

static void run_step(int at, const struct step *s, run_fn *run, int (*mask)(int slot),
                     bool (*is_stream)(int slot), struct port_names *names, struct seen *seen)
{
    static uint8_t data[DATA_MOST];
    struct outcome o;

    memset(&o, 0, sizeof(o));
    memset(o.name, 0xaa, sizeof(o.name));
    memset(o.value, 0xaa, sizeof(o.value));
    memset(data, 0xaa, (size_t)(s->f[F_N] > 0 && s->f[F_N] <= DATA_MOST ? s->f[F_N] : 0));
    o.data = data;
    seen->text[0] = 0;
    seen->ret = 0;
    if (!is_idle(s, mask)) {
        run(at, s, &o);
        outcome_text(s, is_stream(s->f[F_SLOT]), &o, names, seen->text, sizeof(seen->text));
        seen->ret = o.ret;
    }
    for (int i = 0; i < SLOTS; i++)
        seen->masks[i] = mask(i);
}

static void run_stack(const struct program *p, int settle_ms)
{
    struct port_names names = {.base = base, .low = low};

    stack_reset(p->privileged, base, low);
    for (int i = 0; i < p->n; i++) {
        run_step(i, &p->steps[i], stack_run, stack_mask, stack_is_stream, &names, &on_stack[i]);
        if (settle_ms) {
            stack_settle(settle_ms);
            for (int k = 0; k < SLOTS; k++)
                on_stack[i].masks[k] = stack_mask(k);
        }
    }
}

static bool masks_agree(int at)
{
    for (int wait_ms = 0;; wait_ms += 1 + wait_ms) {
        bool same = true;

        for (int i = 0; i < SLOTS; i++) {
            on_kernel[at].masks[i] = kernel_mask(i);
            same &= on_kernel[at].masks[i] == on_stack[at].masks[i];
        }
        if (same || wait_ms > 8)
            return same;
        kernel_settle(wait_ms);
    }
}

static void masks_text(const struct seen *a, const struct seen *b, char *text, size_t room)
{
    struct text t = {text, room, 0};
    char one[100];

    text[0] = 0;
    for (int i = 0; i < SLOTS; i++) {
        if (a->masks[i] == b->masks[i])
            continue;
        mask_text((uint32_t)a->masks[i], one, sizeof(one));
        text_put(&t, "[%d] %s", i, one);
    }
}

/* The same cause should have the same signature, whatever else a program does. */
static void sign(const struct program *p, struct difference *d, bool by_mask)
{
    const struct step *s = &p->steps[d->at];
    struct step bare = *s;
    struct text t = {d->signature, sizeof(d->signature), 0};
    char line[160];

    for (int i = 0; i < FIELDS; i++)
        if (i != F_LEVEL && i != F_NAME && i != F_FLAGS)
            bare.f[i] = i == F_FAMILY || i == F_LEN ? -1 : 0;
    step_print(&bare, line, sizeof(line));
    if (by_mask)
        text_put(&t, "%s: mask %.50s / %.50s", line + 2, d->kernel + 3, d->stack + 3);
    else
        text_put(&t, "%s: %.*s / %.*s", line + 2, (int)strcspn(d->kernel, " "), d->kernel,
                 (int)strcspn(d->stack, " "), d->stack);
}

bool compare(const struct program *p, int settle_ms, struct difference *d)
{
    struct port_names names;

    next_ports();
    low = (uint16_t)(100 + base % 900);
    names = (struct port_names){.base = base, .low = low};
    run_stack(p, settle_ms);
    kernel_reset(p->privileged, base, low);
    for (int i = 0; i < p->n; i++) {
        run_step(i, &p->steps[i], kernel_run, kernel_mask, kernel_is_stream, &names, &on_kernel[i]);
        if (settle_ms)
            kernel_settle(settle_ms);
        d->at = i;
        if (strcmp(on_kernel[i].text, on_stack[i].text) != 0) {
            memcpy(d->kernel, on_kernel[i].text, sizeof(d->kernel));
            memcpy(d->stack, on_stack[i].text, sizeof(d->stack));
            sign(p, d, false);
            return false;
        }
        if (!masks_agree(i)) {
            masks_text(&on_kernel[i], &on_stack[i], d->kernel, sizeof(d->kernel));
            masks_text(&on_stack[i], &on_kernel[i], d->stack, sizeof(d->stack));
            sign(p, d, true);
            return false;
        }
    }
    return true;
}

bool compare_surely(const struct program *p, struct difference *d)
{
    if (compare(p, 0, d))
        return true;
    for (int i = 0; i < SURE_RUNS; i++)
        if (compare(p, SETTLE_MS, d))
            return true;
    return false;
}

/* ---- shrinking ---- */

static bool still_shows(const struct program *p, const char *signature, int *tries)
{
    struct difference d;

    if (++*tries > TRIES_MOST)
        return false;
    return !compare(p, 0, &d) && strcmp(d.signature, signature) == 0;
}

static bool try_without(struct program *p, int first, int n, const char *signature, int *tries)
{
    struct program q = *p;

    memmove(q.steps + first, q.steps + first + n, (size_t)(q.n - first - n) * sizeof(struct step));
    q.n -= n;
    if (!still_shows(&q, signature, tries))
        return false;
    *p = q;
    return true;
}

static bool try_value(struct program *p, int at, int field, int value, const char *signature,
                      int *tries)
{
    struct program q = *p;

    if (q.steps[at].f[field] == value)
        return false;
    q.steps[at].f[field] = value;
    if (!still_shows(&q, signature, tries))
        return false;
    *p = q;
    return true;
}

static void simplify(struct program *p, const char *signature, int *tries)
{
    static const struct {
        int field, value;
    } plain[] = {{F_FLAGS, 0}, {F_CTL, 0}, {F_CTLROOM, 0}, {F_ROOM, 0}, {F_ROOM, 16}, {F_ROOM, 4},
                 {F_N, 1},     {F_N, 0},   {F_FAMILY, -1}, {F_LEN, -1}, {F_LEN, 4},   {F_VALUE, 1}};

    for (int i = 0; i < p->n; i++) {
        for (size_t k = 0; k < COUNT(plain); k++) {
            int n = p->steps[i].f[plain[k].field];

            if (plain[k].field != F_ROOM || n == 0 || (n > plain[k].value && plain[k].value))
                try_value(p, i, plain[k].field, plain[k].value, signature, tries);
        }
    }
}

void shrink(struct program *p, struct difference *d)
{
    char signature[sizeof(d->signature)];
    int tries = 0;

    memcpy(signature, d->signature, sizeof(signature));
    p->n = d->at + 1;
    for (int n = p->n / 2; n >= 1; n /= 2)
        for (int first = p->n - n; first >= 0; first--)
            if (first + n <= p->n)
                try_without(p, first, n, signature, &tries);
    for (int first = p->n - 2; first >= 0; first--)
        try_without(p, first, 1, signature, &tries);
    simplify(p, signature, &tries);
    if (compare(p, 0, d)) /* shows only sometimes */
        memcpy(d->signature, signature, sizeof(signature));
}

void report(const struct program *p, const struct difference *d)
{
    char line[400];

    if (p->privileged)
        puts("privileged");
    for (int i = 0; i < p->n && i <= d->at; i++) {
        step_print(&p->steps[i], line, sizeof(line));
        puts(line);
        if (i < d->at && on_kernel[i].text[0] && strcmp(on_kernel[i].text, "0") != 0)
            printf("#   %s\n", on_kernel[i].text);
    }
    printf("# kernel: %s\n# stack:  %s\n", d->kernel, d->stack);
    fflush(stdout);
}
