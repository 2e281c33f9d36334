/* Lines that call: what the program on the host does with its sockets, and what it is told. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "handfast/errno.h"

#include "script.h"

struct named {
    const char *name;
    int value;
};

static const struct named errors[] = {
    {"EPERM", HF_EPERM},
    {"EAGAIN", HF_EAGAIN},
    {"EACCES", HF_EACCES},
    {"EINVAL", HF_EINVAL},
    {"EPIPE", HF_EPIPE},
    {"EPROTO", HF_EPROTO},
    {"EMSGSIZE", HF_EMSGSIZE},
    {"ENOPROTOOPT", HF_ENOPROTOOPT},
    {"EOPNOTSUPP", HF_EOPNOTSUPP},
    {"EADDRINUSE", HF_EADDRINUSE},
    {"EADDRNOTAVAIL", HF_EADDRNOTAVAIL},
    {"ENETUNREACH", HF_ENETUNREACH},
    {"ECONNABORTED", HF_ECONNABORTED},
    {"ECONNRESET", HF_ECONNRESET},
    {"EISCONN", HF_EISCONN},
    {"ENOTCONN", HF_ENOTCONN},
    {"ETIMEDOUT", HF_ETIMEDOUT},
    {"ECONNREFUSED", HF_ECONNREFUSED},
    {"EHOSTUNREACH", HF_EHOSTUNREACH},
    {"EHOSTDOWN", HF_EHOSTDOWN},
    {"ENONET", HF_ENONET},
    {"EALREADY", HF_EALREADY},
    {"EINPROGRESS", HF_EINPROGRESS},
    {NULL, 0},
};

static const struct named states[] = {
    {"ESTABLISHED", 1}, {"SYN-SENT", 2},  {"SYN-RECEIVED", 3}, {"FIN-WAIT-1", 4},
    {"FIN-WAIT-2", 5},  {"TIME-WAIT", 6}, {"CLOSED", 7},       {"CLOSE-WAIT", 8},
    {"LAST-ACK", 9},    {"LISTEN", 10},   {"CLOSING", 11},     {NULL, 0},
};

static const struct named events[] = {
    {"IN", HF_POLLIN},   {"PRI", HF_POLLPRI},     {"OUT", HF_POLLOUT}, {"ERR", HF_POLLERR},
    {"HUP", HF_POLLHUP}, {"RDHUP", HF_POLLRDHUP}, {NULL, 0},
};

static const struct named settings[] = {
    {"rmem_default", HF_TCP_RMEM_DEFAULT},
    {"rmem_max", HF_TCP_RMEM_MAX},
    {"wmem_default", HF_TCP_WMEM_DEFAULT},
    {"wmem_max", HF_TCP_WMEM_MAX},
    {"syn_retries", HF_TCP_SYN_RETRIES},
    {"synack_retries", HF_TCP_SYNACK_RETRIES},
    {"timestamps", HF_TCP_TIMESTAMPS},
    {"sack", HF_TCP_SACK},
    {"window_scaling", HF_TCP_WINDOW_SCALING},
    {"fastopen", HF_TCP_FASTOPEN_MODE},
    {"slow_start_after_idle", HF_TCP_SLOW_START_AFTER_IDLE},
    {"mtu_probing", HF_TCP_MTU_PROBING},
    {"syncookies", HF_TCP_SYN_COOKIES},
    {"ecn", HF_TCP_ECN},
    {"fastopen_pause", HF_TCP_FASTOPEN_PAUSE},
    {NULL, 0},
};

static const struct named option_names[] = {
    {"SO_ERROR", SO_ERROR},
    {"SO_KEEPALIVE", SO_KEEPALIVE},
    {"SO_OOBINLINE", SO_OOBINLINE},
    {"SO_RCVBUF", SO_RCVBUF},
    {"SO_SNDBUF", SO_SNDBUF},
    {"SO_REUSEADDR", SO_REUSEADDR},
    {"SO_RCVLOWAT", SO_RCVLOWAT},
    {"TCP_NODELAY", 1000 + TCP_NODELAY},
    {"TCP_MAXSEG", 1000 + TCP_MAXSEG},
    {"TCP_CORK", 1000 + TCP_CORK},
    {"TCP_KEEPIDLE", 1000 + TCP_KEEPIDLE},
    {"TCP_KEEPINTVL", 1000 + TCP_KEEPINTVL},
    {"TCP_KEEPCNT", 1000 + TCP_KEEPCNT},
    {"TCP_SYNCNT", 1000 + TCP_SYNCNT},
    {"TCP_LINGER2", 1000 + TCP_LINGER2},
    {"TCP_DEFER_ACCEPT", 1000 + TCP_DEFER_ACCEPT},
    {"TCP_WINDOW_CLAMP", 1000 + TCP_WINDOW_CLAMP},
    {"TCP_QUICKACK", 1000 + TCP_QUICKACK},
    {"TCP_USER_TIMEOUT", 1000 + TCP_USER_TIMEOUT},
    {"TCP_FASTOPEN", 1000 + TCP_FASTOPEN},
    {"TCP_FASTOPEN_CONNECT", 1000 + TCP_FASTOPEN_CONNECT},
    {"TCP_RTO_MAX_MS", 1000 + HF_TCP_RTO_MAX_MS},
    {"TCP_RTO_MIN_US", 1000 + HF_TCP_RTO_MIN_US},
    {"TCP_DELACK_MAX_US", 1000 + HF_TCP_DELACK_MAX_US},
    {"TCP_NOTSENT_LOWAT", 1000 + TCP_NOTSENT_LOWAT},
    {NULL, 0},
};

#define FIELD(name)                                        \
    {                                                      \
#name, (int)offsetof(struct tcp_info, tcpi_##name) \
    }

static const struct named info_fields[] = {
    FIELD(rto),           FIELD(snd_mss), FIELD(rcv_mss),       FIELD(unacked),
    FIELD(sacked),        FIELD(lost),    FIELD(retrans),       FIELD(pmtu),
    FIELD(snd_ssthresh),  FIELD(advmss),  FIELD(snd_cwnd),      FIELD(rcv_space),
    FIELD(total_retrans), FIELD(rtt),     FIELD(notsent_bytes), FIELD(rcv_ooopack),
    FIELD(snd_wnd),       {NULL, 0},
};

static const struct named info_bytes[] = {
    FIELD(ca_state), FIELD(retransmits), FIELD(probes), FIELD(backoff), FIELD(options), {NULL, 0},
};

static const struct named *find(const struct named *table, const char *name, size_t len)
{
    for (; table->name; table++)
        if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
            return table;
    return NULL;
}

static int value_of(struct world *w, const struct named *table, const char *name)
{
    const struct named *found = find(table, name, strlen(name));

    if (!found)
        refuse(w, "an unknown name", name);
    return found->value;
}

/* ---- What is expected ---- */

