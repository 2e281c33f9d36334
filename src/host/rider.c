/* Descriptors in messages. Linux: scm_fp_copy, scm_detach_fds. */
#define _GNU_SOURCE
#include "host/rider.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/descriptor.h"

struct rider {
    struct rider *next; /* in world->dropped */
    struct file *file;  /* a reference, or NULL: the kernel's alone */
    int fd;
    unsigned refs; /* guarded by the host's lock */
};

static int take(int fd, struct hf_ref *out)
{
    struct rider *r;

    if (fd < 0 || fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->refs = 1;
    r->file = descriptor_get(fd);
    r->fd = descriptor_hide(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    *out = (struct hf_ref){r, r->file && r->file->is_unix ? r->file->sk : NULL};
    if (r->fd >= 0)
        return 0;
    rider_end(r);
    return -ETOOMANYREFS;
}

void rider_end(struct rider *r)
{
    file_put(r->file);
    if (r->fd >= 0)
        descriptor_cancel(r->fd);
    free(r);
}

/* One item's descriptors. */
static int take_item(const uint8_t *data, size_t len, struct hf_ref *refs, size_t *count)
{
    size_t n = len / sizeof(int);

    if (n > HF_REFS_MAX - *count)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        int fd, err;

        memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
        err = take(fd, &refs[*count]);
        if (err)
            return err;
        ++*count;
    }
    return 0;
}

int rider_take_all(const void *control, size_t len, struct hf_ref refs[HF_REFS_MAX], size_t *count)
{
    const uint8_t *p = control;
    int saved = errno, err = 0;

    *count = 0;
    while (control && !err && len >= sizeof(struct cmsghdr)) {
        struct cmsghdr h;

        memcpy(&h, p, sizeof(h));
        if (h.cmsg_len < sizeof(h) || h.cmsg_len > len)
            break;
        if (h.cmsg_level == SOL_SOCKET && h.cmsg_type == SCM_RIGHTS)
            err = take_item(p + sizeof(h), h.cmsg_len - sizeof(h), refs, count);
        if (CMSG_ALIGN(h.cmsg_len) >= len)
            break;
        p += CMSG_ALIGN(h.cmsg_len);
        len -= CMSG_ALIGN(h.cmsg_len);
    }
    while (err && *count)
        rider_end(refs[--*count].object);
    errno = saved;
    return err;
}

/* A new number for it, or -errno. */
static int give(const struct rider *r, bool cloexec)
{
    int fd = fcntl(r->fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0);

    if (fd < 0)
        return -errno;
    if (!r->file)
        return fd;
    file_ref(r->file);
    if (!descriptor_set(fd, r->file))
        return fd;
    file_put(r->file);
    descriptor_cancel(fd);
    return -ENOMEM;
}

static size_t give_numbers(struct hf_msg *msg, size_t room, bool cloexec)
{
    uint8_t *to = (uint8_t *)msg->control + msg->control_len;
    size_t left = room - msg->control_len, given = 0;
    struct cmsghdr h = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    size_t most = left < sizeof(h) ? 0 : (left - sizeof(h)) / sizeof(int);

    while (given < msg->ref_count && given < most) {
        int fd = give(msg->refs[given].object, cloexec);

        if (fd < 0)
            break;
        memcpy(to + sizeof(h) + given * sizeof(fd), &fd, sizeof(fd));
        given++;
    }
    if (!given)
        return 0;
    h.cmsg_len = sizeof(h) + given * sizeof(int);
    memcpy(to, &h, sizeof(h));
    msg->control_len += CMSG_ALIGN(h.cmsg_len) < left ? CMSG_ALIGN(h.cmsg_len) : left;
    return given;
}

void rider_give_all(struct hf_host *h, struct hf_msg *msg, size_t room, bool cloexec)
{
    int saved = errno;

    if (!msg->ref_count)
        return;
    if (give_numbers(msg, room, cloexec) < msg->ref_count)
        msg->flags |= MSG_CTRUNC;
    host_enter(h);
    for (size_t i = 0; i < msg->ref_count; i++)
        rider_drop(h, &msg->refs[i]);
    host_leave(h);
    errno = saved;
}

void rider_hold(void *ctx, const struct hf_ref *ref)
{
    struct rider *r = ref->object;

    r->refs++;
}

void rider_drop(void *ctx, const struct hf_ref *ref)
{
    struct hf_host *h = ctx;
    struct rider *r = ref->object;

    if (--r->refs)
        return;
    r->next = h->world->dropped;
    h->world->dropped = r;
}

uint32_t rider_count(void *ctx, const struct hf_ref *ref)
{
    const struct rider *r = ref->object;

    return atomic_load(&r->file->refs) + r->refs - 1;
}

struct rider *rider_take_dropped(struct world *w)
{
    struct rider *first = w->is_dropping ? NULL : w->dropped;

    if (!first)
        return NULL;
    w->dropped = NULL;
    w->is_dropping = true;
    return first;
}

/* A chain of sockets each of which was in the other's queue ends link by link, not call in call. */
void rider_end_all(struct world *w, struct rider *dropped)
{
    while (dropped) {
        struct rider *next = dropped->next;

        rider_end(dropped);
        dropped = next;
        if (dropped)
            continue;
        world_lock(w);
        w->is_dropping = false;
        dropped = rider_take_dropped(w);
        world_unlock(w);
    }
}
