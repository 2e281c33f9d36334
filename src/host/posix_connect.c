/* hf_connect(). C01 to C27; the answers themselves are socket/connect.c's.
 *
 * Order of errors: not a descriptor, the length, the copy of the address; what is no socket of ours
 * is the kernel's to refuse (C19, C20). */
#include <errno.h>
#include <sys/socket.h>

#include "handfast/linux.h"
#include "host/at_once.h"
#include "host/posix.h"

/* Linux: a signal counts even where the open has ended meanwhile, and the next call says so (C13);
 * out of time, the first caller is told EINPROGRESS, who joined EALREADY (NetSem connect_5d). */
int connect_wait(struct call *c, hf_time until, bool joined)
{
    int result, err = 0;

    for (;;) {
        world_settle(c->file->host->world); /* over loopback that may be all it takes */
        if (err == -EINTR)
            return err;
        result = hf_sock_connect_result(c->file->sk);
        if (result != -EINPROGRESS)
            return result;
        if (err)
            return joined ? -EALREADY : -EINPROGRESS;
        err = call_wait(c, HF_POLLOUT, until);
    }
}

/* An AF_UNIX listener's queue is full: the connection has not begun, so nothing goes on. Out of
 * time, it is EAGAIN. */
static int wait_for_room(struct call *c, const uint8_t *addr, socklen_t len, hf_time until)
{
    int result, err = 0;

    for (;;) {
        result = hf_sock_connect(c->file->sk, addr, len, false);
        if (result != -EAGAIN || until == 0)
            return result;
        if (err)
            return err == -EINTR ? err : -EAGAIN;
        err = call_wait(c, WAIT_ANY, until);
    }
}

/* It is a note of the peer: nothing is sent, nothing is waited for. */
static int connect_datagrams(struct file *f, const uint8_t *addr, socklen_t len)
{
    int result;

    host_enter_briefly(f->host);
    result = hf_sock_connect(f->sk, addr, len, false);
    file_touch(f);
    host_leave_briefly(f->host);
    return result;
}

/* A blocking caller joins an open under way; hf_sock_connect is asked as for one that does not
 * wait, to know whether there was one. */
static int64_t do_connect(struct call *c, const struct sockaddr *addr, socklen_t len)
{
    struct file *f = c->file;
    uint8_t bytes[USER_ADDRESS_MAX];
    int result = user_read_address(bytes, addr, len);
    bool joined = false;
    hf_time until;

    if (result)
        return result;
    if (!f->is_stream && !f->is_unix)
        return connect_datagrams(f, bytes, len);
    if (f->is_unix)
        host_enter_briefly(f->host);
    else
        host_enter(f->host);
    until = call_limit(f, true, 0);
    result = f->is_unix ? wait_for_room(c, bytes, len, until)
                        : hf_sock_connect(f->sk, bytes, len, false);
    if (result == -EALREADY && until != 0) {
        joined = true;
        result = -EINPROGRESS;
    }
    if (result == -EINPROGRESS)
        file_look(f); /* it shows nothing now, so what comes is an edge */
    if (result == -EINPROGRESS && until != 0)
        result = connect_wait(c, until, joined);
    file_touch(f);
    host_leave(f->host);
    return result;
}

int hf_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct call c;
    int result;

    pthread_testcancel();
    result = at_once_connect(fd, addr, len);
    if (result != AT_ONCE_NOT)
        return (int)posix_result(result);
    if (!call_begin(&c, fd))
        return connect(fd, addr, len);
    return (int)call_end(&c, do_connect(&c, addr, len));
}
