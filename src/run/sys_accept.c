/* accept() and accept4(). The connection comes from the stack, its vehicle is made here; the
 * listener's vehicle only shows that something waits. A connection whose caller was interrupted
 * goes to the next one that asks. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/hold.h"
#include "run/inject.h"
#include "run/memory.h"
#include "run/reap.h"
#include "run/vehicle.h"

static int take(struct file *f, struct hf_sock **out)
{
    if (f->ready) {
        *out = f->ready;
        f->ready = NULL;
        return 0;
    }
    return hf_sock_accept(f->sk, out);
}

/* Linux: an address that cannot be written costs the connection. */
static int write_peer(const struct call *c, struct hf_sock *sk)
{
    uint8_t addr[28];
    uint32_t len = sizeof(addr);
    int err;

    if (!c->args[1])
        return 0;
    err = hf_sock_accepted_from(sk, addr, &len);
    return err < 0 ? err : memory_write_address(c, c->args[1], c->args[2], addr, len);
}

/* No room for another descriptor: the program's table tells before a connection is lost. NetSem
 * accept_6. */
static int64_t hand_over(const struct call *c, struct file *listener, struct hf_sock *sk, int flags)
{
    struct file *f;
    int vehicle;
    int err = write_peer(c, sk);

    if (err == CALL_GONE) {
        listener->ready = sk;
        return CALL_SENT;
    }
    if (err < 0) {
        hf_sock_close(sk);
        return err;
    }
    err = vehicle_accepted(c->sv, sk, flags & SOCK_NONBLOCK, &f, &vehicle);
    if (err == -EMFILE && reap_for_room(c->sv))
        err = vehicle_accepted(c->sv, sk, flags & SOCK_NONBLOCK, &f, &vehicle);
    if (err < 0) {
        listener->ready = sk;
        return err == -EMFILE ? -ENFILE : err;
    }
    err = inject_answer(c, vehicle, flags & SOCK_CLOEXEC);
    file_shut(&vehicle);
    if (err >= 0) {
        file_seen(f, c->tid, err);
        file_touch(f);
        return CALL_SENT;
    }
    /* Nobody has it: the connection goes back, its vehicle does not. */
    listener->ready = sk;
    file_abandon(f);
    return err == CALL_GONE ? CALL_SENT : err;
}

static int64_t try_accept(const struct call *c, struct file *f, int flags)
{
    struct hf_sock *sk;
    int err = take(f, &sk);
    int64_t result;

    if (err < 0)
        return err;
    /* Before the answer: who has the last connection sees no other. */
    if (f->state == FILE_LISTENING)
        vehicle_ring(f);
    result = hand_over(c, f, sk, flags);
    if (f->ready && f->state == FILE_LISTENING)
        vehicle_ring(f);
    return result;
}

static int flags_of(const struct call *c)
{
    return c->nr == SYS_accept4 ? (int)c->args[3] : 0;
}

/* NetSem accept_2. */
static int64_t wait_on(const struct call *c, struct file *f, bool expired)
{
    int64_t result = try_accept(c, f, flags_of(c));

    return result == -EAGAIN && !expired ? CALL_HELD : result;
}

static int64_t do_accept(const struct call *c, struct file *f)
{
    int flags = flags_of(c);
    int64_t result;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    result = try_accept(c, f, flags);
    if (result == -EAGAIN && inject_is_full(c))
        return -EMFILE;
    if (result != -EAGAIN || file_is_nonblocking(c, f))
        return result;
    return hold_call(c, f, wait_on, hf_sock_timeout(f->sk, SO_RCVTIMEO));
}

int64_t sys_accept(const struct call *c, struct file *f)
{
    return do_accept(c, f);
}

int64_t sys_accept4(const struct call *c, struct file *f)
{
    return do_accept(c, f);
}
