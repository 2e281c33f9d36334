/* Epoll sets. Linux: ep_poll_callback, ep_send_events.
 *
 * An item joins a socket's file and a set. `membership` is held to make and unmake one; a file's
 * list of items may be read with its host's lock alone, a set's ready list is under the set's own.
 *
 * A level-triggered item is in the ready list while its socket shows what is asked for: it is told
 * again and again, and leaves the list when a call has used up what was there. An edge-triggered
 * one is put there by an edge, and leaves when it has been told. */
#define _GNU_SOURCE
#include "host/epoll.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handfast/linux.h"
#include "host/descriptor.h"

struct item {
    struct ring in_file, in_set, in_ready;
    struct file *file;
    struct epoll_set *set;
    int fd; /* the number it was added by */
    struct epoll_event event;
    uint32_t mask; /* what the socket shows */
    bool is_spent; /* EPOLLONESHOT: told, and not armed again */
};

static pthread_mutex_t membership = PTHREAD_MUTEX_INITIALIZER;

struct epoll_set *epoll_set_new(void)
{
    struct epoll_set *set = calloc(1, sizeof(*set));

    if (!set)
        return NULL;
    set->bell = descriptor_hide(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    set->kernels = -1;
    if (set->bell < 0) {
        free(set);
        return NULL;
    }
    pthread_mutex_init(&set->lock, NULL);
    ring_init(&set->members);
    ring_init(&set->ready);
    return set;
}

void epoll_set_free(struct epoll_set *set)
{
    descriptor_cancel(set->bell);
    if (set->kernels >= 0)
        descriptor_cancel(set->kernels);
    pthread_mutex_destroy(&set->lock);
    free(set);
}

static uint32_t asked(const struct item *it)
{
    return it->event.events | EPOLLERR | EPOLLHUP;
}

/* The set's lock is held: the bell says whether the ready list has something. */
static void settle_bell(struct epoll_set *set)
{
    bool should = !ring_alone(&set->ready);
    uint64_t count = 1;

    if (should == set->rings)
        return;
    set->rings = should;
    (void)!syscall(should ? SYS_write : SYS_read, set->bell, &count, sizeof(count));
}

static void make_ready(struct item *it)
{
    if (!it->is_spent && ring_alone(&it->in_ready))
        ring_add(&it->set->ready, &it->in_ready);
}

/* The item is told what its socket shows. True: a sleeper of its set will see it. */
static bool tell_item(struct item *it, uint32_t mask, uint32_t edges)
{
    struct epoll_set *set = it->set;
    uint32_t new = it->event.events &EPOLLET ? edges : mask;
    bool seen;

    pthread_mutex_lock(&set->lock);
    it->mask = mask;
    if (!(mask & asked(it)))
        ring_leave(&it->in_ready);
    else if (new &asked(it))
        make_ready(it);
    seen = !ring_alone(&it->in_ready) && set->sleeping > 0;
    settle_bell(set);
    pthread_mutex_unlock(&set->lock);
    return seen;
}

/* Of exclusive items, the first whose set has a sleeper is told of what is new; the others only
 * that something they were told of has gone. It goes to the end, so that they take turns. */
void epoll_tell(struct file *f, uint32_t mask, uint32_t edges)
{
    struct ring *seen_by = NULL;

    for (struct ring *r = f->items.next; r != &f->items; r = r->next) {
        struct item *it = ring_owner(r, struct item, in_file);
        bool is_exclusive = it->event.events & EPOLLEXCLUSIVE;

        if (is_exclusive && seen_by && edges)
            continue;
        if (tell_item(it, mask, edges) && is_exclusive && edges)
            seen_by = r;
    }
    if (seen_by) {
        ring_leave(seen_by);
        ring_add(&f->items, seen_by);
    }
}

static struct item *find(struct epoll_set *set, struct file *f, int fd)
{
    for (struct ring *r = f->items.next; r != &f->items; r = r->next) {
        struct item *it = ring_owner(r, struct item, in_file);

        if (it->set == set && it->fd == fd)
            return it;
    }
    return NULL;
}

/* Membership and the host's lock are held. */
static void arm(struct item *it, const struct epoll_event *ev)
{
    uint32_t mask = hf_sock_poll(it->file->sk);

    pthread_mutex_lock(&it->set->lock);
    it->event = *ev;
    it->is_spent = false;
    it->mask = mask;
    ring_leave(&it->in_ready);
    if (mask & asked(it))
        make_ready(it);
    settle_bell(it->set);
    pthread_mutex_unlock(&it->set->lock);
}

static int insert(struct epoll_set *set, struct file *f, int fd, const struct epoll_event *ev)
{
    struct item *it;

    if (find(set, f, fd))
        return -EEXIST;
    it = calloc(1, sizeof(*it));
    if (!it)
        return -ENOMEM;
    it->file = f;
    it->set = set;
    it->fd = fd;
    file_look(f);
    ring_init(&it->in_ready);
    ring_add(&f->items, &it->in_file);
    ring_add(&set->members, &it->in_set);
    atomic_store(&f->watched, true);
    arm(it, ev);
    return 0;
}

static void drop(struct item *it)
{
    pthread_mutex_lock(&it->set->lock);
    ring_leave(&it->in_ready);
    settle_bell(it->set);
    pthread_mutex_unlock(&it->set->lock);
    ring_leave(&it->in_file);
    ring_leave(&it->in_set);
    free(it);
}

static int modify(struct epoll_set *set, struct file *f, int fd, const struct epoll_event *ev)
{
    struct item *it = find(set, f, fd);

    if (!it)
        return -ENOENT;
    if (it->event.events & EPOLLEXCLUSIVE)
        return -EINVAL;
    arm(it, ev);
    return 0;
}

static int discard(struct epoll_set *set, struct file *f, int fd, const struct epoll_event *ev)
{
    struct item *it = find(set, f, fd);

    if (!it)
        return -ENOENT;
    drop(it);
    return 0;
}

static int locked(int change(struct epoll_set *, struct file *, int, const struct epoll_event *),
                  struct epoll_set *set, struct file *f, int fd, const struct epoll_event *ev)
{
    int err;

