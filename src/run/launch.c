/* Launching.
 *
 * A filter's listener is made in the process that is to be filtered, yet it must come to us, and
 * sending it would be a notified call already. So the child is made with CLONE_FILES: until its
 * exec, which gives it a table of its own, both have one descriptor table, and the listener's
 * number is all that is told. Everything of ours is close-on-exec. */
#define _GNU_SOURCE
#include "run/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/run.h"

static const int taken[] = {SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};
static const int ignored[LAUNCH_IGNORED] = {SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};

int launch_signals(struct launch *l, int *fd)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        sigaddset(&set, taken[i]);
    if (sigprocmask(SIG_BLOCK, &set, &l->mask) < 0)
        return -errno;
    for (size_t i = 0; i < LAUNCH_IGNORED; i++)
        (void)sigaction(ignored[i], &ignore, &l->ignored[i]);
    *fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return *fd < 0 ? -errno : 0;
}

/* The child's life up to its exec. Only plain system calls: it is a copy of us with our
 * descriptors. */
static _Noreturn void become(const struct launch *l, struct filter *filter, char *const *argv,
                             int tell, int wait)
{
    int listener = filter_install(filter);
    int err;
    char go;

    if (write(tell, &listener, sizeof(listener)) != sizeof(listener) || listener < 0 ||
        read(wait, &go, 1) != 1)
        _exit(RUN_FAILED);
    for (size_t i = 0; i < LAUNCH_IGNORED; i++)
        (void)sigaction(ignored[i], &l->ignored[i], NULL);
    (void)sigprocmask(SIG_SETMASK, &l->mask, NULL);
    execvp(argv[0], argv);
    err = errno;
    fprintf(stderr, "handfast: cannot run %s: %s\n", argv[0], strerror(err));
    _exit(err == ENOENT || err == ENOTDIR ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE);
}

int launch_program(struct launch *l, struct filter *filter, char *const *argv)
{
    int told[2], go[2];
    int err = 0;

    if (pipe2(told, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(go, O_CLOEXEC) < 0) {
        err = -errno;
        goto out;
    }
    l->go = go[1];
    l->pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);
    if (l->pid == 0)
        become(l, filter, argv, told[1], go[0]);
    if (l->pid < 0)
        err = -errno;
    else if (read(told[0], &l->listener, sizeof(l->listener)) != sizeof(l->listener))
        err = -EPIPE;
    else if (l->listener < 0)
        err = l->listener;
out:
    close(told[0]);
    close(told[1]);
    return err;
}

void launch_go(struct launch *l)
{
    if (write(l->go, "", 1) != 1)
        (void)kill(l->pid, SIGKILL);
    close(l->go);
}

int launch_exit(int status)
{
    struct rlimit none = {0};
    sigset_t all;

    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    /* The same end as the program's, so that a shell sees what it would have seen; no second core.
     */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(WTERMSIG(status), SIG_DFL);
    (void)raise(WTERMSIG(status));
    sigfillset(&all);
    (void)sigprocmask(SIG_UNBLOCK, &all, NULL);
    return 128 + WTERMSIG(status);
}
