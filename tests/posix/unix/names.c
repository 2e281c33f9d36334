/* Names: what bind() takes, what getsockname() tells, whom connect() finds. C02, C03, C22, C24,
 * C26; NetSem bind_1, bind_3, bind_5, getsockname_1, getpeername_1. */
#include "posix/unix/local.h"

static void creation(int t)
{
    RC(close(local_socket(t)), 0, un(t, "socket"));
    RC(socket(AF_UNIX, t, 1) >= 0 ? 0 : -1, 0, un(t, "socket, protocol PF_UNIX"));
    RC(socket(AF_UNIX, t, 2), -EPROTONOSUPPORT, un(t, "socket, protocol 2"));
    RC(socket(AF_UNIX, t, -1), -EPROTONOSUPPORT, un(t, "socket, protocol -1"));
    int fd = MUST(socket(AF_UNIX, t | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    RC(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, un(t, "SOCK_NONBLOCK"));
    RC(fcntl(fd, F_GETFD), FD_CLOEXEC, un(t, "SOCK_CLOEXEC"));
    RC(getopt_of(fd, SOL_SOCKET, SO_DOMAIN), AF_UNIX, un(t, "SO_DOMAIN"));
    RC(getopt_of(fd, SOL_SOCKET, SO_TYPE), t, un(t, "SO_TYPE"));
    RC(getopt_of(fd, SOL_SOCKET, SO_PROTOCOL), 0, un(t, "SO_PROTOCOL"));
}

static void other_types(int t)
{
    int fd = MUST(socket(AF_UNIX, SOCK_RAW, 0));
    RC(getopt_of(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, un(t, "SOCK_RAW is SOCK_DGRAM"));
    RC(socket(AF_UNIX, SOCK_RDM, 0), -ESOCKTNOSUPPORT, un(t, "SOCK_RDM"));
    RC(socket(AF_UNIX, 0, 0), -ESOCKTNOSUPPORT, un(t, "type 0"));
    RC(socket(AF_UNIX, 7, 0), -ESOCKTNOSUPPORT, un(t, "type 7"));
    RC(socket(AF_UNIX, 15, 0), -EINVAL, un(t, "type 15"));
}

static void unnamed(int t)
{
    struct sockaddr_un got = {0};
    int fd = local_socket(t);
    RC(name_len(fd, &got), 2, un(t, "an unnamed socket's name is 2 bytes"));
    RC(got.sun_family, AF_UNIX, un(t, "which are its family"));
    RC(peer_len(fd, NULL), -ENOTCONN, un(t, "getpeername, no peer"));
    char two[2];
    socklen_t n = 0;
    RC(getsockname(fd, (struct sockaddr *)two, &n), 0, un(t, "getsockname into no room"));
    RC(n, 2, un(t, "getsockname into no room tells the length"));
}

static void automatic(int t)
{
    struct sockaddr_un got = {0};
    struct local family = raw_name("", 0);
    int fd = local_socket(t);
    RC(bind_local(fd, family), 0, un(t, "bind of a family alone"));
    RC(name_len(fd, &got), 8, un(t, "an automatic name is 8 bytes"));
    bool good = got.sun_path[0] == 0;
    for (int i = 1; i < 6; i++)
        good = good && strchr("0123456789abcdef", got.sun_path[i]) && got.sun_path[i];
    OK(good, un(t, "a zero and five hexadecimal digits"));
    struct sockaddr_un again = {0};
    RC(bind_local(fd, family), 0, un(t, "again: nothing happens"));
    name_len(fd, &again);
    OK(memcmp(&got, &again, 8) == 0, un(t, "and the name stays"));
    RC(bind_local(fd, hidden("late")), -EINVAL, un(t, "a name after an automatic one"));
    int other = local_bound(t, hidden("early"));
    RC(bind_local(other, family), 0, un(t, "an automatic name after one: nothing happens"));
    RC(name_len(other, NULL), 8, un(t, "and its name stays"));
}

static void lengths(int t)
{
    struct sockaddr_storage ss;
    memset(&ss, 0, sizeof(ss));
    ss.ss_family = AF_UNIX;
    struct sockaddr *sa = (struct sockaddr *)&ss;
    memset((char *)&ss + 2, 'a', sizeof(ss) - 2);
    for (int n = 0; n <= 1; n++)
        RC(bind(local_socket(t), sa, (socklen_t)n), -EINVAL, un(t, "bind, length %d", n));
    RC(bind(local_socket(t), sa, 111), -EINVAL, un(t, "bind, length 111"));
    RC(bind(local_socket(t), sa, 128), -EINVAL, un(t, "bind, length 128"));
    RC(bind(local_socket(t), sa, 129), -EINVAL, un(t, "bind, length 129"));
    for (int n = 0; n <= 2; n++)
        RC(connect(local_socket(t), sa, (socklen_t)n), -EINVAL, un(t, "connect, length %d", n));
    RC(connect(local_socket(t), sa, 111), -EINVAL, un(t, "connect, length 111"));
    ss.ss_family = AF_INET;
    RC(bind(local_socket(t), sa, 16), -EINVAL, un(t, "bind, AF_INET"));
    RC(connect(local_socket(t), sa, 16), -EINVAL, un(t, "connect, AF_INET"));
    RC(bind(local_socket(t), NULL, 16), -EFAULT, un(t, "bind, NULL"));
    RC(connect(local_socket(t), NULL, 16), -EFAULT, un(t, "connect, NULL"));
}

static void abstract_names(int t)
{
    struct sockaddr_un got = {0};
    struct local a = raw_name("\0a\0b", 4);
    int fd = local_bound(t, a);
    RC(name_len(fd, &got), 6, un(t, "an abstract name has its length"));
    OK(memcmp(got.sun_path, "\0a\0b", 4) == 0, un(t, "zeros are part of it"));
    RC(bind_local(local_socket(t), a), -EADDRINUSE, un(t, "an abstract name that is taken"));
    RC(bind_local(local_socket(t), raw_name("\0a\0b\0", 5)), 0,
       un(t, "one zero more is another name"));
    RC(bind_local(local_socket(t), raw_name("\0a", 2)), 0, un(t, "a shorter one too"));
    RC(bind_local(local_socket(t), raw_name("\0", 1)), 0, un(t, "the zero alone is a name"));
    RC(bind_local(fd, hidden("second")), -EINVAL, un(t, "a second name"));
    RC(bind_local(fd, a), -EINVAL, un(t, "its own name again"));
    close(fd);
    RC(bind_local(local_socket(t), a), 0, un(t, "the name can be had again after close"));
    char full[108] = {0};
    memset(full + 1, 'f', 107);
    fd = local_bound(t, raw_name(full, 108));
    RC(name_len(fd, &got), 110, un(t, "the longest abstract name"));
}

static void types_apart(int t)
{
    int other = t == SOCK_DGRAM ? SOCK_STREAM : SOCK_DGRAM;
    struct local a = hidden("apart");
    int fd = local_bound(other, a);
    RC(connect_local(local_socket(t), a), -ECONNREFUSED, un(t, "abstract, another type's"));
    RC(bind_local(local_socket(t), a), 0, un(t, "another type has the same abstract name"));
    close(fd);
    local_bound(other, path("apart"));
    RC(connect_local(local_socket(t), path("apart")), -EPROTOTYPE, un(t, "path, another type's"));
    RC(bind_local(local_socket(t), path("apart")), -EADDRINUSE, un(t, "a path of another type"));
}

static void paths(int t)
{
    struct sockaddr_un got = {0};
    struct stat st;
    int fd = local_bound(t, path("node"));
    RC(name_len(fd, &got), 2 + 5, un(t, "a path's name ends in a zero"));
    OK(strcmp(got.sun_path, "node") == 0, un(t, "and is what was bound"));
    RC(stat("node", &st), 0, un(t, "the node is there"));
    OK(S_ISSOCK(st.st_mode), un(t, "and is a socket"));
    RC(bind_local(local_socket(t), path("node")), -EADDRINUSE, un(t, "a path that is there"));
    RC(bind_local(fd, path("node")), -EADDRINUSE, un(t, "its own path again"));
    RC(bind_local(fd, path("node2")), -EINVAL, un(t, "a second path"));
    RC(stat("node2", &st), -ENOENT, un(t, "which leaves no node"));
    close(fd);
    RC(stat("node", &st), 0, un(t, "the node stays after close"));
    RC(bind_local(local_socket(t), path("node")), -EADDRINUSE, un(t, "and its path is taken"));
    RC(connect_local(local_socket(t), path("node")), -ECONNREFUSED,
       un(t, "connect to a node without a socket"));
    MUST(unlink("node"));
    RC(connect_local(local_socket(t), path("node")), -ENOENT, un(t, "connect to no node"));
    RC(bind_local(local_socket(t), path("node")), 0, un(t, "unlinked, the path is free"));
}

static void path_lengths(int t)
{
    struct sockaddr_un got = {0};
    char full[109] = {0};
    int fd = local_bound(t, raw_name("bare", 4));
    RC(name_len(fd, &got), 2 + 5, un(t, "without its zero a path gets one"));
    fd = local_bound(t, raw_name("more\0junk", 9));
    RC(name_len(fd, &got), 2 + 5, un(t, "behind its zero nothing counts"));
    memset(full, 'p', 108);
    fd = local_bound(t, raw_name(full, 108));
    RC(name_len(fd, &got), 111, un(t, "108 bytes of path make 111"));
    struct stat st;
    RC(stat(full, &st), 0, un(t, "and all of them name the node"));
    MUST(unlink(full));
}

static void path_errors(int t)
{
    char loop[32];
    RC(bind_local(local_socket(t), path("none/x")), -ENOENT, un(t, "bind in no directory"));
    RC(connect_local(local_socket(t), path("none/x")), -ENOENT, un(t, "connect in no directory"));
    close(MUST(open("file", O_CREAT | O_WRONLY, 0600)));
    RC(bind_local(local_socket(t), path("file")), -EADDRINUSE, un(t, "bind to a file"));
    RC(connect_local(local_socket(t), path("file")), -ECONNREFUSED, un(t, "connect to a file"));
    RC(connect_local(local_socket(t), path(".")), -ECONNREFUSED, un(t, "connect to a directory"));
    RC(bind_local(local_socket(t), path("file/x")), -ENOTDIR, un(t, "bind below a file"));
    RC(connect_local(local_socket(t), path("file/x")), -ENOTDIR, un(t, "connect below a file"));
    RC(bind_local(local_socket(t), path("x/")), -ENOENT, un(t, "bind, a slash at the end"));
    MUST(symlink("loop", "loop"));
    snprintf(loop, sizeof(loop), "loop/x");
    RC(bind_local(local_socket(t), path(loop)), -ELOOP, un(t, "bind, a loop of links"));
    RC(connect_local(local_socket(t), path("loop")), -ELOOP, un(t, "connect, a loop of links"));
    MUST(symlink("nowhere", "dangling"));
    RC(bind_local(local_socket(t), path("dangling")), -EADDRINUSE,
       un(t, "bind to a dangling link"));
    RC(connect_local(local_socket(t), path("dangling")), -ENOENT,
       un(t, "connect to a dangling link"));
}

/* Another name of the node is the same socket; another node of the name is not. */
static void nodes(int t)
{
    int fd = t == SOCK_DGRAM ? local_bound(t, path("one")) : local_listener(t, path("one"), 5);
    MUST(link("one", "two"));
    RC(connect_local(local_socket(t), path("two")), 0, un(t, "a hard link leads to the socket"));
    MUST(symlink("one", "three"));
    RC(connect_local(local_socket(t), path("three")), 0, un(t, "a symbolic link too"));
    MUST(rename("one", "four"));
    RC(connect_local(local_socket(t), path("four")), 0, un(t, "a renamed node too"));
    RC(connect_local(local_socket(t), path("one")), -ENOENT, un(t, "the old name does not"));
    struct sockaddr_un got = {0};
    name_len(fd, &got);
    OK(strcmp(got.sun_path, "one") == 0, un(t, "the name shown stays what was bound"));
    MUST(unlink("two"));
    MUST(unlink("four"));
    MUST(mknod("four", S_IFSOCK | 0777, 0));
    RC(connect_local(local_socket(t), path("four")), -ECONNREFUSED,
       un(t, "a new node is nobody's"));
}

static void permissions(int t)
{
    struct stat st;
    umask(0027);
    int fd = t == SOCK_DGRAM ? local_bound(t, path("mine")) : local_listener(t, path("mine"), 5);
    MUST(stat("mine", &st));
    RC(st.st_mode & 0777, 0750, un(t, "the node's mode follows the umask"));
    MUST(chmod("mine", 0444));
    MUST(mkdir("shut", 0700));
    if (geteuid() == 0) {
        MUST(chmod(".", 0755));
        MUST(seteuid(65534));
    }
    RC(connect_local(local_socket(t), path("mine")), -EACCES,
       un(t, "connect without write access"));
    RC(bind_local(local_socket(t), path("shut/x")), -EACCES, un(t, "bind without access"));
    RC(connect_local(local_socket(t), path("shut/x")), -EACCES, un(t, "connect without access"));
    (void)!seteuid(0);
    close(fd);
}

static const struct local_case cases[] = {
    LOCAL(creation, ALL),    LOCAL(other_types, STREAM), LOCAL(unnamed, ALL),
    LOCAL(automatic, ALL),   LOCAL(lengths, ALL),        LOCAL(abstract_names, ALL),
    LOCAL(types_apart, ALL), LOCAL(paths, ALL),          LOCAL(path_lengths, ALL),
    LOCAL(path_errors, ALL), LOCAL(nodes, ALL),          LOCAL(permissions, ALL),
};

int main(void)
{
    return run_local(cases, COUNT(cases));
}
