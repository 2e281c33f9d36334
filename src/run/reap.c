/* The reaper.
 *
 * While we keep a copy of the program's file (fresh, bound, listening, connecting, datagram) or
 * once both directions are shut, its last close is invisible. So all descriptors of all our
 * descendants are read, and a socket found in none of them is closed. A descriptor may also be
 * under way in a message (SCM_RIGHTS), where nobody sees it; therefore a socket must be missed
 * twice, unless the scan is urgent. When a process cannot be looked into, nothing is closed.
 *
 * Price: a scan costs about a microsecond per open descriptor. Scans are made when a connect is
 * pending (every second), when as many sockets have been made as there are (so each pays a constant
 * share), when a process ends, and rarely otherwise. */
#define _GNU_SOURCE
#include "run/reap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/files.h"
#include "run/notify.h"
#include "run/pump.h"

#define PENDING_SCAN HF_S
#define IDLE_SCAN    (10 * HF_S)
#define FEW_SOCKETS  64

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

static void see_descriptor(struct supervisor *sv, pid_t pid, int dir, const char *name)
{
    char text[64];
    ssize_t len = readlinkat(dir, name, text, sizeof(text) - 1);
    struct table_node *node;
    struct file *f;

    if (len < 0)
        return;
    text[len] = 0;
    if (strncmp(text, "socket:[", 8) != 0)
        return;
    node = table_find(&sv->files, strtoull(text + 8, NULL, 10));
    if (!node)
        return;
    f = container_of(node, struct file, node);
    f->seen = true;
    f->missed = 0;
    f->hint_tid = pid;
    f->hint_fd = atoi(name);
}

/* The descriptors in a /proc/.../fd directory: how many, or -1 when it could not be read. */
static int see_table(struct supervisor *sv, pid_t pid, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    if (!dir) {
        if (errno != ENOENT && errno != ESRCH)
            sv->scan_is_blind = true;
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

static void see_process(struct supervisor *sv, pid_t pid);

static void see_children(struct supervisor *sv, const char *path)
{
    FILE *list = fopen(path, "re");
    int pid;

    if (!list)
        return;
    while (fscanf(list, "%d", &pid) == 1)
        see_process(sv, pid);
    fclose(list);
}

/* A process, its threads where the leader has gone before them, and its children. */
static void see_process(struct supervisor *sv, pid_t pid)
{
    char path[320];
    struct dirent *entry;
    bool leader_has_none;
    DIR *tasks;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    leader_has_none = see_table(sv, pid, path) <= 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    if (!tasks)
        return;
    while ((entry = readdir(tasks))) {
        if (entry->d_name[0] == '.')
            continue;
        if (leader_has_none) {
            snprintf(path, sizeof(path), "/proc/%d/task/%s/fd", (int)pid, entry->d_name);
            see_table(sv, atoi(entry->d_name), path);
        }
        snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, entry->d_name);
        see_children(sv, path);
    }
    closedir(tasks);
}

static void clear_mark(void *ctx, struct table_node *node)
{
    container_of(node, struct file, node)->seen = false;
}

static void judge(void *ctx, struct table_node *node)
{
    struct supervisor *sv = ctx;
    struct file *f = container_of(node, struct file, node);

    if (!is_invisible(f) || f->pinned)
        return;
    if (!f->seen && !sv->scan_is_blind && notify_prune(f) &&
        (++f->missed >= 2 || sv->scan_is_urgent)) {
        file_close(f);
        return;
    }
    if (is_pending(f) || f->missed)
        sv->scan_saw_pending = true;
}

static void scan(struct supervisor *sv, bool urgent)
{
    char path[64];

    sv->scan_is_blind = sv->scan_saw_pending = false;
    sv->scan_is_urgent = urgent;
    table_each(&sv->files, clear_mark, sv);
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    if (access(path, R_OK) < 0)
        sv->scan_is_blind = true;
    see_children(sv, path);
    table_each(&sv->files, judge, sv);
    sv->born_since_scan = 0;
    if (sv->files.count)
        reap_within(sv, sv->scan_saw_pending ? PENDING_SCAN : IDLE_SCAN);
}

static void scan_due(struct deadline *d)
{
    scan(container_of(d, struct supervisor, reap_at), false);
}

void reap_start(struct supervisor *sv)
{
    sv->reap_at.due = scan_due;
}

void reap_within(struct supervisor *sv, hf_time delay)
{
    hf_time at = loop_now(sv->loop) + delay;

    if (sv->reap_at.place && sv->reap_at.at <= at)
        return;
    (void)!deadline_set(&sv->deadlines, &sv->reap_at, at);
}

void reap_now(struct supervisor *sv)
{
    scan(sv, true);
}

void reap_before_socket(struct supervisor *sv)
{
    if (sv->born_since_scan >= FEW_SOCKETS && sv->born_since_scan * 2 >= sv->files.count)
        scan(sv, false);
}

bool reap_is_held_open(const struct file *f)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)f->hint_tid, f->hint_fd);
    return stat(path, &st) == 0 && st.st_ino == f->node.key && st.st_dev == f->sv->socket_dev;
}
