/* What a hostile or broken program does to its sockets. Every row's answer is the Linux kernel's,
 * where Linux has one; where threads race any answer will do, so long as the calls end and a good
 * connection still works afterwards. Only the loopback addresses are used. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/sched.h>

#include "tap.h"

static char name_text[160];
static const int families[] = {AF_INET, AF_INET6};
static int family;

static const char *name_of(const char *what)
{
    snprintf(name_text, sizeof(name_text), "v%d_%s", family == AF_INET ? 4 : 6, what);
    return name_text;
}

/* The call failed with that errno. */
static void fails(long got, int want, const char *what)
{
    EQ(got < 0 ? errno : 0, want, name_of(what));
}

static socklen_t loopback(struct sockaddr_storage *to, int port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
    memset(to, 0, sizeof(*to));
    to->ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        in->sin_port = htons((uint16_t)port);
        return sizeof(*in);
    }
    in6->sin6_addr = in6addr_loopback;
    in6->sin6_port = htons((uint16_t)port);
    return sizeof(*in6);
}

static int tcp(void)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}
static int udp(void)
{
    return socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* A listener at a free port; its address in *at. */
static int listener(int backlog, struct sockaddr_storage *at, socklen_t *len)
{
    int fd = tcp();
    *len = loopback(at, 0);
    if (bind(fd, (struct sockaddr *)at, *len) != 0 || listen(fd, backlog) != 0 ||
        getsockname(fd, (struct sockaddr *)at, len) != 0)
        perror("listener");
    return fd;
}

/* ---- pointers and lengths ---- */

/* Addresses that cannot be read: NULL, page zero, no access, running off a mapping, the kernel's.
 */
static void *bad_pointer(int i)
{
    static char *pages;
    if (pages == NULL) {
        pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(pages + 4096, 4096, PROT_NONE);
    }
    void *const all[] = {NULL, (void *)8, pages + 4096, pages + 4096 - 4,
                         (void *)(UINTPTR_MAX - 4095)};
    return i < 5 ? all[i] : NULL;
}

/* The raw calls: libc would look at some pointers itself. */
static void bad_pointers(void)
{
    struct sockaddr_storage at;
    socklen_t len = loopback(&at, 9), room = sizeof(at);
    char byte = 0;
    for (int i = 0; i < 5; i++) {
        int t = tcp(), u = udp();
        void *bad = bad_pointer(i);
        struct msghdr name_bad = {.msg_name = bad, .msg_namelen = len};
        struct iovec iov = {bad, 100};
        struct msghdr iov_bad = {
            .msg_name = &at, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1};
        fails(syscall(SYS_connect, t, bad, len), EFAULT, "connect_bad_address_is_EFAULT");
        fails(syscall(SYS_connect, u, bad, len), EFAULT, "udp_connect_bad_address_is_EFAULT");
        fails(syscall(SYS_bind, t, bad, len), EFAULT, "bind_bad_address_is_EFAULT");
        if (bad)
            fails(syscall(SYS_sendto, u, &byte, 1, 0, bad, len), EFAULT,
                  "sendto_bad_address_is_EFAULT");
        else /* docs/deviations.md: without a peer a plain send is taken and dropped */
            OK(syscall(SYS_sendto, u, &byte, 1, 0, NULL, len) == 1 || errno == EDESTADDRREQ,
               "sendto_no_address_has_no_destination");
        fails(syscall(SYS_sendto, u, bad, 100, 0, &at, len), EFAULT, "sendto_bad_bytes_is_EFAULT");
        fails(syscall(SYS_getsockname, t, bad, &room), EFAULT, "getsockname_bad_address_is_EFAULT");
        fails(syscall(SYS_getsockname, t, &at, i == 3 ? NULL : bad), EFAULT,
              "getsockname_bad_length_is_EFAULT");
        fails(syscall(SYS_setsockopt, t, SOL_SOCKET, SO_KEEPALIVE, i == 3 ? NULL : bad, 4), EFAULT,
              "setsockopt_bad_value_is_EFAULT");
        room = 4;
        fails(syscall(SYS_getsockopt, t, SOL_SOCKET, SO_TYPE, i == 3 ? NULL : bad, &room), EFAULT,
              "getsockopt_bad_value_is_EFAULT");
        fails(syscall(SYS_getsockopt, t, SOL_SOCKET, SO_TYPE, &byte, i == 3 ? NULL : bad), EFAULT,
              "getsockopt_bad_length_is_EFAULT");
        fails(syscall(SYS_sendmsg, u, i == 3 ? bad_pointer(2) : bad, 0), EFAULT,
              "sendmsg_bad_message_is_EFAULT");
        fails(syscall(SYS_sendmsg, u, &name_bad, 0), bad ? EFAULT : EDESTADDRREQ,
              "sendmsg_bad_name_is_EFAULT_or_none_when_NULL");
        fails(syscall(SYS_sendmsg, u, &iov_bad, 0), EFAULT, "sendmsg_bad_bytes_is_EFAULT");
        fails(syscall(SYS_recvmsg, u, i == 3 ? bad_pointer(2) : bad, MSG_DONTWAIT), EFAULT,
              "recvmsg_bad_message_is_EFAULT");
        room = sizeof(at);
        len = loopback(&at, 9);
        close(t);
        close(u);
    }
}

static void absurd_lengths(void)
{
    struct sockaddr_storage at;
    socklen_t len = loopback(&at, 9);
    int t = tcp(), u = udp();
    static char large[70000];
    char bytes[256] = {0};
    const struct {
        long len;
        const char *name;
    } rows[] = {
        {-1, "minus_1"},
        {0x7fffffff, "INT_MAX"},
        {129, "129"},
        {0, "0"},
        {1, "1"},
        {(long)0x80000000, "INT_MIN"},
        {len - 5 - 4 * (family == AF_INET6), "too_short_for_the_family"},
    };
    char what[100];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(what, sizeof(what), "connect_length_%s_is_EINVAL", rows[i].name);
        fails(syscall(SYS_connect, t, &at, rows[i].len), EINVAL, what);
        snprintf(what, sizeof(what), "udp_connect_length_%s_is_EINVAL", rows[i].name);
        fails(syscall(SYS_connect, u, &at, rows[i].len), EINVAL, what);
        snprintf(what, sizeof(what), "bind_length_%s_is_EINVAL", rows[i].name);
        fails(syscall(SYS_bind, t, &at, rows[i].len), EINVAL, what);
    }
    struct iovec iov = {bytes, 1};
    struct msghdr many = {.msg_name = &at, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1025};
    fails(syscall(SYS_sendmsg, u, &many, 0), EMSGSIZE, "sendmsg_of_1025_pieces_is_EMSGSIZE");
    many.msg_iovlen = 1;
    many.msg_namelen = (socklen_t)-1;
    fails(syscall(SYS_sendmsg, u, &many, 0), EINVAL, "sendmsg_name_length_minus_1_is_EINVAL");
    many.msg_namelen = len;
    many.msg_control = bytes;
    many.msg_controllen = 1UL << 32;
    fails(syscall(SYS_sendmsg, u, &many, 0), ENOBUFS, "sendmsg_control_of_4_GiB_is_ENOBUFS");
    fails(syscall(SYS_setsockopt, t, SOL_SOCKET, SO_KEEPALIVE, bytes, -1), EINVAL,
          "setsockopt_length_minus_1_is_EINVAL");
    socklen_t minus = (socklen_t)-1;
    fails(syscall(SYS_getsockopt, t, SOL_SOCKET, SO_TYPE, bytes, &minus), EINVAL,
          "getsockopt_length_minus_1_is_EINVAL");
    minus = (socklen_t)-1;
    fails(syscall(SYS_getsockname, t, bytes, &minus), EINVAL,
          "getsockname_length_minus_1_is_EINVAL");
    fails(syscall(SYS_sendto, u, large, sizeof(large), 0, &at, len), EMSGSIZE,
          "datagram_of_70000_bytes_is_EMSGSIZE");
    close(t);
    close(u);
}