static const char *told(long long n, char *buf, size_t room)
{
    for (const struct named *e = errors; e->name; e++)
        if (n < 0 && e->value == -n)
            return e->name;
    snprintf(buf, room, "%lld", n);
    return buf;
}

/* The word behind `=`, cut off the line; NULL when there is none. */
static const char *cut_expected(struct words *line)
{
    if (line->n < 3 || strcmp(line->at[line->n - 2], "=") != 0)
        return NULL;
    line->n -= 2;
    return line->at[line->n + 1];
}

/* expected: a number or an error; NULL: otherwise. */
static void expect(struct world *w, const char *expected, long long otherwise, long long got)
{
    const struct named *e = expected ? find(errors, expected, strlen(expected)) : NULL;
    long long want = e ? -e->value : expected ? number(w, expected) : otherwise;
    char buf[2][32];

    if (got != want)
        fail(w, told(want, buf[0], sizeof(buf[0])), told(got, buf[1], sizeof(buf[1])));
}

static void expect_name(struct world *w, const struct named *table, const char *expected, int got)
{
    char buf[32];
    int want = value_of(w, table, expected);

    for (; got != want && table->name; table++)
        if (table->value == got)
            fail(w, expected, table->name);
    if (got != want)
        fail(w, expected, told(got, buf, sizeof(buf)));
}

/* ---- Sockets ---- */

static struct endpoint *endpoint_new(struct world *w, const char *name)
{
    struct endpoint *e = &w->sockets[w->socket_count++];

    if (w->socket_count == SOCKETS_MAX)
        refuse(w, "too many sockets", name);
    snprintf(e->name, sizeof(e->name), "%s", name);
    return w->socket = e;
}

