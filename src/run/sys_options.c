/* getsockopt() and setsockopt(). The stack has the options; those that data calls meet (time-outs,
 * low water, urgent data in line, where to peek) are set on the vehicle too, by letting the kernel
 * carry the call out there. */
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include "host/env.h"
#include "run/calls.h"
#include "run/files.h"
#include "run/memory.h"
#include "run/owner.h"
#include "run/vehicle.h"

#define VALUE_MAX 8448 /* longer than any option the stack has: a filter of 64 IPv6 sources */

static bool is_vehicles_too(int level, int name)
{
    static const int both[] = {HF_SO_RCVTIMEO_OLD, HF_SO_SNDTIMEO_OLD, HF_SO_RCVTIMEO_NEW,
                               HF_SO_SNDTIMEO_NEW, HF_SO_RCVLOWAT,     HF_SO_OOBINLINE,
                               HF_SO_PEEK_OFF};

    for (size_t i = 0; level == HF_SOL_SOCKET && i < sizeof(both) / sizeof(both[0]); i++) {
        if (both[i] == name)
            return true;
    }
    return false;
}

/* What data calls would have to tell, which the kernel carries out on the vehicle. */
static bool is_beyond_vehicles(const struct file *f, int level, int name, int value)
{
    bool is_stamping = name == HF_SO_TIMESTAMPING_OLD || name == HF_SO_TIMESTAMPING_NEW;

    if (level == HF_SOL_SOCKET && is_stamping)
        return f->state != FILE_DATAGRAM && value > 0;
    return value == 1 && ((level == HF_SOL_SOCKET && name == HF_SO_ZEROCOPY) ||
                          (level == HF_SOL_TCP && name == HF_TCP_INQ));
}

/* A listener's vehicle is never read; peeking at datagrams goes by whole ones. */
static bool is_on_vehicle(const struct file *f, int level, int name)
{
    return is_vehicles_too(level, name) && f->state != FILE_LISTENING &&
           !(f->state == FILE_DATAGRAM && name == HF_SO_PEEK_OFF);
}

static bool joins(int level, int name)
{
    if (level == HF_SOL_IP && (name == HF_IP_ADD_MEMBERSHIP || name == HF_IP_ADD_SOURCE_MEMBERSHIP))
        return true;
    if (level == HF_SOL_IPV6 && name == HF_IPV6_JOIN_GROUP)
        return true;
    return (level == HF_SOL_IP || level == HF_SOL_IPV6) &&
           (name == HF_MCAST_JOIN_GROUP || name == HF_MCAST_JOIN_SOURCE_GROUP);
}

/* The value says where the program is. Linux: copy_bpf_fprog_from_user, sk_attach_filter. */
static int64_t attach_filter(const struct call *c, struct file *f, int32_t len)
{
    struct sock_fprog program;
    size_t bytes;
    int err =
        len == sizeof(program) ? memory_read(c, c->args[3], &program, sizeof(program)) : -EINVAL;

    if (err < 0)
        return err;
    if (!program.filter || !program.len || program.len > BPF_MAXINSNS)
        return -EINVAL;
    bytes = program.len * sizeof(struct sock_filter);
    if (f->state == FILE_DATAGRAM)
        datagram_run(f); /* what came before has come */
    err = memory_read(c, (uint64_t)(uintptr_t)program.filter, c->sv->scratch, bytes);
    return err < 0 ? err
                   : hf_sock_setsockopt(f->sk, HF_SOL_SOCKET, HF_SO_ATTACH_FILTER, c->sv->scratch,
                                        (uint32_t)bytes);
}