static void wrong_families(void)
{
    struct sockaddr_storage at;
    const int wrong[] = {AF_UNIX, AF_PACKET, 45, 255, 0xffff};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int t = tcp(), u = udp();
        socklen_t len = loopback(&at, 9);
        at.ss_family = (sa_family_t)wrong[i];
        fails(connect(t, (struct sockaddr *)&at, len), EAFNOSUPPORT, "connect_to_a_wrong_family");
        fails(connect(u, (struct sockaddr *)&at, len), EAFNOSUPPORT,
              "udp_connect_to_a_wrong_family");
        fails(bind(t, (struct sockaddr *)&at, len), EAFNOSUPPORT, "bind_to_a_wrong_family");
        close(t);
        close(u);
    }
    fails(socket(family, SOCK_STREAM, 999), EINVAL, "socket_of_protocol_999");
    fails(socket(family, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT, "stream_socket_of_udp");
    fails(socket(family, 99, 0), EINVAL, "socket_of_type_99");
    fails(socket(family, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT, "seqpacket_socket");
}

static void no_sockets(void)
{
    struct sockaddr_storage at;
    socklen_t len = loopback(&at, 9);
    int p[2];
    if (pipe(p) != 0)
        return;
    fails(connect(-1, (struct sockaddr *)&at, len), EBADF, "connect_of_minus_1");
    fails(connect(1000000, (struct sockaddr *)&at, len), EBADF,
          "connect_of_a_number_that_is_not_open");
    fails(connect(p[0], (struct sockaddr *)&at, len), ENOTSOCK, "connect_of_a_pipe");
    fails(listen(p[0], 1), ENOTSOCK, "listen_of_a_pipe");
    fails(accept(p[1], NULL, NULL), ENOTSOCK, "accept_of_a_pipe");
    fails(getsockname(p[1], (struct sockaddr *)&at, &len), ENOTSOCK, "getsockname_of_a_pipe");
    close(p[0]);
    close(p[1]);
}

/* ---- a connection that must always work ---- */

static void good_connection(const char *after)
{
    struct sockaddr_storage at;
    socklen_t len;
    char got[5] = "", what[100];
    int l = listener(1, &at, &len), c = tcp();
    bool good = connect(c, (struct sockaddr *)&at, len) == 0;
    int a = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    good = good && a >= 0 && send(c, "good", 4, 0) == 4 && recv(a, got, 4, MSG_WAITALL) == 4;
    snprintf(what, sizeof(what), "connection_works_after_%s", after);
    OK(good && strcmp(got, "good") == 0, name_of(what));
    close(a);
    close(c);
    close(l);
}

/* ---- calls that are waiting ---- */

struct waiting {
    pthread_t thread;
    int fd;
    struct sockaddr_storage at;
    socklen_t len;
    sem_t about_to; /* posted before the call: the rest is a matter of moments */
};

static void *wait_in_accept(void *arg)
{
    struct waiting *w = arg;
    sem_post(&w->about_to);
    (void)!accept(w->fd, NULL, NULL);
    return NULL;
}
static void *wait_in_recv(void *arg)
{
    struct waiting *w = arg;
    char byte;
    sem_post(&w->about_to);
    (void)!recv(w->fd, &byte, 1, 0);
    return NULL;
}
static void *wait_in_connect(void *arg)
{
    struct waiting *w = arg;
    sem_post(&w->about_to);
    (void)!connect(w->fd, (struct sockaddr *)&w->at, w->len);
    return NULL;
}

/* A listener whose queue is full: the next connect waits. Its clients are left open in fill. */
static int full_listener(struct waiting *w, int fill[2])
{
    int l = listener(0, &w->at, &w->len);
    for (int i = 0; i < 2; i++) {
        fill[i] = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&w->at, w->len);
    }
    return l;
}

