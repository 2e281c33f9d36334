/* The library's side: one stack with its loopback, in virtual time. Where the core leaves something
 * to the system call around it, as it says in socket.h, that is done here. */
#include "diff.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handfast/linux.h"
#include "handfast/socket.h"
#include "testenv.h"

enum { ADDRESS_MOST = 128 }; /* sizeof(struct sockaddr_storage) */

static struct testenv env;
static struct hf_env core_env;
static struct hf_frame_pool *pool;
static struct hf_stack *st;
static struct hf_sock *socks[SLOTS];
static bool streams[SLOTS];
static uint16_t port_base, port_low;
static hf_time now;

/* All that happens without time passing. */
static void quiesce(void)
{
    do
        hf_stack_poll(st, now);
    while (hf_stack_deadline(st) <= now);
}

void stack_reset(bool privileged, uint16_t base, uint16_t low)
{
    struct hf_stack_config config = {
        .privileged = privileged, .unprivileged_port_start = 1024, .now = 0};

    hf_stack_free(st);
    if (pool)
        hf_frame_pool_free(pool);
    if (env.out) {
        fprintf(stderr, "%zu bytes are leaked\n", env.out);
        abort();
    }
    memset(socks, 0, sizeof(socks));
    env.seed = 1;
    core_env = testenv_env(&env);
    pool = hf_frame_pool_new(&core_env);
    config.env = core_env;
    config.pool = pool;
    now = 0;
    if (hf_stack_new(&config, &st))
        abort();
    port_base = base;
    port_low = low;
}

void stack_settle(int ms)
{
    now += ms * HF_MS;
    quiesce();
}

bool stack_is_stream(int slot)
{
    return streams[slot];
}

int stack_mask(int slot)
{
    return socks[slot] ? (int)hf_sock_poll(socks[slot]) : -1;
}

static uint16_t port_of_slot(void *side, int slot)
{
    struct sockaddr_in6 name = {0};
    uint32_t len = sizeof(name);

    if (socks[slot] && hf_sock_getsockname(socks[slot], &name, &len))
        abort();
    return ntohs(name.sin6_port);
}

static uint32_t address(const struct step *s, uint8_t *room)
{
    struct ports_in_use ports = {port_base, port_low, port_of_slot, NULL};

    return step_address(s, &ports, room);
}

static void put_slot(int slot, struct hf_sock *sk, bool is_stream)
{
    hf_sock_close(socks[slot]);
    socks[slot] = sk;
    streams[slot] = is_stream;
}

static void run_accept(const struct step *s, struct outcome *o)
{
    struct hf_sock *sk;

    o->name_room = o->name_len = (uint32_t)s->f[F_ROOM];
    o->ret = hf_sock_accept(socks[s->f[F_FROM]], &sk);
    if (o->ret < 0)
        return;
    if (hf_sock_accepted_from(sk, o->name, &o->name_len))
        abort();
    put_slot(s->f[F_SLOT], sk, true);
}

static void run_send(int at, const struct step *s, struct outcome *o)
{
    uint8_t to[160], control[64];
    struct hf_iovec iov = {o->data, (size_t)s->f[F_N]};
    struct hf_msg m = {.iov = &iov, .iov_len = 1};

    step_data(at, o->data, iov.len);
    if (s->f[F_HOST]) {
        m.addr_len = address(s, to);
        if (m.addr_len > ADDRESS_MOST)
            m.addr_len = ADDRESS_MOST;
        m.addr = m.addr_len ? to : NULL;
    }
    if (s->f[F_CTL]) {
        m.control = control;
        m.control_len = control_build(s->f[F_CTL], control);
    }
    o->ret = hf_sock_send(socks[s->f[F_SLOT]], &m, s->f[F_FLAGS] | HF_MSG_NOSIGNAL);
}

