/* The reaper.
 *
 * While we keep a copy of the program's file (fresh, bound, listening, connecting, datagram) or
 * once both directions are shut, its last close is invisible. It is found out at the moments when
 * it matters: the stack asks before a packet is taken for such a socket (reap_is_wanted), bind and
 * connect when a port is taken (reap_now). What costs nobody anything goes at the next scan: made
 * every second while a connect is pending or a connection waits, when half of the sockets are newer
 * than the last one (so each pays a constant share), when a process ends, and rarely otherwise.
 *
 * The question is first whether the descriptor last used is still there, a microsecond. If not, all
 * descriptors of all our descendants are read, a microsecond each. A descriptor may move while we
 * look, so a socket must be missed twice; or be under way in a message (SCM_RIGHTS), where nobody
 * sees it: while any message with descriptors waits, or a process cannot be looked into, nothing is
 * closed. */
#define _GNU_SOURCE
#include "run/reap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/kcmp.h>

#include "run/files.h"
#include "run/hold.h"
#include "run/pump.h"

#define PENDING_SCAN HF_S
#define IDLE_SCAN    (10 * HF_S)
#define FEW_SOCKETS  64
#define RESERVE      8  /* descriptors; a look has four open at once */
#define REST         20 /* between scans by the clock, times as long as the last one took */

/* The processes still to be looked into: a chain of them may be as deep as there are processes. */
struct todo {
    pid_t *pids;
    size_t count, room;
};

static bool is_invisible(const struct file *f)
{
    return f->state != FILE_CONNECTED || pump_is_blind(f);
}

/* States in which an unseen close costs somebody else something. */
static bool is_pending(const struct file *f)
{
    return f->state == FILE_CONNECTING || f->state == FILE_FAILED || f->state == FILE_CONNECTED ||
           f->bell >= 0;
}

/* A foreign socket: do descriptors wait in it to be received? */
static bool carries_descriptors(int dir, const char *name)
{
    char path[32], text[512];
    const char *count;
    ssize_t len = -1;
    int fd;

    snprintf(path, sizeof(path), "../fdinfo/%.16s", name);
    fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, text, sizeof(text) - 1);
        close(fd);
    }
    text[len > 0 ? len : 0] = 0;
    count = strstr(text, "scm_fds:");
    return count && atoi(count + 8) > 0;
}

static void see_descriptor(struct supervisor *sv, pid_t pid, int dir, const char *name)
{
    uint64_t inode = file_inode(dir, name);
    struct file *f = inode ? file_by_inode(sv, inode) : NULL;

    if (!f) {
        if (inode && sv->look_is_close && carries_descriptors(dir, name))
            sv->look_is_blind = true;
        return;
    }
    f->seen_in = sv->look_count;
    if (f->node.key == inode) {
        f->hint_tid = pid;
        f->hint_fd = atoi(name);
    }
}

/* Something of a process could not be opened: it has ended, or we do not see all. */
static void note_unopened(struct supervisor *sv)
{
    if (errno != ENOENT && errno != ESRCH)
        sv->look_is_blind = true;
}

/* The descriptors in a /proc/.../fd directory: how many, or -1 when it could not be read. */
static int see_table(struct supervisor *sv, pid_t pid, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    if (!dir) {
        note_unopened(sv);
        return -1;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        see_descriptor(sv, pid, dirfd(dir), entry->d_name);
        count++;
    }
    closedir(dir);
    return count;
}

static bool put_off(struct todo *todo, pid_t pid)
{
    if (todo->count == todo->room) {
        size_t room = todo->room ? todo->room * 2 : 64;
        pid_t *pids = realloc(todo->pids, room * sizeof(*pids));

        if (!pids)
            return false;
        todo->pids = pids;
        todo->room = room;
    }
    todo->pids[todo->count++] = pid;
    return true;
}

static void see_children(struct supervisor *sv, struct todo *todo, const char *path)
{
    FILE *list = fopen(path, "re");
    int pid;

    if (!list) {
        note_unopened(sv);
        return;
    }
    while (fscanf(list, "%d", &pid) == 1) {
        if (!put_off(todo, pid))
            sv->look_is_blind = true;
    }
    fclose(list);
}

/* Has the thread a table of its own (unshare)? Where the machine lets nobody ask: no. */
static bool has_own_table(pid_t leader, pid_t tid)
{
    return tid != leader && syscall(SYS_kcmp, leader, tid, KCMP_FILES, 0, 0) > 0;
}

/* A process, its children later; its threads where the leader has gone before them, and on a close
 * look where they have other descriptors than he. */
static void see_process(struct supervisor *sv, struct todo *todo, pid_t pid)
{
    char path[320];
    struct dirent *entry;
    bool leader_has_none;
    DIR *tasks;
    pid_t tid;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    leader_has_none = see_table(sv, pid, path) <= 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    if (!tasks) {
        note_unopened(sv);
        return;
    }
    while ((entry = readdir(tasks))) {
        if (entry->d_name[0] == '.')
            continue;
        tid = atoi(entry->d_name);
        if (leader_has_none || (sv->look_is_close && has_own_table(pid, tid))) {
            snprintf(path, sizeof(path), "/proc/%d/task/%d/fd", (int)pid, (int)tid);
            see_table(sv, tid, path);
        }
        snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, entry->d_name);
        see_children(sv, todo, path);
    }
    closedir(tasks);
}

