/* Credentials and descriptors in messages: SO_PEERCRED, SCM_CREDENTIALS, SCM_RIGHTS. */
#include "posix/unix/local.h"

static ssize_t send_fds(int fd, const char *data, size_t n, const int *fds, int count)
{
    char room[CMSG_SPACE(300 * sizeof(int))];
    struct iovec v = {(void *)(uintptr_t)data, n};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    memset(room, 0, sizeof(room));
    m.msg_control = room;
    m.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (size_t)count * sizeof(int));
    return sendmsg(fd, &m, MSG_DONTWAIT);
}

struct got {
    ssize_t n;
    int fds[8], count, flags;
    struct ucred cred;
    bool has_cred;
};

static struct got receive(int fd, size_t want, size_t room_bytes, int flags)
{
    char data[64], room[256];
    struct iovec v = {data, want};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    struct got g = {0};
    m.msg_control = room_bytes ? room : NULL;
    m.msg_controllen = room_bytes;
    g.n = r(recvmsg(fd, &m, flags | MSG_DONTWAIT));
    g.flags = m.msg_flags;
    for (struct cmsghdr *c = g.n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_type == SCM_RIGHTS) {
            g.count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(g.fds, CMSG_DATA(c), (size_t)g.count * sizeof(int));
        } else {
            g.has_cred = true;
            memcpy(&g.cred, CMSG_DATA(c), sizeof(g.cred));
        }
    }
    return g;
}

static void peer_credentials(int t)
{
    struct ucred c;
    socklen_t n = sizeof(c);
    int p[2];
    RC(getsockopt(local_socket(t), SOL_SOCKET, SO_PEERCRED, &c, &n), 0, un(t, "SO_PEERCRED, none"));
    OK(c.pid == 0 && c.uid == (uid_t)-1, un(t, "is nobody's"));
    local_pair(t, p);
    MUST(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &c, &n));
    OK(c.pid == getpid() && c.uid == getuid() && c.gid == getgid(), un(t, "a pair's is one's own"));
    if (t == SOCK_DGRAM)
        return;
    struct pair q = local_conn(t, hidden("q"));
    MUST(getsockopt(q.c, SOL_SOCKET, SO_PEERCRED, &c, &n));
    OK(c.pid == getpid(), un(t, "the client knows the listener"));
    MUST(getsockopt(q.s, SOL_SOCKET, SO_PEERCRED, &c, &n));
    OK(c.pid == getpid(), un(t, "the server knows the client"));
}

static void credentials(int t)
{
    int p[2];
    local_pair(t, p);
    RC(getopt_of(p[1], SOL_SOCKET, SO_PASSCRED), 0, un(t, "SO_PASSCRED at first"));
    MUST(send(p[0], "a", 1, 0));
    RC(setopt(p[1], SOL_SOCKET, SO_PASSCRED, 1), 0, un(t, "SO_PASSCRED"));
    struct got g = receive(p[1], 8, 256, 0);
    OK(g.has_cred && g.cred.pid == 0 && g.cred.uid == 65534, un(t, "sent before: nobody"));
    MUST(send(p[0], "b", 1, 0));
    g = receive(p[1], 8, 256, 0);
    OK(g.has_cred && g.cred.pid == getpid() && g.cred.uid == getuid(), un(t, "sent after: who"));
    MUST(send(p[0], "c", 1, 0));
    g = receive(p[1], 8, 0, 0);
    RC(g.flags & MSG_CTRUNC, MSG_CTRUNC, un(t, "no room: MSG_CTRUNC"));
    RC(name_len(p[1], NULL), 2, un(t, "receiving gives no name"));
    MUST(send(p[1], "d", 1, 0));
    RC(name_len(p[1], NULL), t == SOCK_STREAM ? 2 : 8, un(t, "sending with SO_PASSCRED may"));
}

