/* SECCOMP_IOCTL_NOTIF_ADDFD. */
#define _GNU_SOURCE
#include "run/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kcmp.h>
#include <linux/seccomp.h>

/* ESRCH: the caller was interrupted with the descriptor on its way. */
static int add_fd(const struct call *c, struct seccomp_notif_addfd *add)
{
    int number = ioctl(c->sv->notify.fd, SECCOMP_IOCTL_NOTIF_ADDFD, add);

    if (number >= 0)
        return number;
    return errno == ESRCH ? CALL_GONE : -errno;
}

int inject_answer(const struct call *c, int fd, bool cloexec)
{
    struct seccomp_notif_addfd add = {
        .id = c->id,
        .flags = SECCOMP_ADDFD_FLAG_SEND,
        .srcfd = (uint32_t)fd,
        .newfd_flags = cloexec ? O_CLOEXEC : 0,
    };

    return add_fd(c, &add);
}

/* The last number is open, and there are as many descriptors as there may be. Neither takes longer
 * with more of them. */
bool inject_is_full(const struct call *c)
{
    struct rlimit limit;
    struct stat st;
    char path[64];

    if (prlimit(c->tid, RLIMIT_NOFILE, NULL, &limit) < 0 ||
        syscall(SYS_kcmp, c->sv->pid, c->tid, KCMP_FILE, c->sv->notify.fd, limit.rlim_cur - 1) < 0)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)c->tid);
    return stat(path, &st) == 0 && (rlim_t)st.st_size >= limit.rlim_cur;
}

/* Close-on-exec belongs to the number, not to the file, so only the program's own table tells. */
int inject_flags(pid_t tid, int number)
{
    char path[64], text[256];
    const char *flags;
    ssize_t len = -1;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)tid, number);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, text, sizeof(text) - 1);
        close(fd);
    }
    text[len > 0 ? len : 0] = 0;
    flags = strstr(text, "flags:");
    return flags ? (int)strtoul(flags + 6, NULL, 8) : 0;
}

int inject_replace(const struct call *c, int fd, int number)
{
    struct seccomp_notif_addfd add = {
        .id = c->id,
        .flags = SECCOMP_ADDFD_FLAG_SETFD,
        .srcfd = (uint32_t)fd,
        .newfd = (uint32_t)number,
        .newfd_flags = (uint32_t)inject_flags(c->tid, number) & O_CLOEXEC,
    };
    int err = add_fd(c, &add);

    return err < 0 ? err : 0;
}