static const char *word_or(const struct words *line, int i, const char *otherwise)
{
    return i < line->n ? line->at[i] : otherwise;
}

static int flags_of(struct world *w, const struct words *line, int first)
{
    static const struct named names[] = {
        {"oob", HF_MSG_OOB}, {"more", HF_MSG_MORE}, {"peek", HF_MSG_PEEK}, {NULL, 0}};
    int flags = HF_MSG_DONTWAIT;

    for (int i = first; i < line->n; i++)
        flags |= value_of(w, names, line->at[i]);
    return flags;
}

static void do_socket(struct world *w, struct words *line, const char *expected)
{
    struct endpoint *e = endpoint_new(w, word_or(line, 1, ""));

    expect(w, expected, 0,
           hf_sock_new(w->stack, w->v6 ? HF_AF_INET6 : HF_AF_INET, HF_SOCK_STREAM, 0, &e->sk));
}

static void do_accept(struct world *w, struct words *line, const char *expected)
{
    struct hf_sock *sk = NULL;
    int error = hf_sock_accept(w->socket->sk, &sk);

    if (!error)
        endpoint_new(w, word_or(line, 1, ""))->sk = sk;
    expect(w, expected, 0, error);
}

/* connect [wait | unspec] */
static void do_connect(struct world *w, struct words *line, const char *expected)
{
    struct sockaddr_storage to;
    uint32_t len = world_address(w, w->flow->theirs, &to);
    const char *how = word_or(line, 1, "");
    bool is_unspec = strcmp(how, "unspec") == 0;

    if (is_unspec)
        to.ss_family = AF_UNSPEC;
    expect(w, expected, is_unspec ? 0 : -HF_EINPROGRESS,
           hf_sock_connect(w->socket->sk, &to, len, strcmp(how, "wait") == 0));
}

static void do_result(struct world *w, struct words *line, const char *expected)
{
    expect(w, expected, 0, hf_sock_connect_result(w->socket->sk));
}

static void do_bind(struct world *w, struct words *line, const char *expected)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    uint16_t port = (uint16_t)number(w, word_or(line, 1, ""));

    v6.sin6_port = v4.sin_port = htons(port);
    w->flow->ours = port;
    expect(w, expected, 0,
           w->v6 ? hf_sock_bind(w->socket->sk, &v6, sizeof(v6))
                 : hf_sock_bind(w->socket->sk, &v4, sizeof(v4)));
}

static void do_listen(struct world *w, struct words *line, const char *expected)
{
    expect(w, expected, 0, hf_sock_listen(w->socket->sk, (int)number(w, word_or(line, 1, "16"))));
}