    pthread_mutex_lock(&membership);
    host_enter(f->host);
    world_settle(f->host->world);
    err = change(set, f, fd, ev);
    pthread_mutex_unlock(&membership); /* first: leaving may end files */
    host_leave(f->host);
    return err;
}

int epoll_set_add(struct epoll_set *set, struct file *f, int fd, const struct epoll_event *ev)
{
    return locked(insert, set, f, fd, ev);
}

int epoll_set_change(struct epoll_set *set, struct file *f, int fd, const struct epoll_event *ev)
{
    return locked(modify, set, f, fd, ev);
}

int epoll_set_remove(struct epoll_set *set, struct file *f, int fd)
{
    return locked(discard, set, f, fd, NULL);
}

/* True: the item is told again by the next call. */
static bool stays(struct item *it)
{
    if (it->event.events & EPOLLONESHOT)
        it->is_spent = true;
    return !(it->event.events & (EPOLLONESHOT | EPOLLET));
}

/* Those told go behind those that were not, so that each has its turn. */
int epoll_set_collect(struct epoll_set *set, struct epoll_event *out, int n)
{
    struct ring again;
    int told = 0;

    ring_init(&again);
    pthread_mutex_lock(&set->lock);
    while (told < n && !ring_alone(&set->ready)) {
        struct item *it = ring_owner(set->ready.next, struct item, in_ready);
        uint32_t events = it->mask & asked(it);

        ring_leave(&it->in_ready);
        if (!events)
            continue;
        out[told++] = (struct epoll_event){.events = events, .data = it->event.data};
        if (stays(it))
            ring_add(&again, &it->in_ready);
    }
    while (!ring_alone(&again)) {
        struct ring *r = again.next;

        ring_leave(r);
        ring_add(&set->ready, r);
    }
    settle_bell(set);
    pthread_mutex_unlock(&set->lock);
    return told;
}

void epoll_set_sleeps(struct epoll_set *set, bool sleeps)
{
    pthread_mutex_lock(&set->lock);
    set->sleeping += sleeps ? 1 : -1u;
    pthread_mutex_unlock(&set->lock);
}

void epoll_forget_all(void)
{
    pthread_mutex_init(&membership, NULL);
}

/* A file that was watched is freed only behind this lock, so a member's file is there. */
static void drop_locked(struct item *it)
{
    struct hf_host *h = it->file->host;

    host_lock(h);
    drop(it);
    host_unlock(h);
}

void epoll_forget_file(struct file *f)
{
    if (!f->set && !atomic_load(&f->watched))
        return;
    pthread_mutex_lock(&membership);
    while (!f->set && !ring_alone(&f->items))
        drop_locked(ring_owner(f->items.next, struct item, in_file));
    while (f->set && !ring_alone(&f->set->members))
        drop_locked(ring_owner(f->set->members.next, struct item, in_set));
    pthread_mutex_unlock(&membership);
    if (f->set)
        epoll_set_free(f->set);
}