/* Closes the socket under the call, then cancels the thread: both must end. C27, POSIX close(). */
static void closed_under_a_call(void)
{
    void *(*const calls[])(void *) = {wait_in_accept, wait_in_recv, wait_in_connect};
    const char *const names[] = {"accept", "recv", "connect"};
    char what[100];
    for (int i = 0; i < 3; i++) {
        struct waiting w = {.fd = -1};
        int fill[2] = {-1, -1}, l = full_listener(&w, fill);
        sem_init(&w.about_to, 0, 0);
        w.fd = i == 0 ? listener(1, &w.at, &w.len) : i == 1 ? udp() : tcp();
        pthread_create(&w.thread, NULL, calls[i], &w);
        sem_wait(&w.about_to);
        close(w.fd);
        pthread_cancel(w.thread);
        snprintf(what, sizeof(what), "socket_closed_under_%s_then_cancelled", names[i]);
        EQ(pthread_join(w.thread, NULL), 0, name_of(what));
        close(l);
        close(fill[0]);
        close(fill[1]);
    }
}

/* kill -9 and exec while a thread is in connect. */
static void killed_in_connect(bool exec)
{
    int status = 0, ready[2];
    if (pipe(ready) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        struct waiting w = {.fd = tcp()};
        int fill[2];
        sem_init(&w.about_to, 0, 0);
        full_listener(&w, fill);
        pthread_create(&w.thread, NULL, wait_in_connect, &w);
        sem_wait(&w.about_to);
        if (exec)
            execl("/bin/true", "true", (char *)NULL);
        (void)!write(ready[1], "", 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    char byte;
    if (!exec && read(ready[0], &byte, 1) == 1)
        kill(child, SIGKILL);
    waitpid(child, &status, 0);
    if (exec)
        EQ(WEXITSTATUS(status), 0, name_of("exec_while_a_thread_is_in_connect"));
    else
        EQ(WTERMSIG(status), SIGKILL, name_of("kill_while_a_thread_is_in_connect"));
    close(ready[0]);
}

/* The number of a socket that is closed under a blocking connect leads elsewhere when the connect
 * fails: what it leads to then is left alone. */
static void number_reused_under_connect(void)
{
    struct waiting w = {.fd = tcp()};
    int fill[2], l = full_listener(&w, fill), p[2] = {-1, -1};
    struct stat st = {0};
    sem_init(&w.about_to, 0, 0);
    pthread_create(&w.thread, NULL, wait_in_connect, &w);
    sem_wait(&w.about_to);
    for (struct pollfd poller = {w.fd, POLLOUT, 0}; poll(&poller, 1, 0) != 0;)
        sched_yield(); /* until the call has begun */
    if (pipe2(p, O_CLOEXEC) != 0 || dup3(p[0], w.fd, O_CLOEXEC) != w.fd)
        perror("pipe");
    close(l); /* the next SYN is refused */
    pthread_join(w.thread, NULL);
    OK(fstat(w.fd, &st) == 0 && S_ISFIFO(st.st_mode), name_of("number_reused_under_connect"));
    for (int i = 0; i < 2; i++) {
        close(p[i]);
        close(fill[i]);
    }
    close(w.fd);
}

static int timed_receive(int fd)
{
    static char byte;
    static struct sockaddr_storage from;
    static socklen_t len = sizeof(from);
    return recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &len) < 0 ? errno : 0;
}

/* Does the process wait in recvfrom()? */
static bool is_receiving(pid_t pid)
{
    char path[64];
    long nr = -1;
    snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
    FILE *file = fopen(path, "r");
    if (file) {
        (void)!fscanf(file, "%ld", &nr);
        fclose(file);
    }
    return nr == SYS_recvfrom;
}

/* A process that has the number of one that was killed in a call, and makes the very same call, is
 * not the old one that comes again. */
static void number_of_a_killed_process_reused(void)
{
    struct timeval second = {.tv_sec = 1};
    struct timespec began, now;
    int fd = udp(), status = 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
    pid_t number = fork();
    if (number == 0)
        _exit(timed_receive(fd));
    while (!is_receiving(number))
        sched_yield();
    clock_gettime(CLOCK_MONOTONIC, &began);
    do /* the kernel tells the age of a process in hundredths of a second */
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000 < 30);
    kill(number, SIGKILL);
    waitpid(number, NULL, 0);
    struct clone_args args = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1};
    pid_t again = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (again == 0)
        _exit(timed_receive(fd));
    close(fd);
    if (again != number) {
        OK(true, name_of("number_of_a_killed_process_reused # SKIP no number can be asked for"));
        return;
    }
    waitpid(again, &status, 0);
    EQ(WEXITSTATUS(status), EAGAIN, name_of("number_of_a_killed_process_reused"));
}

