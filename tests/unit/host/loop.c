/* The event loop: descriptors, sources, tasks, and who may remove whom when. */
#include "host/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "host/env.h"
#include "tap.h"

static struct loop *loop;

struct watched {
    struct loop_fd fd;
    int calls;
    struct watched *victim; /* removed when this one is called */
    bool is_there;
};

static void on_ready(struct loop_fd *fd, uint32_t events)
{
    struct watched *w = (struct watched *)fd;

    w->calls++;
    if (w->victim && w->victim->is_there) {
        loop_remove(loop, &w->victim->fd);
        w->victim->is_there = false;
        memset(&w->victim->fd, 0xff, sizeof(w->victim->fd));
    }
}

static void watch(struct watched *w, uint32_t events)
{
    *w = (struct watched){
        .fd = {.fd = eventfd(1, EFD_NONBLOCK), .events = events, .ready = on_ready},
        .is_there = true};
    if (loop_add(loop, &w->fd) < 0)
        abort();
}

struct stopper {
    struct loop_task task;
    int runs, until;
};

/* Goes round the loop so many times. */
static void on_stop(struct loop_task *task)
{
    struct stopper *s = (struct stopper *)task;

    if (++s->runs == s->until)
        loop_stop(loop);
    else
        loop_post(loop, task);
}

static void run_turns(int turns)
{
    struct stopper s = {.task = {.run = on_stop}, .until = turns};

    loop_post(loop, &s.task);
    loop_run(loop);
}

static void test_descriptors(void)
{
    struct watched a, b;
    int fd;

    watch(&a, EPOLLIN);
    watch(&b, 0);
    run_turns(3);
    EQ(a.calls, 3, "a readable descriptor is told of in each turn");
    EQ(b.calls, 0, "one that nothing is asked of is not");
    loop_change(loop, &a.fd, 0);
    loop_change(loop, &b.fd, EPOLLIN);
    run_turns(2);
    OK(a.calls == 3 && b.calls == 2, "until what is asked changes");
    loop_remove(loop, &a.fd);
    fd = b.fd.fd;
    close(b.fd.fd);
    loop_remove(loop, &b.fd);
    run_turns(1);
    OK(a.calls == 3 && b.calls == 2, "removed ones are not told of");
    a.fd.fd = fd;
    OK(loop_add(loop, &a.fd) == -EBADF, "a closed descriptor is refused");
}

/* Whichever of the two comes first removes the other, whose event is in the same batch. */
static void test_removal_in_batch(void)
{
    struct watched a, b;

    watch(&a, EPOLLIN);
    watch(&b, EPOLLIN);
    a.victim = &b;
    b.victim = &a;
    run_turns(1);
    EQ(a.calls + b.calls, 1, "one removed by another in the same batch is not called");
    close(a.is_there ? a.fd.fd : b.fd.fd);
    loop_remove(loop, a.is_there ? &a.fd : &b.fd);
}

static void test_many(void)
{
    enum { MANY = 500 };
    static struct watched w[MANY];
    int calls = 0;

    for (int i = 0; i < MANY; i++)
        watch(&w[i], EPOLLIN);
    run_turns(4);
    for (int i = 0; i < MANY; i++) {
        calls += w[i].calls > 0;
        close(w[i].fd.fd);
        loop_remove(loop, &w[i].fd);
    }
    EQ(calls, MANY, "more descriptors than a batch holds are all served");
}

struct source {
    struct loop_source source;
    hf_time due;
    int polls, rounds; /* rounds: polls that leave something due */
    hf_time polled_at;
    bool stops;
};

static hf_time source_deadline(struct loop_source *s)
{
    return ((struct source *)s)->due;
}

static void source_poll(struct loop_source *self, hf_time now)
{
    struct source *s = (struct source *)self;

    s->polls++;
    s->polled_at = now;
    if (now < s->due)
        return;
    s->due = s->rounds-- > 0 ? now : HF_TIME_NEVER;
    if (s->stops)
        loop_stop(loop);
}

static void test_deadline(void)
{
    struct source s = {.source = {source_deadline, source_poll, NULL}, .stops = true};
    hf_time began = host_now();

    s.due = began + 3 * HF_MS;
    loop_add_source(loop, &s.source);
    loop_run(loop);
    OK(s.polled_at >= began + 3 * HF_MS, "a deadline is not early");
    EQ(s.polls, 1, "nor is it polled for");
    loop_remove_source(loop, &s.source);
}

