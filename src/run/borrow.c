/* pidfd_getfd. It needs what process_vm_readv needs, but some containers refuse it. */
#define _GNU_SOURCE
#include "run/borrow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/files.h"

/* Linux 6.9; older headers do not have it. */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static pid_t leader_of(pid_t tid)
{
    char path[64], line[128];
    int leader = 0;
    FILE *status;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
    status = fopen(path, "re");
    if (!status)
        return 0;
    while (!leader && fgets(line, sizeof(line), status))
        (void)!sscanf(line, "Tgid: %d", &leader);
    fclose(status);
    return leader;
}

/* Older kernels know processes only: the leader's descriptors are the thread's, but for threads
 * that have unshared theirs, whom the inode finds out. */
static int open_thread(pid_t tid)
{
    long pidfd = syscall(SYS_pidfd_open, tid, PIDFD_THREAD);

    if (pidfd < 0 && errno == EINVAL)
        pidfd = syscall(SYS_pidfd_open, leader_of(tid), 0);
    return pidfd < 0 ? -errno : (int)pidfd;
}

int borrow_vehicle(const struct call *c, const struct file *f)
{
    return borrow_from(c->tid, (int)c->args[0], f);
}

static long borrow(pid_t tid, int number)
{
    int pidfd = open_thread(tid);
    long fd;

    if (pidfd < 0)
        return pidfd;
    fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
    if (fd < 0)
        fd = -errno;
    close(pidfd);
    return fd;
}

int borrow_family(const struct call *c)
{
    int number = (int)c->args[0], family = AF_UNSPEC;
    socklen_t len = sizeof(family);
    char path[64];
    long fd;

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)c->tid, number);
    if (!file_inode(AT_FDCWD, path))
        return -ENOTSOCK;
    fd = borrow(c->tid, number);
    if (fd < 0)
        return AF_UNSPEC;
    (void)getsockopt((int)fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
    close((int)fd);
    return family;
}

int borrow_from(pid_t tid, int number, const struct file *f)
{
    long fd = borrow(tid, number);
    struct stat st;

    if (fd >= 0 && (fstat((int)fd, &st) < 0 || st.st_ino != f->node.key)) {
        close((int)fd);
        fd = -EBADF;
    }
    return (int)fd;
}