static void run_recv(const struct step *s, struct outcome *o)
{
    struct hf_iovec iov = {o->data, (size_t)s->f[F_N]};
    struct hf_msg m = {.iov = &iov, .iov_len = 1};

    o->name_room = m.addr_len = (uint32_t)s->f[F_ROOM];
    m.addr = o->name_room ? o->name : NULL;
    m.control_len = (size_t)s->f[F_CTLROOM];
    m.control = m.control_len ? o->control : NULL;
    o->ret = hf_sock_recv(socks[s->f[F_SLOT]], &m, s->f[F_FLAGS] | HF_MSG_DONTWAIT);
    if (o->ret < 0)
        return;
    o->has_message = true;
    o->flags = m.flags;
    o->name_len = m.addr_len;
    o->control_len = (uint32_t)m.control_len;
    o->data_len = (uint32_t)(o->ret < (long long)iov.len ? o->ret : (long long)iov.len);
}

static void run_name(const struct step *s, struct outcome *o)
{
    struct hf_sock *sk = socks[s->f[F_SLOT]];

    o->name_room = o->name_len = (uint32_t)s->f[F_ROOM];
    o->ret = s->op == OP_SOCKNAME ? hf_sock_getsockname(sk, o->name, &o->name_len)
                                  : hf_sock_getpeername(sk, o->name, &o->name_len);
}

static void run_option(const struct step *s, struct outcome *o)
{
    struct hf_sock *sk = socks[s->f[F_SLOT]];
    uint8_t value[160];
    uint32_t len;

    if (s->op == OP_GETOPT) {
        o->value_room = o->value_len = (uint32_t)s->f[F_ROOM];
        o->ret = hf_sock_getsockopt(sk, s->f[F_LEVEL], s->f[F_NAME], o->value, &o->value_len);
    } else {
        len = step_value(s, value);
        o->ret = hf_sock_setsockopt(sk, s->f[F_LEVEL], s->f[F_NAME], value, len);
    }
}

static void run_addressed(const struct step *s, struct outcome *o)
{
    struct hf_sock *sk = socks[s->f[F_SLOT]];
    uint8_t addr[160];
    uint32_t len = address(s, addr);

    if (len > ADDRESS_MOST)
        o->ret = -EINVAL;
    else
        o->ret =
            s->op == OP_BIND ? hf_sock_bind(sk, addr, len) : hf_sock_connect(sk, addr, len, false);
}

static void run(int at, const struct step *s, struct outcome *o)
{
    int slot = s->f[F_SLOT];
    struct hf_sock *sk = socks[slot];

    switch (s->op) {
    case OP_SOCKET:
        o->ret = hf_sock_new(st, s->f[F_DOMAIN], s->f[F_TYPE], s->f[F_PROTO], &sk);
        if (!o->ret)
            put_slot(slot, sk, s->f[F_TYPE] == HF_SOCK_STREAM);
        break;
    case OP_CLOSE:
        hf_sock_close(sk);
        socks[slot] = NULL;
        break;
    case OP_BIND:
    case OP_CONNECT:
        run_addressed(s, o);
        break;
    case OP_LISTEN:
        o->ret = hf_sock_listen(sk, s->f[F_N]);
        break;
    case OP_ACCEPT:
        run_accept(s, o);
        break;
    case OP_SEND:
        run_send(at, s, o);
        break;
    case OP_RECV:
        run_recv(s, o);
        break;
    case OP_SHUTDOWN:
        o->ret = hf_sock_shutdown(sk, s->f[F_N]);
        break;
    case OP_SOCKNAME:
    case OP_PEERNAME:
        run_name(s, o);
        break;
    case OP_GETOPT:
    case OP_SETOPT:
        run_option(s, o);
        break;
    case OP_IOCTL:
        o->ret = hf_sock_ioctl(sk, (unsigned long)s->f[F_N], &o->number);
        break;
    default:
        stack_settle(s->f[F_N]);
    }
}

void stack_run(int at, const struct step *s, struct outcome *o)
{
    run(at, s, o);
    quiesce();
}
