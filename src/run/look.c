/* Looks go through /proc, a microsecond for each descriptor. One of them may move while we look, or
 * be under way in a message (SCM_RIGHTS), where nobody sees it: of that a close look finds out. */
#define _GNU_SOURCE
#include "run/look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kcmp.h>

#include "run/files.h"

#define RESERVE 8 /* descriptors; a look has four open at once */

/* The processes still to be looked into: a chain of them may be as deep as there are processes. */
struct todo {
    pid_t *pids;
    size_t count, room;
};

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

void look_keep_reserve(void)
{
    reserve(RESERVE);
}

bool look_saw(const struct file *f)
{
    return f->seen_in == f->sv->look_count;
}

bool look_at_all(struct supervisor *sv, bool is_close)
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
