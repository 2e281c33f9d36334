#define _GNU_SOURCE
#include "run/rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "run/files.h"
#include "run/reap.h"

#define BACKLOG 4096

/* Binds fd to a name in a directory only we can enter and takes the name away at once; *path is an
 * O_PATH descriptor of the socket, through which alone it can be reached. */
static int bind_nameless(const struct supervisor *sv, int fd, int *path)
{
    const char *const places[] = {"/tmp", "/dev/shm", "/var/tmp", "/run", sv->started_in};
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    char dir[64];
    int err = -ENOENT;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(dir, sizeof(dir), "%s/handfast-XXXXXX", places[i]);
        if (!mkdtemp(dir))
            continue;
        snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", dir);
        if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
            err = -errno;
        } else {
            *path = open(sun.sun_path, O_PATH | O_CLOEXEC);
            err = *path < 0 ? -errno : 0;
            (void)unlink(sun.sun_path);
        }
        (void)rmdir(dir);
        return err;
    }
    return err;
}

int rendezvous_listen(const struct supervisor *sv, int fd, int *path)
{
    int err = bind_nameless(sv, fd, path);

    return err == 0 && listen(fd, BACKLOG) < 0 ? -errno : err;
}

int rendezvous_connect(int fd, int path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    snprintf(sun.sun_path, sizeof(sun.sun_path), "%d", path);
    return connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : 0;
}

int rendezvous_enter(struct supervisor *sv)
{
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    snprintf(sv->started_in, sizeof(sv->started_in), "%d", here);
    return chdir("/proc/self/fd") < 0 ? -errno : 0;
}

int rendezvous_start(struct supervisor *sv)
{
    int err = 0;

    sv->rendezvous_path = -1;
    sv->rendezvous_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sv->rendezvous_fd < 0)
        return -errno;
    err = rendezvous_listen(sv, sv->rendezvous_fd, &sv->rendezvous_path);
    if (err < 0)
        rendezvous_stop(sv);
    return err;
}

void rendezvous_stop(struct supervisor *sv)
{
    file_shut(&sv->rendezvous_fd);
    file_shut(&sv->rendezvous_path);
}

/* Our end could not be had. It must not wait for the next vehicle to take it for its own, so the
 * listener goes, and another one is made when it is needed. */
static int spoil(struct file *f, int err)
{
    rendezvous_stop(f->sv);
    f->state = FILE_FAILED;
    reap_within(f->sv, 0); /* for want of descriptors */
    return err;
}

int rendezvous_attach(struct file *f)
{
    struct supervisor *sv = f->sv;
    int err = sv->rendezvous_fd < 0 ? rendezvous_start(sv) : 0;

    if (err == 0)
        err = rendezvous_connect(f->fd, sv->rendezvous_path);
    if (err < 0)
        return err;
    f->end.fd = accept4(sv->rendezvous_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    f->end_is_named = true;
    return f->end.fd < 0 ? spoil(f, -errno) : 0;
}
