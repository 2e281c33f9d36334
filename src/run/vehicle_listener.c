/* Vehicle U as a listener: it has connections of ours in its queue, *bells*, for as long as some
 * wait in the stack. They are never the program's to take. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "run/files.h"
#include "run/reap.h"
#include "run/rendezvous.h"
#include "run/vehicle.h"

#define PENDING_SCAN HF_S
#define IDLE_SCAN    (10 * HF_S)

int vehicle_listening(struct file *f)
{
    /* Taking a bell back must never wait, whatever mode the program has put the file in. */
    struct timeval at_once = {.tv_usec = 1};
    int err = rendezvous_listen(f->sv, f->fd, &f->rendezvous);

    if (err < 0)
        return err;
    (void)setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &at_once, sizeof(at_once));
    f->state = FILE_LISTENING;
    reap_within(f->sv, IDLE_SCAN);
    return 0;
}

/* Whoever waits for the listener wakes and sees a hang-up. Deviates: with IN and RDHUP, without
 * OUT. The next call that makes something of the socket renews the vehicle. */
void vehicle_unlisten(struct file *f)
{
    (void)shutdown(f->fd, SHUT_RDWR);
    file_shut(&f->bell);
    file_shut(&f->rendezvous);
    hf_sock_close(f->ready);
    f->ready = NULL;
    f->state = FILE_FAILED;
}

/* Takes the oldest bell out of the vehicle's queue. */
static void silence(struct file *f, int *bell)
{
    int fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        close(fd);
    file_shut(bell);
}

static void ring(struct file *f)
{
    f->bell = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (f->bell >= 0 && rendezvous_connect(f->bell, f->rendezvous) < 0)
        file_shut(&f->bell);
    reap_within(f->sv, reap_is_held_open(f) ? PENDING_SCAN : 0);
}

static bool connection_waits(const struct file *f)
{
    return f->ready || (hf_sock_poll(f->sk) & HF_POLLIN);
}

void vehicle_ring(struct file *f)
{
    bool waits = connection_waits(f);

    if (!waits && f->bell >= 0)
        silence(f, &f->bell);
    else if (waits && f->bell < 0)
        ring(f);
}

void vehicle_ring_anew(struct file *f)
{
    int old = f->bell;

    if (old < 0 || !connection_waits(f)) {
        vehicle_ring(f);
        return;
    }
    /* The new bell before the old one goes: readable throughout, with an edge. */
    ring(f);
    if (f->bell < 0)
        f->bell = old;
    else
        silence(f, &old);
}
