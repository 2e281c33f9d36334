#include "run/hold.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "run/log.h"
#include "run/notify.h"
#include "run/thread.h"

struct held {
    struct table_node node; /* by thread id */
    struct held *next;      /* on the file */
    struct call call;
    struct file *file;
    retry_fn *retry;
    struct deadline timeout;
    hf_time since; /* thread_now() */
};

static void held_free(struct held *h)
{
    struct file *f = h->file;
    struct held **at = &f->held;

    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    table_remove(&f->sv->held, &h->node);
    deadline_clear(&f->sv->deadlines, &h->timeout);
    free(h);
}

bool hold_end(const struct call *c)
{
    struct table_node *node = table_find(&c->sv->held, (uint64_t)c->tid);
    struct held *h;
    bool ends;

    if (!node)
        return false;
    h = container_of(node, struct held, node);
    ends = h->timeout.place && call_is_same(&h->call, c) && thread_is_as_of(c->tid, h->since);
    held_free(h);
    return ends;
}

static void ask_again(struct held *h, bool expired)
{
    struct call c = h->call;
    struct file *f = h->file;
    int64_t result;

    if (!notify_is_waiting(&c)) {
        held_free(h);
        return;
    }
    result = h->retry(&c, f, expired);
    if (result == CALL_HELD || f->is_dead) /* its end has answered all, and h is gone */
        return;
    held_free(h);
    log_call(&c, notify_name(&c), result);
    notify_answer(&c, result);
}

static void held_due(struct deadline *d)
{
    ask_again(container_of(d, struct held, timeout), true);
}

int64_t hold_call(const struct call *c, struct file *f, retry_fn *retry, hf_time timeout)
{
    struct supervisor *sv = c->sv;
    struct held *h;

    if (timeout == 0)
        return retry(c, f, true);
    h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->call = *c;
    h->file = f;
    h->retry = retry;
    h->since = thread_now();
    h->timeout.due = held_due;
    if (timeout != HF_TIME_NEVER &&
        deadline_set(&sv->deadlines, &h->timeout, loop_now(sv->loop) + timeout) < 0) {
        free(h);
        return -ENOMEM;
    }
    h->node.key = (uint64_t)c->tid;
    table_insert(&sv->held, &h->node);
    h->next = f->held;
    f->held = h;
    return CALL_HELD;
}

void hold_retry(struct file *f)
{
    struct held *next;

    for (struct held *h = f->held; h && !f->is_dead; h = next) {
        next = h->next;
        ask_again(h, false);
    }
}

bool hold_prune(struct file *f)
{
    struct held *next;

    for (struct held *h = f->held; h; h = next) {
        next = h->next;
        if (!notify_is_waiting(&h->call))
            held_free(h);
    }
    return !f->held;
}

bool hold_has_connect(const struct file *f)
{
    for (const struct held *h = f->held; h; h = h->next) {
        if (h->call.nr == SYS_connect)
            return true;
    }
    return false;
}

bool hold_is_awaited(const struct file *f)
{
    for (const struct held *h = f->held; h; h = h->next) {
        if (notify_is_waiting(&h->call))
            return true;
    }
    return false;
}

void hold_release(struct file *f, int64_t result)
{
    while (f->held) {
        struct call c = f->held->call;

        held_free(f->held);
        notify_answer(&c, result);
    }
}
