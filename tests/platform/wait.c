/* What the library relies on when it sleeps (docs/decisions/0008): which waits a signal handler
 * ends, with SA_RESTART and without, and that a semaphore's is a cancellation point. And what it
 * relies on to look at memory without touching it. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "tap.h"

static sem_t sem;
static pthread_t sleeper;
static int sleeper_tid;
static atomic_bool has_ended;
static volatile sig_atomic_t caught;

static void handle(int sig)
{
    caught++;
}

/* Waits until the thread is in the system call ("running" stands there as long as it is in none),
 * or the wait has ended. */
static void await_call(long nr)
{
    char path[64], line[256];

    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", sleeper_tid);
    for (;;) {
        FILE *fp = fopen(path, "r");
        bool is_there = fp && fgets(line, sizeof(line), fp) && atol(line) == nr;

        if (fp)
            fclose(fp);
        if (is_there || atomic_load(&has_ended))
            return;
        poll(NULL, 0, 1);
    }
}

/* A signal in the sleep; then, if the sleep goes on, what it waits for. */
static void *disturb(void *nr)
{
    await_call((long)(intptr_t)nr);
    pthread_kill(sleeper, SIGUSR1);
    while (!caught)
        poll(NULL, 0, 1);
    await_call((long)(intptr_t)nr);
    sem_post(&sem);
    return NULL;
}

/* What the wait said when a handler ran in it: 0 or an errno. */
static int disturbed(int flags, int wait(void), long nr)
{
    struct sigaction sa = {.sa_handler = handle, .sa_flags = flags};
    pthread_t thread;
    int result;

    caught = 0;
    atomic_store(&has_ended, false);
    sem_init(&sem, 0, 0);
    sigaction(SIGUSR1, &sa, NULL);
    sleeper = pthread_self();
    sleeper_tid = (int)syscall(SYS_gettid);
    pthread_create(&thread, NULL, disturb, (void *)(intptr_t)nr);
    result = wait() < 0 ? errno : 0;
    atomic_store(&has_ended, true);
    pthread_join(thread, NULL);
    return result;
}

static int untimed(void)
{
    return sem_wait(&sem);
}

static int timed(void)
{
    struct timespec end = {.tv_sec = INT32_MAX};

    return sem_clockwait(&sem, CLOCK_MONOTONIC, &end);
}

static int polls(void)
{
    return poll(NULL, 0, -1);
}

static void *waits(void *arg)
{
    sem_wait(&sem);
    return NULL;
}

static void cancellation(void)
{
    pthread_t thread;
    void *result;

    sem_init(&sem, 0, 0);
    pthread_create(&thread, NULL, waits, NULL);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    OK(result == PTHREAD_CANCELED, "sem_wait is a cancellation point");
}

static bool can_read(void *p)
{
    return syscall(SYS_rt_sigprocmask, -1, p, NULL, 8) < 0 && errno == EINVAL;
}

static bool can_write(void *p)
{
    int dummy = 0;

    return syscall(SYS_futex, &dummy, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, NULL, p,
                   FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) >= 0;
}

static void looks(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    int *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    int *read_only = mmap(NULL, 4096, PROT_READ, flags, -1, 0);
    int *none = mmap(NULL, 4096, PROT_NONE, flags, -1, 0);

    *both = 7;
    OK(can_read(both) && can_read(read_only), "memory that can be read is told");
    OK(!can_read(none) && !can_read((void *)8), "memory that cannot be read is told");
    OK(can_write(both) && *both == 7, "memory that can be written is told, and unchanged");
    OK(!can_write(read_only) && !can_write(none) && !can_write(NULL),
       "memory that cannot be written is told");
}

int main(void)
{
    tap_begin(30);
    EQ(disturbed(0, untimed, SYS_futex), EINTR,
       "an untimed sem_wait ends with a handler without SA_RESTART");
    EQ(disturbed(SA_RESTART, untimed, SYS_futex), 0,
       "an untimed sem_wait restarts under SA_RESTART");
    EQ(disturbed(0, timed, SYS_futex), EINTR,
       "a timed wait ends with a handler without SA_RESTART");
    EQ(disturbed(SA_RESTART, timed, SYS_futex), EINTR,
       "a timed wait ends with a handler under SA_RESTART");
    EQ(disturbed(SA_RESTART, polls, SYS_poll), EINTR, "poll ends with a handler under SA_RESTART");
    cancellation();
    looks();
    return tap_end();
}
