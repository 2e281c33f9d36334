/* connect() and accept() are cancellation points; nothing is lost. */
#include "../lib.h"
#include "open_files.h"

#include <pthread.h>
#include <sys/syscall.h>

struct call {
    pthread_t thread;
    int tid, fd, cleaned;
    struct addr a;
};

static void clean(void *arg)
{
    struct call *c = arg;
    c->cleaned++;
}

static void *connects(void *arg)
{
    struct call *c = arg;
    pthread_cleanup_push(clean, c);
    __atomic_store_n(&c->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    connect_to(c->fd, c->a);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *accepts(void *arg)
{
    struct call *c = arg;
    pthread_cleanup_push(clean, c);
    __atomic_store_n(&c->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    accept(c->fd, NULL, NULL);
    pthread_cleanup_pop(0);
    return NULL;
}

static bool cancelled(struct call *c, void *(*fn)(void *), long nr)
{
    void *result = NULL;
    MUST(-pthread_create(&c->thread, NULL, fn, c));
    while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
        poll(NULL, 0, 1);
    MUST(wait_blocked(c->tid, nr) ? 0 : -1);
    if (nr == SYS_connect)
        MUST(await(c->fd, 0));
    pthread_cancel(c->thread);
    pthread_join(c->thread, &result);
    return result == PTHREAD_CANCELED;
}

/* C27. */
static void in_connect(int f)
{
    struct call c = {.fd = tcp(f)};
    int l = silent(f, &c.a), files = open_files();
    OK(cancelled(&c, connects, SYS_connect), nm(f, "cancelled in connect"));
    EQ(c.cleaned, 1, nm(f, "cancelled in connect, the handler ran"));
    EQ(open_files(), files, nm(f, "cancelled in connect, no descriptor lost"));
    MASK(c.fd, 0, nm(f, "cancelled in connect, the attempt goes on"));
    MUST(accept(l, NULL, NULL));
    MASK(c.fd, POLLOUT, nm(f, "cancelled in connect, it completes"));
    RC(connect_to(c.fd, c.a), 0, nm(f, "cancelled in connect, completed"));
}

static void in_accept(int f)
{
    struct call c;
    memset(&c, 0, sizeof(c));
    c.fd = listener(f, 4, &c.a);
    int files = open_files();
    OK(cancelled(&c, accepts, SYS_accept), nm(f, "cancelled in accept"));
    EQ(c.cleaned, 1, nm(f, "cancelled in accept, the handler ran"));
    EQ(open_files(), files, nm(f, "cancelled in accept, no descriptor lost"));
    RC(connect_to(tcp(f), c.a), 0, nm(f, "cancelled in accept, the listener lives"));
    OK(accept(c.fd, NULL, NULL) >= 0, nm(f, "cancelled in accept, another accepts"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(in_connect), CASE(in_accept)};
    return run_cases(cases, COUNT(cases));
}