/* A listener that was shut down is a socket like any other. */
static void listener_becomes_client(void)
{
    struct sockaddr_storage at, own;
    socklen_t len;
    char byte = 0;
    int l = listener(1, &at, &len), c = listener(3, &own, &len), waits = tcp();
    EQ(connect(waits, (struct sockaddr *)&own, len), 0, name_of("connect_to_the_later_client"));
    EQ(shutdown(c, SHUT_RD), 0, name_of("listener_is_shut_down"));
    EQ(connect(c, (struct sockaddr *)&at, len), 0, name_of("listener_shut_down_connects"));
    int a = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    OK(send(c, "x", 1, 0) == 1 && recv(a, &byte, 1, 0) == 1 && byte == 'x',
       name_of("listener_shut_down_sends"));
    close(a);
    close(c);
    close(l);
    close(waits);
}

/* ---- many bytes, many pieces ---- */

static bool flooding;

static void *flood(void *arg)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    int to = *(int *)arg, fd = udp();
    if (getsockname(to, (struct sockaddr *)&at, &len) != 0 ||
        connect(fd, (struct sockaddr *)&at, len) != 0)
        perror("flood");
    while (__atomic_load_n(&flooding, __ATOMIC_RELAXED))
        (void)!send(fd, "", 0, MSG_DONTWAIT);
    close(fd);
    return NULL;
}