static void passing(int t)
{
    int p[2], q[2], pipes[2];
    char b[8];
    local_pair(t, p);
    local_pair(t, q);
    MUST(pipe(pipes));
    int both[2] = {q[1], pipes[1]};
    RC(send_fds(p[0], "x", 1, both, 2), 1, un(t, "two descriptors"));
    close(q[1]);
    close(pipes[1]);
    struct got g = receive(p[1], 8, 256, 0);
    RC(g.n, 1, un(t, "their message"));
    RC(g.count, 2, un(t, "both come"));
    RC(g.flags, 0, un(t, "and no flags"));
    RC(send(g.fds[0], "hi", 2, 0), 2, un(t, "the socket works"));
    RC(recv(q[0], b, 8, 0), 2, un(t, "at its peer"));
    RC(write(g.fds[1], "pipe", 4), 4, un(t, "the pipe works"));
    RC(read(pipes[0], b, 8), 4, un(t, "at its end"));
    RC(fcntl(g.fds[0], F_GETFD), 0, un(t, "FD_CLOEXEC is off"));
    MUST(send_fds(p[0], "x", 1, g.fds, 1));
    g = receive(p[1], 8, 256, MSG_CMSG_CLOEXEC);
    RC(fcntl(g.fds[0], F_GETFD), FD_CLOEXEC, un(t, "MSG_CMSG_CLOEXEC"));
    int bad[2] = {p[0], 999};
    RC(send_fds(p[0], "x", 1, bad, 2), -EBADF, un(t, "a bad descriptor"));
    RC(receive(p[1], 8, 256, 0).n, -EAGAIN, un(t, "sends nothing"));
    int many[254];
    for (int i = 0; i < 254; i++)
        many[i] = p[0];
    RC(send_fds(p[0], "x", 1, many, 254), -EINVAL, un(t, "254 are too many"));
}

static void received(int t)
{
    int p[2], q[2];
    char b[8];
    local_pair(t, p);
    local_pair(t, q);
    int two[2] = {q[1], q[1]};
    MUST(send_fds(p[0], "x", 1, two, 2));
    struct got g = receive(p[1], 8, CMSG_LEN(sizeof(int)), 0);
    RC(g.count, 1, un(t, "room for one"));
    RC(g.flags & MSG_CTRUNC, MSG_CTRUNC, un(t, "MSG_CTRUNC tells"));
    close(g.fds[0]);
    MUST(send_fds(p[0], "x", 1, two, 1));
    g = receive(p[1], 8, 0, 0);
    RC(g.flags & MSG_CTRUNC, MSG_CTRUNC, un(t, "room for none"));
    MUST(send_fds(p[0], "x", 1, two, 1));
    g = receive(p[1], 8, 256, MSG_PEEK);
    RC(g.count, 1, un(t, "a peek gives it"));
    close(g.fds[0]);
    g = receive(p[1], 8, 256, 0);
    RC(g.count, 1, un(t, "and a read again"));
    close(g.fds[0]);
    MUST(send_fds(p[0], "x", 1, two, 1));
    RC(recv(p[1], b, 8, 0), 1, un(t, "a plain read drops it"));
    MUST(send_fds(p[0], "x", 1, two, 1));
    close(q[1]);
    MUST(send(q[0], "still", 5, 0) == 5 ? 0 : -1);
    MASK(q[0], POLLOUT, un(t, "in flight it is open"));
    RC(recv(p[1], b, 8, 0), 1, un(t, "dropped"));
    await(q[0], t == SOCK_DGRAM ? POLLOUT : POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP);
    RC(send(q[0], "x", 1, MSG_NOSIGNAL),
       t == SOCK_DGRAM    ? -ECONNREFUSED
       : t == SOCK_STREAM ? -EPIPE
                          : -ECONNRESET,
       un(t, "it is closed"));
}

static void boundaries(int t)
{
    int p[2];
    local_pair(t, p);
    MUST(send(p[0], "ab", 2, 0));
    MUST(send_fds(p[0], "cd", 2, p, 1));
    MUST(send(p[0], "ef", 2, 0));
    struct got g = receive(p[1], 64, 256, 0);
    RC(g.n, 4, un(t, "bytes end with descriptors"));
    RC(g.count, 1, un(t, "which come with them"));
    RC(receive(p[1], 64, 256, 0).n, 2, un(t, "the rest comes after"));
}

/* A socket in its own queue: closed, the pipe beside it must be closed too. */
static void cycle(int t)
{
    int p[2], pipes[2];
    local_pair(t, p);
    MUST(pipe(pipes));
    int three[3] = {p[0], p[1], pipes[1]};
    MUST(send_fds(p[0], "x", 1, three, 3));
    close(p[0]);
    close(p[1]);
    close(pipes[1]);
    MASK(pipes[0], 0, un(t, "a cycle holds what it holds"));
    /* Garbage is looked for when a socket closes, and is none while anybody looks at it. */
    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end;) {
        struct pollfd seen = {.fd = pipes[0]};
        close(local_socket(t));
        if (poll(&seen, 1, 10) == 1)
            break;
    }
    MASK(pipes[0], POLLHUP, un(t, "until it is found"));
}

static const struct local_case cases[] = {
    LOCAL(peer_credentials, ALL), LOCAL(credentials, ALL),   LOCAL(passing, ALL),
    LOCAL(received, ALL),         LOCAL(boundaries, STREAM), LOCAL(cycle, ALL),
};

int main(void)
{
    return run_local(cases, COUNT(cases));
}
