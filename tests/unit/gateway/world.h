/* A program's stack and a gateway on one wire, in a network of the test's own with nothing but
 * loopback: what the program connects to really is dialled there. */
#ifndef TESTS_GATEWAY_WORLD_H
#define TESTS_GATEWAY_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "gateway/address.h"
#include "gateway/gateway.h"
#include "handfast/links.h"
#include "handfast/linux.h"
#include "handfast/socket.h"
#include "host/env.h"
#include "tap.h"

#define LOG_ROOM 8192

struct world {
    struct loop *loop;
    struct hf_frame_pool *pool;
    struct hf_link *ends[2];
    struct hf_stack *stack; /* the program's */
    struct gateway *gateway;
    struct loop_source program, watcher;
    bool (*done)(void);
    hf_time looked;
    char log[LOG_ROOM];
};

static struct world w;

static inline hf_time world_deadline(struct loop_source *s)
{
    return hf_stack_deadline(w.stack);
}
static inline void world_poll(struct loop_source *s, hf_time now)
{
    hf_stack_poll(w.stack, now);
}
/* What is waited for may come by the kernel, which wakes no loop for a socket that only the test
 * holds; or by a stack's poll behind the look. So it is looked for every millisecond, too. */
static inline hf_time world_next_look(struct loop_source *s)
{
    return w.done ? w.looked + HF_MS : HF_TIME_NEVER;
}

static inline void world_look(struct loop_source *s, hf_time now)
{
    w.looked = now;
    if (w.done && w.done()) {
        w.done = NULL;
        loop_stop(w.loop);
    }
}

/* Turns the loop until done says so, which it is asked in every turn. */
static inline void world_until(bool (*done)(void))
{
    if (done())
        return;
    w.done = done;
    loop_run(w.loop);
}

static inline void world_log(void *ctx, const char *line)
{
    strncat(w.log, line, sizeof(w.log) - strlen(w.log) - 1);
    strncat(w.log, "\n", sizeof(w.log) - strlen(w.log) - 1);
}

static inline void must(int err)
{
    if (err < 0) {
        fprintf(stderr, "# %s\n", strerror(-err));
        abort();
    }
}

static inline void world_route(const char *prefix, const char *via, enum hf_route_kind kind)
{
    const struct hf_route route = {.prefix = prefix,
                                   .via = via,
                                   .link = w.ends[0],
                                   .source = kind == HF_ROUTE_UNLESS_BOUND ? "10.0.2.15" : NULL,
                                   .kind = kind};

    must(hf_route_add(w.stack, &route));
}

static inline void world_begin(bool host_loopback)
{
    static const char *const resolvers[] = {"127.0.0.53"};
    struct hf_env env = host_env();

    memset(&w, 0, sizeof(w));
    w.loop = loop_new();
    w.pool = hf_frame_pool_new(&env);
    must(hf_link_pair_new(&env, 1500, w.ends));
    strcpy(w.ends[0]->name, "hf0");
    w.ends[0]->flags |= HF_LINK_HOST;

    const struct hf_stack_config stack = {.env = env, .pool = w.pool, .now = loop_now(w.loop)};

    must(hf_stack_new(&stack, &w.stack));
    must(hf_stack_attach(w.stack, w.ends[0]));
    must(hf_addr_add(w.stack, w.ends[0], "10.0.2.15/24"));
    must(hf_addr_add(w.stack, w.ends[0], "fd00:2::15/64"));
    world_route("0.0.0.0/0", "10.0.2.2", HF_ROUTE_UNICAST);
    world_route("::/0", "fd00:2::2", HF_ROUTE_UNICAST);
    world_route("127.0.0.53/32", NULL, HF_ROUTE_UNLESS_BOUND);

    const struct gateway_config gateway = {.loop = w.loop,
                                           .pool = w.pool,
                                           .wire = w.ends[1],
                                           .host_loopback = host_loopback,
                                           .resolvers = resolvers,
                                           .resolver_count = 1,
                                           .log = world_log};

    must(gateway_new(&gateway, &w.gateway));
    w.program = (struct loop_source){.deadline = world_deadline, .poll = world_poll};
    w.watcher = (struct loop_source){.deadline = world_next_look, .poll = world_look};
    loop_add_source(w.loop, &w.watcher);
    loop_add_source(w.loop, &w.program);
}

static inline void world_end(void)
{
    struct hf_frame_pool_stats stats;

    loop_remove_source(w.loop, &w.program);
    gateway_free(w.gateway);
    hf_stack_free(w.stack);
    hf_link_free(w.ends[0]);
    hf_link_free(w.ends[1]);
    hf_frame_pool_stats(w.pool, &stats);
    EQ(stats.frames + stats.pages, 0, "nothing is left behind");
    hf_frame_pool_free(w.pool);
    loop_free(w.loop);
}

static inline struct hf_sock *program_socket(int family, int type)
{
    struct hf_sock *sk;

    must(hf_sock_new(w.stack, family, type, 0, &sk));
    return sk;
}

/* A socket of the host's, bound and (streams) listening; *at gets its port. Not blocking. */
static inline int host_socket(union address *at, int type)
{
    socklen_t len = sizeof(*at);
    int fd = socket(at->sa.sa_family, type | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, &at->sa, address_len(at)) < 0 || getsockname(fd, &at->sa, &len) < 0 ||
        (type == SOCK_STREAM && listen(fd, 8) < 0))
        must(-errno);
    return fd;
}

static inline const char *loopback_of(int family)
{
    return family == AF_INET ? "127.0.0.1" : "::1";
}
static inline const char *gateway_of(int family)
{
    return family == AF_INET ? "10.0.2.2" : "fd00:2::2";
}

/* A private network with loopback up; false where that is not permitted. */
static inline bool world_unshare(int (*unshare_fn)(int), int user_and_net, int net)
{
    struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int s;
    bool good;

    if (unshare_fn(net) < 0 && unshare_fn(user_and_net) < 0)
        return false;
    s = socket(AF_INET, SOCK_DGRAM, 0);
    good = ioctl(s, SIOCSIFFLAGS, &ifr) == 0;
    close(s);
    return good;
}

#endif