/* Connections are made while others write as fast as they can. */
static void flooded(void)
{
    struct sockaddr_storage at;
    socklen_t len = loopback(&at, 0);
    pthread_t threads[3];
    int sink = udp();
    (void)!bind(sink, (struct sockaddr *)&at, len);
    flooding = true;
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, flood, &sink);
    for (int i = 0; i < 10; i++)
        good_connection("and_in_a_flood");
    __atomic_store_n(&flooding, false, __ATOMIC_RELAXED);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    close(sink);
}

/* As many messages of as many pieces as one call may have. */
static void many_pieces(void)
{
    static struct iovec iov[1024];
    static struct mmsghdr all[1024];
    static char byte;
    struct sockaddr_storage at;
    socklen_t len = loopback(&at, 0);
    int to = udp(), fd = udp();
    (void)!bind(to, (struct sockaddr *)&at, len);
    (void)!getsockname(to, (struct sockaddr *)&at, &len);
    for (int i = 0; i < 1024; i++) {
        iov[i] = (struct iovec){&byte, (size_t)(i % 2)};
        all[i].msg_hdr = (struct msghdr){
            .msg_name = &at, .msg_namelen = len, .msg_iov = iov, .msg_iovlen = 1024};
    }
    EQ(sendmmsg(fd, all, 1024, 0), 1024, name_of("1024_messages_of_1024_pieces_are_sent"));
    EQ(all[1023].msg_len, 512, name_of("the_last_of_them_has_all_its_bytes"));
    EQ(recvmmsg(to, all, 8, MSG_DONTWAIT, NULL), 8, name_of("messages_of_1024_pieces_come"));
    EQ(all[7].msg_len, 512, name_of("they_have_all_their_bytes"));
    close(to);
    close(fd);
}

/* ---- threads that race ---- */

#define RACERS 6
#define ROUNDS 400
static int shared[4];

