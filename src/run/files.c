/* Files: found by the vehicle's inode, looked at when something changed.
 *
 * The stack's call-back must not call the stack, so it only puts the file on a list; the list is
 * worked off by a task of the loop, or at once by files_settle. A closed file stays on the list
 * until then, so that nobody up the call chain is left with a pointer to freed memory. */
#define _GNU_SOURCE
#include "run/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "run/former.h"
#include "run/hold.h"
#include "run/inject.h"
#include "run/pump.h"
#include "run/trim.h"
#include "run/vehicle.h"

static int identify(int vehicle, uint64_t *key)
{
    struct stat st;

    if (fstat(vehicle, &st) < 0)
        return -errno;
    *key = st.st_ino;
    return 0;
}

int file_new(struct supervisor *sv, struct hf_sock *sk, int vehicle, struct file **out)
{
    struct file *f = calloc(1, sizeof(*f));
    int err = f ? identify(vehicle, &f->node.key) : -ENOMEM;

    if (err < 0) {
        free(f);
        return err;
    }
    f->sv = sv;
    f->sk = sk;
    f->fd = f->end.fd = f->bell = f->rendezvous = f->hint_fd = -1;
    f->sources_tail = &f->sources;
    table_insert(&sv->files, &f->node);
    hf_sock_set_user(sk, f);
    f->seen_in = sv->look_count;
    sv->born_since_scan++;
    *out = f;
    return 0;
}

uint64_t file_inode(int dir, const char *link)
{
    static const char kind[] = "socket:[";
    char text[64];
    ssize_t len = readlinkat(dir, link, text, sizeof(text) - 1);

    text[len > 0 ? len : 0] = 0;
    return strncmp(text, kind, sizeof(kind) - 1) ? 0 : strtoull(text + sizeof(kind) - 1, NULL, 10);
}

static uint64_t inode_at(pid_t tid, int number)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, number);
    return file_inode(AT_FDCWD, path);
}

struct file *file_by_inode(const struct supervisor *sv, uint64_t inode)
{
    struct table_node *node = table_find(&sv->files, inode);

    return node ? container_of(node, struct file, node) : former_find(sv, inode);
}

struct file *file_at(const struct supervisor *sv, pid_t tid, int number)
{
    uint64_t inode = inode_at(tid, number);

    return inode ? file_by_inode(sv, inode) : NULL;
}

bool file_is_at(const struct file *f, pid_t tid, int number)
{
    return inode_at(tid, number) == f->node.key;
}

struct file *file_find(const struct call *c)
{
    int number = (int)c->args[0];
    uint64_t inode = inode_at(c->tid, number);
    struct file *f = inode ? file_by_inode(c->sv, inode) : NULL;

    if (!f)
        return NULL;
    f->abandoned = false; /* somebody has it after all */
    if (f->node.key != inode) {
        former_renew(c, f);
        return f;
    }
    f->hint_tid = c->tid;
    f->hint_fd = number;
    return f;
}

int file_rekey(struct file *f, int vehicle)
{
    uint64_t key = 0;
    int err = identify(vehicle, &key);

    if (err < 0)
        return err;
    former_note(f);
    table_remove(&f->sv->files, &f->node);
    f->node.key = key;
    table_insert(&f->sv->files, &f->node);
    return 0;
}

void file_shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void file_abandon(struct file *f)
{
    hf_sock_set_user(f->sk, NULL);
    hold_release(f, -EBADF);
    vehicle_drop(f);
    former_forget(f);
    table_remove(&f->sv->files, &f->node);
    if (f->sv->born_since_scan)
        f->sv->born_since_scan--;
    f->sk = NULL;
    f->is_dead = true;
    file_touch(f);
}

void file_close(struct file *f)
{
    struct hf_sock *sk = f->sk;

    if (f->is_dead)
        return;
    file_abandon(f);
    hf_sock_close(f->ready);
    hf_sock_close(sk);
}

void file_touch(struct file *f)
{
    if (f->dirty)
        return;
    f->dirty = true;
    f->dirty_next = f->sv->dirty;
    f->sv->dirty = f;
    loop_post(f->sv->loop, &f->sv->dirty_task);
}

void file_event(void *ctx, struct hf_sock *sk, void *user)
{
    if (user)
        file_touch(user);
}

/* Held calls are asked first: a blocking connect's caller takes the result, else it is told through
 * the vehicle. */
static void progress(struct file *f)
{
    if (f->abandoned) {
        file_close(f);
        return;
    }
    if (f->state == FILE_DATAGRAM)
        datagram_run(f);
    if (f->held)
        hold_retry(f);
    if (f->is_dead)
        return;
    if (f->state == FILE_CONNECTING && !hold_has_connect(f))
        vehicle_settle(f);
    if (f->state == FILE_CONNECTED)
        pump_run(f);
    if (f->state == FILE_LISTENING)
        vehicle_ring_anew(f);
}

void files_run(struct supervisor *sv)
{
    struct file *f = sv->dirty;

    sv->dirty = NULL;
    while (f) {
        struct file *next = f->dirty_next;

        f->dirty = false;
        if (!f->is_dead)
            progress(f);
        if (f->is_dead && !f->dirty && !f->pinned) {
            free(f);
            trim_note_death(sv);
        }
        f = next;
    }
}

void files_settle(struct supervisor *sv)
{
    hf_stack_poll(sv->stack, loop_now(sv->loop));
    files_run(sv);
}

void file_pin(struct file *f)
{
    f->pinned = true;
}

void file_unpin(struct file *f)
{
    f->pinned = false;
    if (f->is_dead)
        file_touch(f);
}

bool file_is_nonblocking(const struct call *c, const struct file *f)
{
    int flags = f->fd >= 0 ? fcntl(f->fd, F_GETFL) : inject_flags(c->tid, (int)c->args[0]);

    return flags & O_NONBLOCK;
}
