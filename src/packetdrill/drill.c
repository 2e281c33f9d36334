/* The plug-in's beginning and end, what its flags say, and the numbers of its sockets. */
#include "packetdrill/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct drill *the_drill;

/* Midday of some day: no time of a script is so far back, and milliseconds begin whole. */
#define EPOCH (1000000000 * HF_S)

static void *env_alloc(void *ctx, size_t size)
{
    return malloc(size);
}

static void env_free(void *ctx, void *p, size_t size)
{
    free(p);
}

/* One run is like another: nobody attacks a script. */
static void env_random(void *ctx, void *buf, size_t len)
{
    uint8_t *to = buf;
    static uint32_t seed = 1;

    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        to[i] = (uint8_t)(seed >> 24);
    }
}

static _Noreturn void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "handfast: %s%s\n", what, detail);
    exit(1);
}

static void env_panic(void *ctx, const char *what, const char *file, int line)
{
    fprintf(stderr, "handfast: internal error: %s (%s:%d)\n", what, file, line);
    abort();
}

/* An edge for those who wait for edges; what it is they will ask. */
static void note_event(void *ctx, struct hf_sock *sk, void *user)
{
    struct placeholder *p = user;

    if (p)
        p->events++;
}

struct placeholder *drill_find(struct drill *d, int fd)
{
    if (drill_has(d, fd))
        return d->fds[fd];
    errno = EBADF;
    return NULL;
}

bool drill_has(struct drill *d, int fd)
{
    return fd >= 0 && fd < DRILL_FDS && d->fds[fd];
}

int drill_number(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < DRILL_FDS)
        return fd;
    close(fd);
    errno = EMFILE;
    return -1;
}

int drill_place(struct drill *d, struct hf_sock *sk, bool is_stream, bool nonblocking)
{
    struct placeholder *p = calloc(1, sizeof(*p));
    int fd = p ? drill_number() : -1;

    if (fd < 0) {
        free(p);
        hf_sock_close(sk);
        return -1;
    }
    *p = (struct placeholder){.sk = sk, .is_stream = is_stream, .nonblocking = nonblocking};
    d->fds[fd] = p;
    hf_sock_set_user(sk, p);
    return fd;
}

void drill_forget(struct drill *d, int fd)
{
    struct placeholder *p = d->fds[fd];

    epoll_forget(d, fd);
    d->fds[fd] = NULL;
    hf_sock_close(p->sk);
    free(p);
}

static void drill_free(void *userdata)
{
    struct drill *d = userdata;

    the_drill = NULL;
    hf_stack_free(d->stack);
    wire_fini(d);
    hf_frame_pool_free(d->pool);
    free(d);
}

/* The names of Linux's net.ipv4 that the stack has settings for, and which number of the value. */
static const struct {
    const char *name;
    int part; /* of "min default max" */
    enum hf_tcp_setting what;
} sysctls[] = {
    {"tcp_rmem", 1, HF_TCP_RMEM_DEFAULT},
    {"tcp_rmem", 2, HF_TCP_RMEM_MAX},
    {"tcp_wmem", 1, HF_TCP_WMEM_DEFAULT},
    {"tcp_wmem", 2, HF_TCP_WMEM_MAX},
    {"tcp_timestamps", 0, HF_TCP_TIMESTAMPS},
    {"tcp_sack", 0, HF_TCP_SACK},
    {"tcp_syn_retries", 0, HF_TCP_SYN_RETRIES},
    {"tcp_synack_retries", 0, HF_TCP_SYNACK_RETRIES},
    {"tcp_window_scaling", 0, HF_TCP_WINDOW_SCALING},
    {"tcp_mtu_probing", 0, HF_TCP_MTU_PROBING},
    {"tcp_syncookies", 0, HF_TCP_SYN_COOKIES},
    {"tcp_ecn", 0, HF_TCP_ECN},
    {"tcp_fastopen", 0, HF_TCP_FASTOPEN_MODE},
    {"tcp_fastopen_blackhole_timeout_sec", 0, HF_TCP_FASTOPEN_PAUSE},
    {"tcp_slow_start_after_idle", 0, HF_TCP_SLOW_START_AFTER_IDLE},
    {"tcp_notsent_lowat", 0, HF_TCP_UNSENT_DEFAULT},
    {"tcp_min_tso_segs", 0, HF_TCP_MIN_TSO_SEGS},
};