/* Does anything at all to the four descriptors that all racers share. */
static void *race(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    struct sockaddr_storage at;
    socklen_t len = loopback(&at, 0), room;
    int one = 1;
    char bytes[64];
    for (int i = 0; i < ROUNDS; i++) {
        int *slot = &shared[rand_r(&seed) % 4], fd = __atomic_load_n(slot, __ATOMIC_RELAXED);
        room = sizeof(at);
        switch (rand_r(&seed) % 12) {
        case 0:
            (void)!dup3(fd, __atomic_load_n(&shared[rand_r(&seed) % 4], __ATOMIC_RELAXED),
                        O_CLOEXEC);
            break;
        case 1:
            fd = socket(family, (rand_r(&seed) % 2 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
            close(__atomic_exchange_n(slot, fd, __ATOMIC_RELAXED));
            break;
        case 2:
            len = loopback(&at, 0);
            (void)!bind(fd, (struct sockaddr *)&at, len);
            break;
        case 3:
            (void)!listen(fd, 2);
            break;
        case 4:
        case 5:
            if (getsockname(__atomic_load_n(&shared[rand_r(&seed) % 4], __ATOMIC_RELAXED),
                            (struct sockaddr *)&at, &room) == 0)
                (void)!connect(fd, (struct sockaddr *)&at, len);
            break;
        case 6:
            at.ss_family = AF_UNSPEC;
            (void)!connect(fd, (struct sockaddr *)&at, len);
            break;
        case 7:
            close(accept4(fd, NULL, NULL, SOCK_NONBLOCK));
            break;
        case 8:
            (void)!shutdown(fd, rand_r(&seed) % 3);
            break;
        case 9:
            (void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
            break;
        case 10:
            (void)!send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
            break;
        default:
            (void)!recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        }
    }
    return NULL;
}

static void racing(void)
{
    pthread_t threads[RACERS];
    for (int i = 0; i < 4; i++)
        shared[i] = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    for (uintptr_t i = 0; i < RACERS; i++)
        pthread_create(&threads[i], NULL, race, (void *)(i + 1));
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        close(shared[i]);
}

/* ---- more than there is ---- */

static void too_many(void)
{
    struct rlimit before, few = {64, 64};
    int fds[64], n = 0;
    getrlimit(RLIMIT_NOFILE, &before);
    few.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_NOFILE, &few);
    while (n < 64 && (fds[n] = tcp()) >= 0)
        n++;
    EQ(errno, EMFILE, name_of("socket_beyond_the_limit_is_EMFILE"));
    while (n > 0)
        close(fds[--n]);
    setrlimit(RLIMIT_NOFILE, &before);
}

/* Children that die with everything open. */
static void dying_children(void)
{
    int ended = 0;
    for (int i = 0; i < 40; i++)
        if (fork() == 0) {
            struct sockaddr_storage at;
            socklen_t len;
            for (int j = 0; j < 5; j++) {
                listener(3, &at, &len);
                (void)!connect(tcp(), (struct sockaddr *)&at, len);
                udp();
            }
            if (i % 2)
                abort();
            _exit(0);
        }
    while (wait(NULL) > 0)
        ended++;
    EQ(ended, 40, name_of("children_die_with_everything_open"));
}

int main(void)
{
    struct rlimit no_core = {0, 0};
    tap_begin(90);
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_CORE, &no_core);
    for (int i = 0; i < 2; i++) {
        family = families[i];
        bad_pointers();
        absurd_lengths();
        wrong_families();
        no_sockets();
        good_connection("bad_arguments");
        closed_under_a_call();
        good_connection("sockets_closed_under_calls");
        killed_in_connect(false);
        killed_in_connect(true);
        good_connection("threads_killed_in_connect");
        number_reused_under_connect();
        number_of_a_killed_process_reused();
        listener_becomes_client();
        flooded();
        many_pieces();
        racing();
        good_connection("a_race");
        too_many();
        dying_children();
        good_connection("dying_children");
    }
    return tap_end();
}
