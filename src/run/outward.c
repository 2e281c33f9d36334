/* program -> stack: reserve room in the send queue, readv into it, commit. One byte always stays
 * unread in our end (vehicle_unix.c tells why): the newest byte is peeked, not read, and `skip`
 * says how many of the first unread bytes have gone to the stack before. Most messages are short:
 * such a one is peeked at without asking for its length, and read away when a few have come
 * together.
 *
 * A byte that stays holds all the memory of the write it came in, and a program that waits for room
 * is woken when three quarters of the buffer are free. Where the machine allows too little buffer
 * for that (is_narrow), nothing stays. */
#include "run/outward.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/sockios.h>

#define PIECES 64

/* What is short; and how many times such may wait to be read away, with how many bytes: each may
 * have been a write of its own, which holds 768 bytes of the kernel's memory, and with a quarter of
 * the least buffer (BUFFER_ENOUGH) held who waits for room is not woken. */
#define SHORT_BYTES   4096
#define SHORT_WAITING 4
#define SHORT_KEPT    48

int outward_waiting(const struct file *f)
{
    int unread = 0;

    if (f->end.fd < 0 || f->state != FILE_CONNECTED || ioctl(f->end.fd, SIOCINQ, &unread) < 0)
        return 0;
    return unread - (int)f->skip;
}

size_t outward_total(const struct hf_iovec *iov, int n)
{
    size_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += iov[i].len;
    return sum;
}

/* Reads len new bytes into the pieces, which hold at least as many. When they are all there is, the
 * last one is peeked and stays, where one may. */
static size_t read_new(struct file *f, const struct hf_iovec *room, int n, size_t len, bool is_all)
{
    struct iovec iov[PIECES + 1];
    bool stays = is_all && !f->sv->is_narrow;
    size_t want = stays ? len - 1 : len, left = want, done = 0;
    uint8_t *last = NULL;
    int count = 0;

    if (f->skip)
        iov[count++] = (struct iovec){.iov_base = f->sv->scratch, .iov_len = f->skip};
    for (int i = 0; i < n; i++) {
        size_t part = room[i].len < left ? room[i].len : left;

        if (part)
            iov[count++] = (struct iovec){.iov_base = room[i].base, .iov_len = part};
        left -= part;
        if (!last && part < room[i].len)
            last = (uint8_t *)room[i].base + part;
    }
    if (count) {
        ssize_t got = readv(f->end.fd, iov, count);

        if (got < (ssize_t)f->skip)
            return 0;
        done = (size_t)got - f->skip;
        f->skip = 0;
        f->short_waiting = 0;
    }
    if (stays && done == want && recv(f->end.fd, last, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
        f->skip = 1;
        done++;
    }
    return done;
}

/* What has been sent on is read away, but for the one byte that stays. */
static void read_away(struct file *f)
{
    uint32_t stays = f->sv->is_narrow ? 0 : 1;

    if (recv(f->end.fd, f->sv->scratch, f->skip - stays, MSG_DONTWAIT) ==
        (ssize_t)(f->skip - stays))
        f->skip = stays;
    f->short_waiting = 0;
}

/* True when no byte is left in our end, and what there was was short. */
static bool carry_short(struct file *f)
{
    struct iovec iov[PIECES + 1] = {{.iov_base = f->sv->scratch, .iov_len = f->skip}};
    struct msghdr msg = {.msg_iov = iov};
    struct hf_iovec room[PIECES];
    int n = hf_sock_reserve(f->sk, SHORT_BYTES, room, PIECES);
    size_t space, fresh;
    ssize_t got;

    if (n <= 0)
        return false;
    space = outward_total(room, n);
    for (int i = 0; i < n; i++)
        iov[i + 1] = (struct iovec){.iov_base = room[i].base, .iov_len = room[i].len};
    msg.msg_iovlen = (size_t)n + 1;
    got = recvmsg(f->end.fd, &msg, MSG_PEEK | MSG_DONTWAIT);
    fresh = got > (ssize_t)f->skip ? (size_t)got - f->skip : 0;
    f->sends_much = fresh == space;
    if (got < 0 || f->sends_much) {
        hf_sock_commit(f->sk, 0);
        return false;
    }
    hf_sock_commit(f->sk, fresh);
    f->end_readable = false;
    f->skip += (uint32_t)fresh;
    if (fresh && (++f->short_waiting >= SHORT_WAITING || f->skip > SHORT_KEPT || f->sv->is_narrow))
        read_away(f);
    return true;
}

int outward_carry(struct file *f)
{
    struct hf_iovec room[PIECES];

    if (!f->sends_much && carry_short(f))
        return 1;
    for (;;) {
        int waiting = outward_waiting(f);
        size_t space;
        bool is_all;
        int n;

        if (waiting <= 0) {
            f->end_readable = false;
            return 1;
        }
        n = hf_sock_reserve(f->sk, (size_t)waiting, room, PIECES);
        if (n <= 0) /* 0: the stack tells when there is room again, or the handshake is done */
            return n == -EAGAIN ? 0 : n;
        space = outward_total(room, n);
        is_all = space >= (size_t)waiting;
        f->sends_much = waiting >= SHORT_BYTES;
        space = read_new(f, room, n, is_all ? (size_t)waiting : space, is_all);
        hf_sock_commit(f->sk, space);
        if (space == 0)
            return 0;
        if (is_all && !f->end_eof) {
            f->end_readable = false; /* what came since has an edge of its own */
            return 1;
        }
    }
}
