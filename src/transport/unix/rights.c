/* Descriptors in messages, and those that only messages nobody can read refer to. Linux:
 * unix_inflight, unix_gc.
 *
 * A socket in a message whose every reference is in messages can be used by nobody unless somebody
 * reads it out of the queue of a socket that can be used. So, among the sockets in flight: who has
 * a reference from outside the messages is reached; who lies in the queue of one that is reached,
 * or of one that never was in flight, is reached too. The queues of the rest are emptied. Looked
 * for after a socket has closed, as on Linux, and only among sockets in flight. */
#include "transport/unix/internal.h"

enum { COLLECT_LEAST = 64 };

static struct unix_pcb *socket_of(struct unix_net *net, const struct hf_ref *ref)
{
    return ref->sk ? net->up->of_sock(ref->sk) : NULL;
}

void refs_launch(struct unix_net *net, const struct hf_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct unix_pcb *u = socket_of(net, &refs[i]);

        if (!u)
            continue;
        net->flight_count++;
        if (u->flights++ == 0)
            list_push_back(&net->in_flight, &u->flight);
    }
    /* Those that close while in flight are not heard of: look again whenever there are twice as
     * many. */
    if (net->flight_count > net->collect_at + COLLECT_LEAST)
        net->has_garbage = true;
}

void refs_land(struct unix_net *net, const struct hf_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct unix_pcb *u = socket_of(net, &refs[i]);

        if (!u)
            continue;
        net->flight_count--;
        if (--u->flights == 0)
            list_remove(&u->flight);
    }
}

typedef void visit_fn(struct unix_pcb *u, const struct hf_ref *ref, struct list *more);

static void visit_messages(struct unix_pcb *u, visit_fn *visit, struct list *more)
{
    list_for_each (l, &u->queue) {
        const struct unix_record *r = container_of(l, struct unix_record, link);

        for (uint32_t i = 0; i < r->ref_count; i++) {
            struct unix_pcb *to = socket_of(u->net, &r->refs[i]);

            if (to)
                visit(to, &r->refs[i], more);
        }
    }
}

/* What lies in a listener's queue lies in the queues of those that wait there. */
static void visit_queue(struct unix_pcb *u, visit_fn *visit, struct list *more)
{
    if (u->state != UNIX_LISTEN) {
        visit_messages(u, visit, more);
        return;
    }
    list_for_each (l, &u->queue) {
        visit_messages(container_of(l, struct unix_pcb, pending), visit, more);
    }
}

static void count_inside(struct unix_pcb *u, const struct hf_ref *ref, struct list *more)
{
    u->flights_inside++;
    u->is_reached = u->net->host.ref_count(u->net->host.ctx, ref) > u->flights;
}

static void reach(struct unix_pcb *u, const struct hf_ref *ref, struct list *more)
{
    if (u->is_reached)
        return;
    u->is_reached = 1;
    list_remove(&u->flight);
    list_push_back(more, &u->flight);
}

static void drain(struct unix_pcb *u)
{
    u->oob = NULL;
    while (!list_empty(&u->queue))
        record_drop(u, record_first(u));
}

static void drain_all(struct unix_pcb *u)
{
    if (u->state != UNIX_LISTEN) {
        drain(u);
        return;
    }
    list_for_each (l, &u->queue) {
        drain(container_of(l, struct unix_pcb, pending));
    }
}

/* Moves those that are reached from in_flight to `reached`, and whom they reach behind them. */
static void mark(struct unix_net *net, struct list *reached)
{
    list_for_each (l, &net->in_flight) {
        struct unix_pcb *u = container_of(l, struct unix_pcb, flight);

        u->flights_inside = 0;
        u->is_reached = 0;
    }
    list_for_each (l, &net->in_flight) {
        visit_queue(container_of(l, struct unix_pcb, flight), count_inside, NULL);
    }
    /* Fewer messages in flying queues than in all: one lies in the queue of a socket that never
     * was in flight, and is held by its owner. */
    list_for_each (l, &net->in_flight) {
        struct unix_pcb *u = container_of(l, struct unix_pcb, flight);

        if (!u->is_reached && u->flights_inside == u->flights)
            continue;
        u->is_reached = 1;
        list_remove(&u->flight);
        list_push_back(reached, &u->flight);
    }
    for (struct list *l = reached->next; l != reached; l = l->next)
        visit_queue(container_of(l, struct unix_pcb, flight), reach, reached);
}

void unix_collect(struct unix_net *net)
{
    struct list reached;

    net->has_garbage = false;
    if (list_empty(&net->in_flight) || !net->host.ref_count)
        return;
    list_init(&reached);
    mark(net, &reached);
    while (!list_empty(&net->in_flight)) {
        struct unix_pcb *u = container_of(net->in_flight.next, struct unix_pcb, flight);

        list_remove(&u->flight);
        list_push_back(&reached, &u->flight);
        unix_ref(u);
        drain_all(u);
        unix_unref(u);
    }
    while (!list_empty(&reached)) {
        struct list *l = list_pop_front(&reached);

        list_push_back(&net->in_flight, l);
    }
    net->collect_at = 2 * net->flight_count + COLLECT_LEAST;
}
