/* Nodes of AF_UNIX sockets, and who the process is. Linux: unix_bind_bsd, unix_find_bsd,
 * scm_check_creds.
 *
 * A node is a real one, made by mknod(), which any user may: other processes see it, and may not
 * bind it. An O_PATH descriptor keeps its inode while the socket lives, so that a number that the
 * file system gives anew is not taken for it. */
#define _GNU_SOURCE
#include "host/unix_host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/descriptor.h"
#include "host/rider.h"

/* openat() of libc's would be a cancellation point, and the lock is held. */
static int open_node(const char *path)
{
    return descriptor_hide(
        (int)syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0));
}

static int node_make(void *ctx, const char *path, struct hf_node *out)
{
    int saved = errno, err = 0, fd = -1;
    struct stat st;

    if (mknod(path, S_IFSOCK | 0777, 0) < 0) {
        err = errno == EEXIST ? -EADDRINUSE : -errno;
    } else {
        fd = open_node(path);
        if (fd < 0 || fstat(fd, &st) < 0) {
            err = -errno;
            unlink(path);
        }
    }
    errno = saved;
    if (err)
        return err;
    *out = (struct hf_node){st.st_dev, st.st_ino, fd};
    return 0;
}

static void node_release(void *ctx, const struct hf_node *node)
{
    descriptor_cancel((int)node->handle);
}

static void node_undo(void *ctx, const char *path, const struct hf_node *node)
{
    int saved = errno;

    unlink(path);
    node_release(ctx, node);
    errno = saved;
}

/* Linux: who may not write it is not told what it is. */
static int node_find(void *ctx, const char *path, struct hf_node *out)
{
    int saved = errno, err = 0;
    struct stat st;

    if (stat(path, &st) < 0 || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
        err = -errno;
    else if (!S_ISSOCK(st.st_mode))
        err = -ECONNREFUSED;
    errno = saved;
    if (!err)
        *out = (struct hf_node){st.st_dev, st.st_ino, -1};
    return err;
}

static void credentials(void *ctx, struct hf_credentials *out)
{
    *out = (struct hf_credentials){getpid(), geteuid(), getegid()};
}

/* Deviates: capabilities are root's, not looked at one by one. */
static bool may_claim(void *ctx, const struct hf_credentials *who)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;

    if (getresuid(&ruid, &euid, &suid) || getresgid(&rgid, &egid, &sgid))
        return false;
    if (euid == 0)
        return true;
    return who->pid == getpid() && (who->uid == ruid || who->uid == euid || who->uid == suid) &&
           (who->gid == rgid || who->gid == egid || who->gid == sgid);
}

struct hf_unix_host unix_host(struct hf_host *h)
{
    return (struct hf_unix_host){
        .ctx = h,
        .node_make = node_make,
        .node_undo = node_undo,
        .node_find = node_find,
        .node_release = node_release,
        .credentials = credentials,
        .may_claim = may_claim,
        .ref_hold = rider_hold,
        .ref_drop = rider_drop,
        .ref_count = rider_count,
    };
}
