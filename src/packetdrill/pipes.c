/* Between our sockets and the kernel's files: pipe(), splice(), sendfile(). By copy. */
#include <errno.h>
#include <unistd.h>

#include "handfast/linux.h"
#include "packetdrill/drill.h"

enum { PIECE = 65536 };

static int call_pipe(void *userdata, int fds[2])
{
    return pipe(fds);
}

/* Linux: nothing is spliced at the urgent byte, though something is there. */
static bool is_at_urgent_byte(struct placeholder *p)
{
    int is_mark = 0;

    return !hf_sock_ioctl(p->sk, HF_SIOCATMARK, &is_mark) && is_mark &&
           hf_sock_poll(p->sk) & POLLPRI;
}

static ssize_t from_socket(struct drill *d, int in, int out, size_t len)
{
    struct placeholder *p;
    char bytes[PIECE];
    ssize_t n = 0;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, in);
    if (p && is_at_urgent_byte(p))
        return (ssize_t)calls_end(d, 0);
    calls_end(d, 0);
    n = transfer_receive(d, in, bytes, len < sizeof(bytes) ? len : sizeof(bytes));
    return n > 0 ? write(out, bytes, (size_t)n) : n;
}

static ssize_t to_socket(struct drill *d, int in, loff_t *offset, int out, size_t len)
{
    char bytes[PIECE];
    ssize_t n;

    len = len < sizeof(bytes) ? len : sizeof(bytes);
    n = offset ? pread(in, bytes, len, *offset) : read(in, bytes, len);
    if (n <= 0)
        return n;
    n = transfer_send(d, out, bytes, (size_t)n);
    if (offset && n > 0)
        *offset += n;
    return n;
}

static int call_splice(void *userdata, int in, loff_t *off_in, int out, loff_t *off_out, size_t len,
                       unsigned flags)
{
    struct drill *d = userdata;

    /* packetdrill's NULL comes as a pointer to 0. */
    if (drill_has(d, in) ? *off_in != 0 : *off_out != 0) {
        errno = ESPIPE;
        return -1;
    }
    return (int)(drill_has(d, in) ? from_socket(d, in, out, len)
                                  : to_socket(d, in, NULL, out, len));
}

ssize_t pipes_sendfile(struct drill *d, int out, int in, loff_t *offset, size_t len)
{
    return to_socket(d, in, offset, out, len);
}

void pipes_fill(struct packetdrill_interface *table)
{
    table->pipe = call_pipe;
    table->splice = call_splice;
}
