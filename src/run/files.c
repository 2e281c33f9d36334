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
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/kcmp.h>

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

/* Is that descriptor the open file that we have a copy of? Asks at a fifth of what the inode takes
 * to be read; where the machine lets nobody ask, no. */
static bool is_our_copy(const struct file *f, pid_t tid, int number)
{
    return f->fd >= 0 && syscall(SYS_kcmp, f->sv->pid, tid, KCMP_FILE, f->fd, number) == 0;
}

bool file_is_at(const struct file *f, pid_t tid, int number)
{
    return is_our_copy(f, tid, number) || inode_at(tid, number) == f->node.key;
}

static uint64_t *last_as(struct supervisor *sv, int number)
{
    return &sv->last_as[(unsigned)number % FILE_NUMBERS];
}

void file_seen(struct file *f, pid_t tid, int number)
{
    f->hint_tid = tid;
    f->hint_fd = number;
    *last_as(f->sv, number) = f->node.key;
}

/* What was last seen under this number is so again as a rule. */
static struct file *find_again(const struct call *c, int number)
{
    struct table_node *node = table_find(&c->sv->files, *last_as(c->sv, number));
    struct file *f = node ? container_of(node, struct file, node) : NULL;

    return f && is_our_copy(f, c->tid, number) ? f : NULL;
}

struct file *file_find(const struct call *c)
{
    int number = (int)c->args[0];
    struct file *f = find_again(c, number);
    uint64_t inode = f ? f->node.key : inode_at(c->tid, number);

    if (!f && inode)
        f = file_by_inode(c->sv, inode);
    if (!f)
        return NULL;
    f->abandoned = false; /* somebody has it after all */
    if (f->node.key == inode)
        file_seen(f, c->tid, number);
    else
        former_renew(c, f);
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
    f->sv->members -= f->is_member;
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
        vehicle_let_go(f);
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
