/* Epoll sets of a script. Linux: ep_poll_callback, ep_send_events.
 *
 * A set is behind a number of /dev/null like a socket; it knows its members, few as they are.
 * After each call, and each time something was due, every member is looked at: an edge-triggered
 * one becomes ready by what has come about since, any other by what holds. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "handfast/linux.h"
#include "packetdrill/drill.h"

struct member {
    struct member *next;
    const struct placeholder *p;
    struct epoll_event event;
    uint32_t shown; /* the mask at the last look */
    int readable;   /* and the bytes that could be read */
    unsigned events;
    bool is_ready, is_spent; /* EPOLLONESHOT: told, and not armed again */
};

struct epoll_set {
    struct member *members;
};

static uint32_t asked(const struct member *m)
{
    return m->event.events | EPOLLERR | EPOLLHUP;
}

/* What has come about since the last look: bits that were not shown, more bytes; and when the
 * stack tells of something else while an error stands, one more error. */
static uint32_t edges(struct member *m, uint32_t mask)
{
    uint32_t new = mask & ~m->shown;
    bool has_event = m->events != m->p->events;
    int readable = 0;

    if (!hf_sock_ioctl(m->p->sk, HF_SIOCINQ, &readable) && readable > m->readable)
        new |= mask &(EPOLLIN | EPOLLRDNORM);
    if (has_event && !new)
        new = mask &EPOLLERR;
    m->shown = mask;
    m->readable = readable;
    m->events = m->p->events;
    return new;
}

static void look(struct member *m)
{
    uint32_t mask = hf_sock_poll(m->p->sk), new = edges(m, mask);

    if (m->is_spent || !(mask & asked(m)))
        m->is_ready = false;
    else if (!(m->event.events & EPOLLET) || new &asked(m))
        m->is_ready = true;
}

void epoll_settle(struct drill *d)
{
    for (int fd = 0; fd < DRILL_FDS; fd++)
        for (struct member *m = d->sets[fd] ? d->sets[fd]->members : NULL; m; m = m->next)
            look(m);
}

static struct member **find(struct epoll_set *set, const struct placeholder *p)
{
    struct member **at = &set->members;

    while (*at && (*at)->p != p)
        at = &(*at)->next;
    return at;
}

static void take_out(struct member **at)
{
    struct member *m = *at;

    *at = m->next;
    free(m);
}

void epoll_forget(struct drill *d, int fd)
{
    struct epoll_set *set = d->sets[fd];

    for (int i = 0; d->fds[fd] && i < DRILL_FDS; i++)
        if (d->sets[i] && *find(d->sets[i], d->fds[fd]))
            take_out(find(d->sets[i], d->fds[fd]));
    while (set && set->members)
        take_out(&set->members);
    free(set);
    d->sets[fd] = NULL;
}

static int call_epoll_create(void *userdata, int size)
{
    struct drill *d = userdata;
    struct epoll_set *set = calloc(1, sizeof(*set));
    int fd;

    pthread_mutex_lock(&d->lock);
    fd = set && size > 0 ? drill_number() : -1;
    if (fd < 0)
        free(set);
    else
        d->sets[fd] = set;
    return (int)calls_end(d, fd >= 0 ? fd : size > 0 ? -errno : -EINVAL);
}

static void arm(struct member *m, const struct epoll_event *event)
{
    m->event = *event;
    m->is_spent = false;
    m->is_ready = (hf_sock_poll(m->p->sk) & asked(m)) != 0;
}

static int control(struct epoll_set *set, int op, const struct placeholder *p,
                   const struct epoll_event *event)
{
    struct member **at = find(set, p);

    if (op == EPOLL_CTL_ADD) {
        if (*at)
            return -EEXIST;
        *at = calloc(1, sizeof(**at));
        if (!*at)
            return -ENOMEM;
        (*at)->p = p;
        (void)edges(*at, hf_sock_poll(p->sk));
        arm(*at, event);
        return 0;
    }
    if (!*at)
        return -ENOENT;
    if (op == EPOLL_CTL_DEL)
        take_out(at);
    else if (op != EPOLL_CTL_MOD || (*at)->event.events & EPOLLEXCLUSIVE)
        return -EINVAL;
    else
        arm(*at, event);
    return 0;
}

static int call_epoll_ctl(void *userdata, int epfd, int op, int fd, struct epoll_event *event)
{
    struct drill *d = userdata;
    struct placeholder *p;
    int result = -EBADF;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    if (p && epfd >= 0 && epfd < DRILL_FDS)
        result = d->sets[epfd] ? control(d->sets[epfd], op, p, event) : -EINVAL;
    return (int)calls_end(d, result);
}

static int collect(struct epoll_set *set, struct epoll_event *events, int n)
{
    int told = 0;

    for (struct member *m = set->members; m && told < n; m = m->next) {
        uint32_t mask = hf_sock_poll(m->p->sk) & asked(m);

        if (!m->is_ready || !mask)
            continue;
        events[told++] = (struct epoll_event){mask, m->event.data};
        m->is_spent = m->event.events & EPOLLONESHOT;
        m->is_ready = !m->is_spent && !(m->event.events & EPOLLET);
    }
    return told;
}

static int call_epoll_wait(void *userdata, int epfd, struct epoll_event *events, int n,
                           int timeout_ms)
{
    struct drill *d = userdata;
    struct epoll_set *set;
    hf_time until;
    int told = -EINVAL;

    pthread_mutex_lock(&d->lock);
    set = epfd >= 0 && epfd < DRILL_FDS ? d->sets[epfd] : NULL;
    until = timeout_ms < 0 ? HF_TIME_NEVER : d->now + timeout_ms * HF_MS;
    while (set && n > 0 && (told = collect(set, events, n)) == 0 && drill_wait(d, until))
        ;
    return (int)calls_end(d, told);
}

void epoll_fill(struct packetdrill_interface *table)
{
    table->epoll_create = call_epoll_create;
    table->epoll_ctl = call_epoll_ctl;
    table->epoll_wait = call_epoll_wait;
}