static int64_t transfer_out(struct world *w, uint32_t len, int flags)
{
    static uint8_t bytes[1 << 20];
    struct sockaddr_storage to;
    struct hf_iovec iov = {bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t n;

    if (len > sizeof(bytes))
        refuse(w, "too long", "write");
    if (flags & HF_MSG_FASTOPEN) {
        msg.addr = &to;
        msg.addr_len = world_address(w, w->flow->theirs, &to);
    }
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = stream_byte(w->socket->written + i);
    n = hf_sock_send(w->socket->sk, &msg, flags);
    if (n > 0)
        w->socket->written += (uint32_t)n;
    return n;
}

static void do_write(struct world *w, struct words *line, const char *expected)
{
    uint32_t len = (uint32_t)number(w, word_or(line, 1, ""));

    expect(w, expected, len, transfer_out(w, len, flags_of(w, line, 2)));
}

static void do_fastopen(struct world *w, struct words *line, const char *expected)
{
    uint32_t len = (uint32_t)number(w, word_or(line, 1, ""));

    expect(w, expected, len, transfer_out(w, len, flags_of(w, line, 2) | HF_MSG_FASTOPEN));
}

static void do_read(struct world *w, struct words *line, const char *expected)
{
    static uint8_t bytes[1 << 20];
    uint32_t len = (uint32_t)number(w, word_or(line, 1, ""));
    int flags = flags_of(w, line, 2);
    struct hf_iovec iov = {bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t n;

    if (len > sizeof(bytes))
        refuse(w, "too long", "read");
    n = hf_sock_recv(w->socket->sk, &msg, flags);
    expect(w, expected, len, n);
    for (uint32_t i = 0; !(flags & HF_MSG_OOB) && n > 0 && i < (uint32_t)n; i++)
        if (bytes[i] != stream_byte(w->socket->read + i))
            fail(w, "the bytes that the peer sent", "others");
    if (n > 0 && !(flags & (HF_MSG_OOB | HF_MSG_PEEK)))
        w->socket->read += (uint32_t)n;
}

/* So many bytes of the stream are not read: urgent ones. */
static void do_gap(struct world *w, struct words *line, const char *expected)
{
    w->socket->read += (uint32_t)number(w, word_or(line, 1, "1"));
}

static void do_shutdown(struct world *w, struct words *line, const char *expected)
{
    static const struct named hows[] = {
        {"rd", SHUT_RD}, {"wr", SHUT_WR}, {"rdwr", SHUT_RDWR}, {NULL, 0}};

    expect(w, expected, 0,
           hf_sock_shutdown(w->socket->sk, value_of(w, hows, word_or(line, 1, ""))));
}

static void do_close(struct world *w, struct words *line, const char *expected)
{
    hf_sock_close(w->socket->sk);
    w->socket->sk = NULL;
}

/* close(2) after SO_LINGER with time 0 */
static void do_abort(struct world *w, struct words *line, const char *expected)
{
    struct linger linger = {1, 0};

    expect(w, NULL, 0,
           hf_sock_setsockopt(w->socket->sk, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    do_close(w, line, expected);
}

static void do_set(struct world *w, struct words *line, const char *expected)
{
    int name = value_of(w, option_names, word_or(line, 1, ""));
    int value = (int)number(w, word_or(line, 2, "1"));

    expect(w, expected, 0,
           hf_sock_setsockopt(w->socket->sk, name >= 1000 ? IPPROTO_TCP : SOL_SOCKET, name % 1000,
                              &value, sizeof(value)));
}

static int get(struct world *w, const char *option)
{
    int name = value_of(w, option_names, option);
    int value = 0;
    uint32_t len = sizeof(value);

    expect(w, NULL, 0,
           hf_sock_getsockopt(w->socket->sk, name >= 1000 ? IPPROTO_TCP : SOL_SOCKET, name % 1000,
                              &value, &len));
    return value;
}

static void do_get(struct world *w, struct words *line, const char *expected)
{
    expect(w, expected, 0, get(w, word_or(line, 1, "")));
}

/* SO_ERROR, by name */
static void do_error(struct world *w, struct words *line, const char *expected)
{
    expect(w, expected, 0, -get(w, "SO_ERROR"));
}

static void do_poll(struct world *w, struct words *line, const char *expected)
{
    uint32_t want = 0, got = hf_sock_poll(w->socket->sk), known = 0;
    char text[64] = "";
    size_t len;

    for (const char *at = expected ? expected : "none"; *at && strcmp(at, "none") != 0;
         at += len + (at[len] == '+')) {
        const struct named *e = find(events, at, len = strcspn(at, "+"));

        if (!e)
            refuse(w, "no event", at);
        want |= (uint32_t)e->value;
    }
    for (const struct named *e = events; e->name; e++) {
        known |= (uint32_t)e->value;
        if (got & (uint32_t)e->value)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text ? "+" : "",
                     e->name);
    }
    if ((got & known) != want)
        fail(w, expected ? expected : "none", *text ? text : "none");
}

static struct tcp_info info_of(struct world *w)
{
    struct tcp_info info = {0};
    uint32_t len = sizeof(info);

    expect(w, NULL, 0, hf_sock_getsockopt(w->socket->sk, IPPROTO_TCP, TCP_INFO, &info, &len));
    return info;
}

static void do_state(struct world *w, struct words *line, const char *expected)
{
    expect_name(w, states, expected ? expected : "", info_of(w).tcpi_state);
}

static void do_info(struct world *w, struct words *line, const char *expected)
{
    struct tcp_info info = info_of(w);
    const char *name = word_or(line, 1, "");
    const struct named *byte = find(info_bytes, name, strlen(name));
    const uint8_t *at = (const uint8_t *)&info;
    uint32_t value;

    if (byte) {
        value = at[byte->value];
    } else {
        memcpy(&value, at + value_of(w, info_fields, name), sizeof(value));
    }
    expect(w, expected, 0, value);
}

static void do_ioctl(struct world *w, struct words *line, const char *expected)
{
    static const struct named requests[] = {
        {"SIOCINQ", 0x541b}, {"SIOCOUTQ", 0x5411}, {"SIOCATMARK", 0x8905}, {NULL, 0}};
    int value = 0;

    expect(w, NULL, 0,
           hf_sock_ioctl(w->socket->sk, (unsigned long)value_of(w, requests, word_or(line, 1, "")),
                         &value));
    expect(w, expected, 0, value);
}

/* ---- Of the stack ---- */

static void do_setting(struct world *w, struct words *line, const char *expected)
{
    int what = value_of(w, settings, word_or(line, 1, ""));

    expect(w, expected, 0,
           hf_stack_set_tcp(w->stack, (enum hf_tcp_setting)what,
                            (uint32_t)number(w, word_or(line, 2, ""))));
}

static void do_drops(struct world *w, struct words *line, const char *expected)
{
    if (w->slack) /* the kernel does not tell */
        return;
    for (int i = 0; i < HF_DROP_COUNT; i++)
        if (strcmp(hf_drop_name((enum hf_drop)i), word_or(line, 1, "")) == 0) {
            expect(w, expected, 0, (long long)hf_stack_drops(w->stack, (enum hf_drop)i));
            return;
        }
    refuse(w, "no reason for dropping", word_or(line, 1, ""));
}

static void do_count(struct world *w, struct words *line, const char *expected)
{
#define STAT(name)                                        \
    {                                                     \
#name, (int)offsetof(struct hf_stack_stats, name) \
    }
    static const struct named stats[] = {STAT(sockets),
                                         STAT(tcp_connections),
                                         STAT(tcp_time_wait),
                                         STAT(segments_retransmitted),
                                         STAT(syn_cookies_sent),
                                         STAT(syn_cookies_taken),
                                         {NULL, 0}};
    struct hf_stack_stats now;
    uint64_t value;

    if (w->slack)
        return;
    hf_stack_stats(w->stack, &now);
    memcpy(&value, (uint8_t *)&now + value_of(w, stats, word_or(line, 1, "")), sizeof(value));
    expect(w, expected, 0, (long long)value);
}

/* ---- All of them ---- */

static const struct {
    const char *verb;
    void (*act)(struct world *w, struct words *line, const char *expected);
    bool needs_socket;
} calls[] = {
    {"socket", do_socket, false}, {"accept", do_accept, true},     {"connect", do_connect, true},
    {"result", do_result, true},  {"bind", do_bind, true},         {"listen", do_listen, true},
    {"write", do_write, true},    {"fastopen", do_fastopen, true}, {"read", do_read, true},
    {"gap", do_gap, true},        {"shutdown", do_shutdown, true}, {"close", do_close, true},
    {"abort", do_abort, true},    {"set", do_set, true},           {"get", do_get, true},
    {"error", do_error, true},    {"poll", do_poll, true},         {"state", do_state, true},
    {"info", do_info, true},      {"ioctl", do_ioctl, true},       {"setting", do_setting, false},
    {"drops", do_drops, false},   {"count", do_count, false},
};

/* `name:verb` is the verb on that socket; the verb alone on the one that was made last. */
static char *choose_socket(struct world *w, char *word)
{
    char *colon = strchr(word, ':');

    if (!colon)
        return word;
    for (unsigned i = 0; i < w->socket_count; i++)
        if (strlen(w->sockets[i].name) == (size_t)(colon - word) &&
            memcmp(w->sockets[i].name, word, (size_t)(colon - word)) == 0)
            w->socket = &w->sockets[i];
    if (!w->socket || memcmp(w->socket->name, word, (size_t)(colon - word)) != 0)
        refuse(w, "no such socket", word);
    return colon + 1;
}

bool call(struct world *w, struct words *line)
{
    struct endpoint *was = w->socket;
    unsigned count = w->socket_count;
    char *verb = choose_socket(w, line->at[0]);

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].verb, verb) != 0)
            continue;
        if (calls[i].needs_socket && (!w->socket || !w->socket->sk))
            refuse(w, "no socket is open", verb);
        calls[i].act(w, line, cut_expected(line));
        if (w->socket_count == count)
            w->socket = was;
        world_settle(w);
        return true;
    }
    w->socket = was;
    return false;
}