/* How many descriptors are left for a look alone. */
static void reserve(rlim_t count)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_max <= count)
        return;
    files.rlim_cur = files.rlim_max - count;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

void reap_keep_reserve(void)
{
    reserve(RESERVE);
}

static bool was_seen(const struct file *f)
{
    return f->seen_in == f->sv->look_count;
}

/* Reads the descriptors of all; was_seen tells afterwards. False: not to be relied upon. A close
 * look finds out about descriptors under way, too. */
static bool look(struct supervisor *sv, bool is_close)
{
    struct todo todo = {0};
    char path[64];

    sv->look_count++;
    sv->look_is_close = is_close;
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    sv->look_is_blind = access(path, R_OK) < 0;
    reserve(0);
    see_children(sv, &todo, path);
    while (todo.count)
        see_process(sv, &todo, todo.pids[--todo.count]);
    reserve(RESERVE);
    free(todo.pids);
    sv->looked_at = is_close ? loop_now(sv->loop) : HF_TIME_NEVER;
    return !sv->look_is_blind;
}

static void suspect(void *ctx, struct table_node *node)
{
    struct supervisor *sv = ctx;
    struct file *f = container_of(node, struct file, node);

    f->suspected = !was_seen(f) && !f->pinned;
    sv->scan_suspects |= f->suspected;
}

/* The last close of a connected one has been told at our end, perhaps a moment ago. */
static void hear(struct file *f)
{
    struct pollfd p = {.fd = f->end.fd, .events = POLLIN | POLLRDHUP};

    if (poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLRDHUP))
        pump_ready(&f->end, (uint32_t)p.revents);
}

static void judge(void *ctx, struct table_node *node)
{
    struct supervisor *sv = ctx;
    struct file *f = container_of(node, struct file, node);

    if (f->suspected && !was_seen(f)) {
        if (!is_invisible(f)) {
            hear(f);
            return;
        }
        if (hold_prune(f)) {
            file_close(f);
            return;
        }
    }
    if (is_invisible(f) && is_pending(f))
        sv->scan_saw_pending = true;
    if (f->state == FILE_LISTENING && f->bell < 0)
        file_touch(f); /* for want of descriptors it may not have been rung */
}

/* What we have worked, which is less than the time that went by. */
static hf_time worked(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return ts.tv_sec * HF_S + ts.tv_nsec;
}

static void scan(struct supervisor *sv)
{
    hf_time began = worked();
    bool sure = look(sv, false);

    sv->scan_suspects = sv->scan_saw_pending = false;
    table_each(&sv->files, suspect, sv);
    if (sv->scan_suspects && sure)
        sure = look(sv, true);
    if (sure)
        table_each(&sv->files, judge, sv);
    sv->born_since_scan = 0;
    if (!sure && sv->scan_suspects)
        sv->scan_saw_pending = true;
    sv->rest_until = loop_now(sv->loop) + (worked() - began) * REST;
    if (sv->files.count)
        reap_within(sv, sv->scan_saw_pending ? PENDING_SCAN : IDLE_SCAN);
}

static void scan_due(struct deadline *d)
{
    scan(container_of(d, struct supervisor, reap_at));
}

void reap_start(struct supervisor *sv)
{
    sv->reap_at.due = scan_due;
}

void reap_within(struct supervisor *sv, hf_time delay)
{
    hf_time at = loop_now(sv->loop) + delay;

    if (at < sv->rest_until)
        at = sv->rest_until;
    if (sv->reap_at.place && sv->reap_at.at <= at)
        return;
    (void)!deadline_set(&sv->deadlines, &sv->reap_at, at);
}

void reap_now(struct supervisor *sv)
{
    scan(sv);
    files_settle(sv); /* a reset that a close sent frees the port of the other end too */
}

void reap_before_socket(struct supervisor *sv)
{
    if (sv->born_since_scan >= FEW_SOCKETS && sv->born_since_scan * 2 >= sv->files.count)
        scan(sv);
}

bool reap_is_held_open(const struct file *f)
{
    return file_is_at(f, f->hint_tid, f->hint_fd);
}

/* Missed twice. Many are asked about in one turn of the loop, when the SYNs of a storm are due:
 * they share the looks. */
static bool is_lost(const struct file *f)
{
    struct supervisor *sv = f->sv;

    if (sv->looked_at != loop_now(sv->loop) || was_seen(f)) {
        if (!look(sv, false) || was_seen(f))
            return false;
        (void)look(sv, true);
    }
    return !sv->look_is_blind && f->seen_in + 1 < sv->look_count;
}

bool reap_is_wanted(void *ctx, struct hf_sock *sk, void *user)
{
    struct file *f = user;

    if (!f || f->pinned || !is_invisible(f))
        return true;
    if (f->abandoned)
        return false;
    if (hold_is_awaited(f) || reap_is_held_open(f))
        return true;
    if (!is_lost(f))
        return true;
    f->abandoned = true;
    file_touch(f);
    return false;
}