int64_t sys_setsockopt(const struct call *c, struct file *f)
{
    int level = (int)c->args[1], name = (int)c->args[2], first = 0;
    int32_t len = (int32_t)c->args[4];
    uint8_t value[VALUE_MAX];
    int err;

    if (len < 0)
        return -EINVAL;
    if (level == HF_SOL_SOCKET && name == HF_SO_ATTACH_FILTER)
        return attach_filter(c, f, len);
    if (len > VALUE_MAX)
        len = VALUE_MAX;
    /* Linux: sk_setsockopt looks at the length before it copies. */
    if (level == HF_SOL_SOCKET && name != HF_SO_BINDTODEVICE && len < (int32_t)sizeof(int))
        return -EINVAL;
    err = memory_read(c, c->args[3], value, (size_t)len);
    if (err < 0)
        return err;
    memcpy(&first, value, (size_t)len < sizeof(first) ? (size_t)len : sizeof(first));
    if (is_beyond_vehicles(f, level, name, first) && len >= (int32_t)sizeof(first))
        return -ENOPROTOOPT;
    if (f->state == FILE_DATAGRAM)
        datagram_run(f); /* what was sent before goes by the old value */
    hf_stack_set_epoch(hf_sock_stack(f->sk), host_epoch()); /* SO_TIMESTAMP may be asked for */
    err = hf_sock_setsockopt(f->sk, level, name, value, (uint32_t)len);
    if ((err == -EPERM || err == -EACCES) && owner_is_admin(c->tid)) {
        hf_sock_set_admin(f->sk, true);
        err = hf_sock_setsockopt(f->sk, level, name, value, (uint32_t)len);
        hf_sock_set_admin(f->sk, false);
    }
    if (err < 0)
        return err;
    if (joins(level, name) && !f->is_member) {
        f->is_member = true;
        f->sv->members++;
    }
    return is_on_vehicle(f, level, name) ? CALL_CONTINUE : 0;
}

/* SO_ERROR: what the pump or the datagrams found first, then the stack's. A reset of an established
 * connection shows on the vehicle itself, so that reading and asking take the one error. */
static int64_t take_error(struct file *f, int *error)
{
    uint32_t len = sizeof(*error);

    if (f->state == FILE_FAILED && f->fd < 0 && f->error == ECONNRESET)
        return CALL_CONTINUE;
    *error = f->state == FILE_DATAGRAM ? datagram_error(f) : f->error;
    f->error = 0;
    if (!*error && hf_sock_getsockopt(f->sk, SOL_SOCKET, SO_ERROR, error, &len) < 0)
        *error = 0;
    vehicle_error_taken(f);
    return 0;
}

int64_t sys_getsockopt(const struct call *c, struct file *f)
{
    int level = (int)c->args[1], name = (int)c->args[2];
    uint8_t value[VALUE_MAX];
    uint32_t len;
    int32_t room;
    int error = 0;
    int64_t err = memory_read(c, c->args[4], &room, sizeof(room));

    if (err < 0)
        return err;
    if (room < 0)
        return -EINVAL;
    if (room > VALUE_MAX)
        room = VALUE_MAX;
    len = (uint32_t)room;
    if (hf_sock_getsockopt_asks(level, name)) {
        err = memory_read(c, c->args[3], value, len);
        if (err < 0)
            return err;
    }
    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    if (level == HF_SOL_SOCKET && name == HF_SO_PEEK_OFF && is_on_vehicle(f, level, name))
        return CALL_CONTINUE; /* native reads move it */
    if (level == HF_SOL_SOCKET && name == HF_SO_ERROR) {
        err = take_error(f, &error);
        if (err == CALL_CONTINUE)
            return err;
        len = len < sizeof(error) ? len : sizeof(error);
        memcpy(value, &error, len);
    } else {
        int64_t refused = hf_sock_getsockopt(f->sk, level, name, value, &len);

        if (refused < 0) {
            err = len > (uint32_t)room ? memory_write(c, c->args[4], &len, sizeof(len)) : 0;
            return err < 0 ? err : refused; /* it takes so much */
        }
    }
    err = memory_write_counted(c, c->args[3], value, len < (uint32_t)room ? len : (uint32_t)room,
                               c->args[4], len);
    if (err == CALL_GONE && error)
        f->error = error; /* for the call that comes again */
    return err;
}
