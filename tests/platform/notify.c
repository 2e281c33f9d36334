/* What the supervisor relies on of seccomp's user notification: the listener's number is shared by
 * a child made with CLONE_FILES until its exec, descriptors are injected together with the answer,
 * an interrupted call's answer is refused with ENOENT, and SA_RESTART makes the call anew. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "tap.h"

static int listener;

/* Notifies of listen(), which nothing here needs otherwise. */
static int install(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = code};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

/* Runs body in a child under the filter; the child's number of the listener is ours too. */
static pid_t start(int (*body)(void))
{
    int told[2];
    pid_t pid;

    if (pipe2(told, O_CLOEXEC) < 0)
        exit(1);
    pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0) {
        int fd = install();

        if (write(told[1], &fd, sizeof(fd)) != sizeof(fd))
            _exit(99);
        unshare(CLONE_FILES);
        _exit(body());
    }
    if (pid < 0 || read(told[0], &listener, sizeof(listener)) != sizeof(listener))
        exit(1);
    close(told[0]), close(told[1]);
    return pid;
}

static bool receive(struct seccomp_notif *n)
{
    memset(n, 0, sizeof(*n));
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, n) == 0;
}

static int answer(uint64_t id, int64_t val)
{
    struct seccomp_notif_resp r = {.id = id, .val = val, .error = val < 0 ? (int)val : 0};

    if (val < 0)
        r.val = 0;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r) < 0 ? -errno : 0;
}

static bool is_valid(uint64_t id)
{
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static int end_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    close(listener);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int words[2] = {1234, 0};

/* listen(&words, 42): the supervisor reads words[0] and writes words[1]. */
static int read_and_written(void)
{
    int n = (int)syscall(SYS_listen, words, 42);

    return n == 17 && words[1] == 1234 ? 0 : 1;
}

static void memory_is_reached_by_thread_id(void)
{
    struct seccomp_notif n;
    pid_t pid = start(read_and_written);
    int value = 0;
    struct iovec here = {&value, sizeof(value)}, there = {words, sizeof(value)};

    OK(receive(&n) && n.data.args[1] == 42 && n.pid == (uint32_t)pid, "call_is_notified");
    EQ(process_vm_readv((pid_t)n.pid, &here, 1, &there, 1, 0), sizeof(value), "read_its_memory");
    there.iov_base = words + 1;
    EQ(process_vm_writev((pid_t)n.pid, &here, 1, &there, 1, 0), sizeof(value), "write_its_memory");
    OK(is_valid(n.id), "call_still_waits");
    EQ(answer(n.id, 17), 0, "answer_is_taken");
    EQ(end_of(pid), 0, "caller_got_it_all");
}

static int injected(void)
{
    int n = (int)syscall(SYS_listen, 0, 0);
    struct stat st;

    return n >= 3 && fstat(n, &st) == 0 && S_ISSOCK(st.st_mode) && fcntl(n, F_GETFD) == FD_CLOEXEC
               ? 0
               : 1;
}

static void descriptor_comes_with_the_answer(void)
{
    struct seccomp_notif n;
    pid_t pid = start(injected);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), number;
    struct seccomp_notif_addfd add = {
        .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)fd, .newfd_flags = O_CLOEXEC};
    struct stat ours, theirs;
    char path[64];

    if (!receive(&n))
        exit(1);
    snprintf(path, sizeof(path), "/proc/%d/fd/1", (int)n.pid);
    OK(stat(path, &theirs) == 0 && fstat(1, &ours) == 0 && ours.st_ino == theirs.st_ino,
       "inode_is_seen_through_proc");
    add.id = n.id;
    number = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    OK(number >= 0, "descriptor_is_injected_and_answered");
    OK(!is_valid(n.id), "call_is_over");
    EQ(end_of(pid), 0, "caller_has_it");
    close(fd);
}

static volatile sig_atomic_t handled;
static void handle(int sig)
{
    handled++;
}

static int interrupted(bool restarts)
{
    struct sigaction sa = {.sa_handler = handle, .sa_flags = restarts ? SA_RESTART : 0};
    long n;

    sigaction(SIGUSR1, &sa, NULL);
    n = syscall(SYS_listen, 1, 2);
    if (!handled)
        return 1;
    return restarts ? n != 5 : !(n < 0 && errno == EINTR);
}

static int interrupted_once(void)
{
    return interrupted(false);
}
static int restarted(void)
{
    return interrupted(true);
}

static void signal_ends_a_call(void)
{
    struct seccomp_notif n;
    pid_t pid = start(interrupted_once);

    if (!receive(&n))
        exit(1);
    kill(pid, SIGUSR1);
    EQ(end_of(pid), 0, "without_SA_RESTART_the_caller_gets_EINTR");

    pid = start(restarted);
    if (!receive(&n))
        exit(1);
    kill(pid, SIGUSR1);
    while (is_valid(n.id))
        poll(NULL, 0, 1);
    EQ(answer(n.id, 5), -ENOENT, "answer_to_the_interrupted_call_is_refused");
    OK(receive(&n) && n.data.nr == SYS_listen && n.data.args[1] == 2,
       "with_SA_RESTART_the_same_call_comes_again");
    EQ(answer(n.id, 5), 0, "and_is_answered");
    EQ(end_of(pid), 0, "caller_got_that_answer");
}

static void killed_caller_wakes_nobody(void)
{
    struct seccomp_notif n;
    pid_t pid = start(restarted);
    struct pollfd p = {.fd = listener, .events = POLLIN};

    if (poll(&p, 1, -1) != 1)
        exit(1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    p.revents = 0;
    poll(&p, 1, 0);
    OK(p.revents & POLLHUP, "listener_hangs_up_when_the_last_process_has_gone");
    OK(!receive(&n), "receive_after_poll_does_not_block");
    close(listener);
}

int main(void)
{
    tap_begin(60);
    memory_is_reached_by_thread_id();
    descriptor_comes_with_the_answer();
    signal_ends_a_call();
    killed_caller_wakes_nobody();
    return tap_end();
}
