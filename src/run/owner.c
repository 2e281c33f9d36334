#include "run/owner.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Capabilities count in the user namespace that they are of: user_namespaces(7). */
static bool shares_our_users(pid_t tid)
{
    char path[64];
    struct stat ours, theirs;

    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)tid);
    return stat("/proc/self/ns/user", &ours) == 0 && stat(path, &theirs) == 0 &&
           ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

/* The line of /proc/TID/status that begins so, without that beginning. */
static bool read_status(pid_t tid, const char *name, char *line, int room)
{
    char path[64];
    bool is_found = false;
    size_t n = strlen(name);
    FILE *status;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
    status = fopen(path, "re");
    if (!status)
        return false;
    while (!is_found && fgets(line, room, status))
        is_found = strncmp(line, name, n) == 0;
    fclose(status);
    if (is_found)
        memmove(line, line + n, strlen(line + n) + 1);
    return is_found;
}

bool owner_is_admin(pid_t tid)
{
    unsigned long long held = 0;
    char line[128];

    if (!shares_our_users(tid) || !read_status(tid, "CapEff:", line, sizeof(line)) ||
        sscanf(line, "%llx", &held) != 1)
        return false;
    return held & (1ull << CAP_NET_ADMIN | 1ull << CAP_NET_RAW);
}

/* One number per process namespace, its own last. */
pid_t owner_process(pid_t tid)
{
    int pid = 0, n, used;
    char line[512], *at = line;

    if (!read_status(tid, "NStgid:", line, sizeof(line)))
        return 0;
    while (sscanf(at, "%d%n", &n, &used) == 1) {
        pid = n;
        at += used;
    }
    return pid;
}
