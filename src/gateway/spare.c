/* Stream sockets of the host's, made while nobody waits for one: of each family that has been asked
 * for, a few, when there are none left. So most dials have nothing of that to be waited for. */
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "gateway/inside.h"

/* Neither side waits to fill a segment: who wants that has done it at the far ends already. Urgent
 * bytes go on as ordinary ones. */
void spare_tune(int fd)
{
    const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

static int stream_new(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    spare_tune(fd);
    return fd;
}

static void refill(struct loop_task *task)
{
    struct spares *s = ring_owner(task, struct spares, task);

    for (int i = 0; i < FAMILIES; i++) {
        int fd = 0;

        while (s->is_used[i] && s->count[i] < SPARES && fd >= 0) {
            fd = stream_new(i == FAMILY4 ? AF_INET : AF_INET6);
            if (fd >= 0)
                s->fd[i][s->count[i]++] = fd;
        }
    }
}

void spares_init(struct spares *s, struct loop *loop)
{
    s->loop = loop;
    s->task.run = refill;
}

void spares_fini(struct spares *s)
{
    loop_unpost(s->loop, &s->task);
    for (int i = 0; i < FAMILIES; i++) {
        while (s->count[i])
            close(s->fd[i][--s->count[i]]);
    }
}

int spare_take(struct spares *s, int family)
{
    int i = family == AF_INET ? FAMILY4 : FAMILY6;
    int fd = s->count[i] ? s->fd[i][--s->count[i]] : stream_new(family);

    s->is_used[i] = true;
    if (!s->count[i])
        loop_post(s->loop, &s->task);
    return fd;
}