static void set_sysctl(struct drill *d, const char *name, const char *value)
{
    unsigned long part[3] = {0};
    bool known = false;
    char *at = (char *)(uintptr_t)value;
    int n = 0;

    while (*at && n < 3) {
        part[n++] = strtoul(at, &at, 0);
        at += *at == '/';
    }

    for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
        if (strcmp(name, sysctls[i].name) == 0 && sysctls[i].part < n) {
            known = true;
            if (hf_stack_set_tcp(d->stack, sysctls[i].what, (uint32_t)part[sysctls[i].part]))
                give_up("a value out of range: ", name);
        }
    if (!known)
        give_up("no such setting: ", name);
}

/* Four words in hexadecimal, as Linux prints it. */
static void set_key(struct drill *d, const char *value)
{
    unsigned int word[4];
    uint8_t key[16];

    if (sscanf(value, "%x-%x-%x-%x", &word[0], &word[1], &word[2], &word[3]) != 4)
        give_up("not a key: ", value);
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(word[i / 4] >> 8 * (i % 4));
    (void)!hf_stack_set_fastopen_key(d->stack, key, sizeof(key));
}

/* "mtu=1500,local=192.168.0.1/16,tcp_rmem=4096/540000/15728640": addresses of this host, the
 * wire's MTU, and Linux's sysctls. */
static void take_flag(struct drill *d, char *flag)
{
    char *value = strchr(flag, '=');

    if (!value)
        give_up("not NAME=VALUE: ", flag);
    *value++ = 0;
    if (strcmp(flag, "local") == 0) {
        if (hf_addr_add(d->stack, &d->wire.link, value))
            give_up("not an address: ", value);
    } else if (strcmp(flag, "tcp_fastopen_key") == 0) {
        set_key(d, value);
    } else if (strcmp(flag, "mtu") != 0) {
        set_sysctl(d, flag, value);
    }
}

static void take_flags(struct drill *d, const char *flags)
{
    char *copy = strdup(flags), *rest = copy, *flag;

    if (!copy)
        give_up("no memory", "");
    while ((flag = strsep(&rest, ",")))
        if (*flag)
            take_flag(d, flag);
    free(copy);
}

void drill_set(struct drill *d, const char *flags)
{
    pthread_mutex_lock(&d->lock);
    take_flags(d, flags);
    pthread_mutex_unlock(&d->lock);
}

static uint32_t mtu_of(const char *flags)
{
    const char *at = flags ? strstr(flags, "mtu=") : NULL;

    return at ? (uint32_t)strtoul(at + 4, NULL, 10) : 1500;
}

static void build_stack(struct drill *d, const char *flags)
{
    struct hf_env env = {
        .alloc = env_alloc, .free = env_free, .random = env_random, .panic = env_panic};
    struct hf_stack_config config = {
        .env = env, .now = EPOCH, .privileged = true, .event = note_event};
    struct hf_route everywhere[] = {{.prefix = "0.0.0.0/0", .link = &d->wire.link},
                                    {.prefix = "::/0", .link = &d->wire.link}};

    d->now = EPOCH;
    config.pool = d->pool = hf_frame_pool_new(&env);
    wire_init(d, mtu_of(flags));
    if (!config.pool || hf_stack_new(&config, &d->stack))
        give_up("no memory", "");
    if (hf_stack_attach(d->stack, &d->wire.link))
        give_up("an MTU that cannot be: ", flags);
    take_flags(d, flags ? flags : "");
    for (int i = 0; i < 2; i++)
        if (hf_route_add(d->stack, &everywhere[i]))
            give_up("no route", "");
}

__attribute__((visibility("default"))) void
packetdrill_interface_init(const char *flags, struct packetdrill_interface *table)
{
    struct drill *d = calloc(1, sizeof(*d));

    if (!d)
        give_up("no memory", "");
    unsetenv("LD_PRELOAD"); /* it is for packetdrill alone, not for the commands it runs */
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->moved, NULL);
    pthread_cond_init(&d->settled, NULL);
    d->script = d->waiter = pthread_self();
    build_stack(d, flags);
    the_drill = d;
    *table = (struct packetdrill_interface){.userdata = d, .free = drill_free};
    table->netdev_send = wire_from_script;
    table->netdev_receive = wire_to_script;
    table->usleep = drill_usleep;
    table->gettimeofday = drill_gettimeofday;
    calls_fill(table);
    options_fill(table);
    transfer_fill(table);
    pipes_fill(table);
    events_fill(table);
    epoll_fill(table);
}