/* A source that goes on to the next of its deadlines when one has come. */
struct appointments {
    struct loop_source source;
    hf_time due[4];
    int kept;
};

static hf_time appointment_deadline(struct loop_source *s)
{
    struct appointments *a = (struct appointments *)s;

    return a->due[a->kept];
}

static void appointment_poll(struct loop_source *self, hf_time now)
{
    struct appointments *a = (struct appointments *)self;

    if (now >= a->due[a->kept] && a->due[++a->kept] == HF_TIME_NEVER)
        loop_stop(loop);
}

/* Its event comes while the loop waits for a deadline. */
struct put_off {
    struct loop_fd fd;
    struct appointments *a;
    hf_time to;
};

static void on_put_off(struct loop_fd *fd, uint32_t events)
{
    struct put_off *p = (struct put_off *)fd;

    p->a->due[0] = p->to;
}

static void test_deadlines(void)
{
    struct appointments a = {.source = {appointment_deadline, appointment_poll, NULL}};
    struct put_off put_off;
    hf_time began = host_now();

    for (int i = 0; i < 3; i++)
        a.due[i] = began + (i + 1) * 2 * HF_MS;
    a.due[3] = HF_TIME_NEVER;
    loop_add_source(loop, &a.source);
    loop_run(loop);
    OK(a.kept == 3 && host_now() >= began + 6 * HF_MS, "one deadline after the other is kept");
    loop_remove_source(loop, &a.source);

    began = host_now();
    a.kept = 0;
    a.due[0] = began + 5 * HF_MS;
    a.due[1] = HF_TIME_NEVER;
    put_off = (struct put_off){
        .fd = {.fd = eventfd(1, EFD_NONBLOCK), .events = EPOLLIN | EPOLLET, .ready = on_put_off},
        .a = &a,
        .to = began + 8 * HF_MS};
    loop_add_source(loop, &a.source);
    if (loop_add(loop, &put_off.fd) < 0)
        abort();
    loop_run(loop);
    OK(host_now() >= put_off.to, "one that is put off during the wait is kept when it comes");
    loop_remove(loop, &put_off.fd);
    loop_remove_source(loop, &a.source);
    close(put_off.fd.fd);
}

static void test_rounds(void)
{
    struct source a = {.source = {source_deadline, source_poll, NULL}, .rounds = 5};
    struct source b = {.source = {source_deadline, source_poll, NULL}, .due = HF_TIME_NEVER};

    loop_add_source(loop, &a.source);
    loop_add_source(loop, &b.source);
    run_turns(1);
    EQ(a.rounds, -1, "a source is polled until nothing is due");
    EQ(b.polls, 2, "one with nothing due once after the events and once after the tasks");
    loop_remove_source(loop, &a.source);
    loop_remove_source(loop, &b.source);
}

struct counted {
    struct loop_task task;
    int runs;
    struct loop_task *takes_back;
};

static void on_count(struct loop_task *task)
{
    struct counted *c = (struct counted *)task;

    c->runs++;
    if (c->takes_back)
        loop_unpost(loop, c->takes_back);
}

static void test_tasks(void)
{
    struct counted a = {.task = {.run = on_count}}, b = a, c = a, d = a;

    loop_post(loop, &a.task);
    loop_post(loop, &a.task);
    run_turns(2);
    EQ(a.runs, 1, "a task posted twice runs once");
    loop_post(loop, &b.task);
    loop_post(loop, &c.task);
    loop_unpost(loop, &c.task);
    loop_post(loop, &d.task);
    loop_unpost(loop, &a.task);
    run_turns(2);
    OK(b.runs == 1 && c.runs == 0 && d.runs == 1, "one taken back does not run, the others do");
    b.takes_back = &c.task;
    loop_post(loop, &b.task);
    loop_post(loop, &c.task);
    run_turns(2);
    OK(b.runs == 2 && c.runs == 0, "nor one taken back by a task of the same turn");
}

static void test_stop(void)
{
    loop_stop(loop);
    loop_run(loop);
    OK(true, "a stop before the run ends it at once");
}

int main(void)
{
    tap_begin(20);
    loop = loop_new();
    test_descriptors();
    test_removal_in_batch();
    test_many();
    test_deadline();
    test_deadlines();
    test_rounds();
    test_tasks();
    test_stop();
    loop_free(loop);
    return tap_end();
}
