/* poll(), in the script's time. */
#include <errno.h>

#include "packetdrill/drill.h"

static int count_ready(struct drill *d, struct pollfd *fds, nfds_t n)
{
    int ready = 0;

    for (nfds_t i = 0; i < n; i++) {
        struct placeholder *p = fds[i].fd < 0 ? NULL : drill_find(d, fds[i].fd);
        short always = POLLERR | POLLHUP;

        fds[i].revents = 0;
        if (p)
            fds[i].revents = (short)hf_sock_poll(p->sk) & (fds[i].events | always);
        else if (fds[i].fd >= 0)
            fds[i].revents = POLLNVAL;
        ready += fds[i].revents != 0;
    }
    return ready;
}

static int call_poll(void *userdata, struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct drill *d = userdata;
    hf_time until;
    int ready;

    pthread_mutex_lock(&d->lock);
    until = timeout_ms < 0 ? HF_TIME_NEVER : d->now + timeout_ms * HF_MS;
    while ((ready = count_ready(d, fds, n)) == 0 && drill_wait(d, until))
        ;
    return (int)calls_end(d, ready);
}

void events_fill(struct packetdrill_interface *table)
{
    table->poll = call_poll;
}
