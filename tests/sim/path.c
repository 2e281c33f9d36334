/* The path table in virtual time: two stacks of ours over loss x delay x rate, one connection for
 * some seconds or objects of 100 kB one after the other. Deterministic; but a frame more or less
 * anywhere gives those behind it another fate, so `make sim` lets each figure differ from
 * path.expected by a tenth, and says all that changed. `make sim-accept` takes new ones, which are
 * reviewed like code that changed.
 *
 *     path                     the table
 *     path check FILE          the table, and whether it is FILE's
 *     path seeds N ROWS        those rows whose wire has ROWS in its name, of N seeds each: the
 * median, and how far the middle four fifths lie apart path WIRE [OUTAGE_MS]    one connection's
 * windows, ten times a second, as in path loss=1%,delay=50ms,rate=100mbit
 *
 * An outage swallows all that would arrive for so long, from OUTAGE_AT on. */
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handfast/errno.h"
#include "handfast/links.h"
#include "handfast/socket.h"

#include "testenv.h"

#define OBJECT_BYTES 100000
#define PORT         80
#define TRACE_EVERY  (100 * HF_MS)
#define OUTAGE_AT    (1500 * HF_MS)
#define SEEDS_MOST   1000

struct row {
    const char *wire; /* the wrappers, as links are written */
    bool is_objects;
    int seconds;
    int outage_ms;
};

static const struct row rows[] = {
    {"loss=0%,delay=0ms,rate=1000mbit", false, 1, 0},
    {"loss=0%,delay=10ms,rate=10mbit", false, 8, 0},
    {"loss=0%,delay=10ms,rate=100mbit", false, 4, 0},
    {"loss=0%,delay=50ms,rate=100mbit", false, 4, 0},
    {"loss=0%,delay=200ms,rate=10mbit", false, 8, 0},
    {"loss=0.1%,delay=10ms,rate=100mbit", false, 64, 0},
    {"loss=0.1%,delay=50ms,rate=10mbit", false, 64, 0},
    {"loss=0.1%,delay=200ms,rate=100mbit", false, 128, 0},
    {"loss=1%,delay=0ms,rate=100mbit", false, 4, 0},
    {"loss=1%,delay=10ms,rate=10mbit", false, 64, 0},
    {"loss=1%,delay=10ms,rate=1000mbit", false, 64, 0},
    {"loss=1%,delay=50ms,rate=100mbit", false, 128, 0},
    {"loss=1%,delay=200ms,rate=10mbit", false, 256, 0},
    {"loss=5%,delay=10ms,rate=100mbit", false, 128, 0},
    {"loss=5%,delay=50ms,rate=10mbit", false, 256, 0},
    {"reorder=2%,delay=10ms,rate=100mbit", false, 8, 0},
    {"delay=10ms,rate=100mbit", false, 4, 100},
    {"delay=50ms,rate=10mbit", false, 8, 100},
    {"loss=0%,delay=10ms,rate=100mbit", true, 8, 0},
    {"loss=0%,delay=50ms,rate=10mbit", true, 8, 0},
    {"loss=0.1%,delay=200ms,rate=100mbit", true, 240, 0},
    {"loss=1%,delay=10ms,rate=1000mbit", true, 64, 0},
    {"loss=1%,delay=50ms,rate=100mbit", true, 240, 0},
    {"loss=5%,delay=10ms,rate=10mbit", true, 240, 0},
    {"loss=5%,delay=50ms,rate=100mbit", true, 240, 0},
};

struct sim;

/* Whom a stack's frames come by: the sim itself may swallow them. */
struct arrival {
    struct sim *sim;
    void (*input)(void *above, struct hf_link *link, struct hf_frame *f);
    void *above;
};

struct sim {
    struct testenv memory;
    struct hf_env env;
    struct hf_frame_pool *pool;
    struct hf_link *ends[2];
    struct hf_stack *stacks[2];
    struct hf_sock *listener, *sender, *receiver;
    struct sockaddr_in6 at;
    struct arrival arrivals[2];
    hf_time now, outage;
    uint64_t received, to_send;
    uint32_t segments, repeats; /* of connections that have ended */
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "path: %s\n", what);
    exit(2);
}

static void arrive(void *above, struct hf_link *link, struct hf_frame *f)
{
    const struct arrival *a = above;
    hf_time now = a->sim->now;

    if (now >= OUTAGE_AT && now < OUTAGE_AT + a->sim->outage)
        hf_frame_free(f);
    else
        a->input(a->above, link, f);
}

static void sim_begin(struct sim *s, const char *wire, int outage_ms)
{
    static const char *const prefixes[] = {"fd00::1/64", "fd00::2/64"};
    struct hf_link_spec *spec;
    char why[HF_LINK_WHY], text[128];

    *s = (struct sim){.memory.seed = 1, .outage = outage_ms * HF_MS};
    s->env = testenv_env(&s->memory);
    s->pool = hf_frame_pool_new(&s->env);
    need(hf_link_pair_new(&s->env, 1500, s->ends) == 0, "no link");
    snprintf(text, sizeof(text), "sim,%s", wire);
    need(hf_link_spec_parse(text, &spec, why) == 0, "not a wire");
    need(hf_link_spec_wrap(spec, &s->env, s->ends[0], &s->ends[0], why) == 0, why);
    hf_link_spec_free(spec);
    for (int i = 0; i < 2; i++) {
        struct hf_stack_config config = {.env = s->env, .pool = s->pool};

        need(hf_stack_new(&config, &s->stacks[i]) == 0 &&
                 hf_stack_attach(s->stacks[i], s->ends[i]) == 0 &&
                 hf_addr_add(s->stacks[i], s->ends[i], prefixes[i]) == 0,
             "no stack");
        s->arrivals[i] = (struct arrival){s, s->ends[i]->input, s->ends[i]->above};
        s->ends[i]->input = arrive;
        s->ends[i]->above = &s->arrivals[i];
    }
    s->at = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    inet_pton(AF_INET6, "fd00::1", &s->at.sin6_addr);
    need(hf_sock_new(s->stacks[0], AF_INET6, SOCK_STREAM, 0, &s->listener) == 0 &&
             hf_sock_bind(s->listener, &s->at, sizeof(s->at)) == 0 &&
             hf_sock_listen(s->listener, 8) == 0,
         "cannot listen");
}

static void sim_end(struct sim *s)
{
    for (int i = 0; i < 2; i++)
        hf_stack_free(s->stacks[i]);
    for (int i = 0; i < 2; i++)
        hf_link_free(s->ends[i]);
    hf_frame_pool_free(s->pool);
    need(s->memory.out == 0, "memory is lost");
}

static struct tcp_info info_of(struct hf_sock *sk)
{
    struct tcp_info info = {0};
    uint32_t len = sizeof(info);

    need(hf_sock_getsockopt(sk, IPPROTO_TCP, TCP_INFO, &info, &len) == 0, "no TCP_INFO");
    return info;
}

/* The server sends what it has, the client reads: as soon as either can. */
static void act(struct sim *s)
{
    static char bytes[65536];
    struct hf_iovec iov = {bytes, sizeof(bytes)};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t n;

    if (!s->sender && hf_sock_accept(s->listener, &s->sender) < 0)
        s->sender = NULL;
    while (s->sender && s->to_send) {
        iov.len = s->to_send < sizeof(bytes) ? s->to_send : sizeof(bytes);
        n = hf_sock_send(s->sender, &msg, MSG_DONTWAIT);
        if (n < 0)
            break;
        s->to_send -= (uint64_t)n;
        if (!s->to_send && hf_sock_shutdown(s->sender, SHUT_WR) < 0)
            need(false, "cannot shut");
    }
    iov.len = sizeof(bytes);
    while ((n = hf_sock_recv(s->receiver, &msg, MSG_DONTWAIT)) > 0)
        s->received += (uint64_t)n;
}

/* To the next moment at which something is due. */
static void step(struct sim *s)
{
    hf_time a = hf_stack_deadline(s->stacks[0]), b = hf_stack_deadline(s->stacks[1]);
    hf_time due = a < b ? a : b;

    if (due > s->now)
        s->now = due;
    hf_stack_poll(s->stacks[0], s->now);
    hf_stack_poll(s->stacks[1], s->now);
    act(s);
}

static void join(struct sim *s, uint64_t bytes)
{
    s->to_send = bytes;
    s->received = 0;
    s->sender = NULL;
    need(hf_sock_new(s->stacks[1], AF_INET6, SOCK_STREAM, 0, &s->receiver) == 0 &&
             hf_sock_connect(s->receiver, &s->at, sizeof(s->at), false) == -HF_EINPROGRESS,
         "cannot connect");
}

static void part(struct sim *s)
{
    struct tcp_info info = s->sender ? info_of(s->sender) : (struct tcp_info){0};

    s->segments += info.tcpi_data_segs_out;
    s->repeats += info.tcpi_total_retrans;
    hf_sock_close(s->sender);
    hf_sock_close(s->receiver);
}

/* kbit/s */
static uint64_t bulk(struct sim *s, const struct row *row)
{
    join(s, UINT64_MAX);
    while (s->now < row->seconds * HF_S)
        step(s);
    part(s);
    return s->received * 8000 / (uint64_t)(s->now / HF_US);
}

static int by_time(const void *a, const void *b)
{
    const hf_time *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* us, the median */
static uint64_t objects(struct sim *s, const struct row *row)
{
    static hf_time took[10000];
    size_t count = 0;

    while (s->now < row->seconds * HF_S && count < sizeof(took) / sizeof(took[0])) {
        hf_time began = s->now;

        join(s, OBJECT_BYTES);
        while (s->received < OBJECT_BYTES)
            step(s);
        took[count++] = s->now - began;
        part(s);
    }
    qsort(took, count, sizeof(took[0]), by_time);
    return (uint64_t)(took[count / 2] / HF_US);
}

static bool is_near(uint64_t got, uint64_t wanted, uint64_t percent, uint64_t slack)
{
    uint64_t apart = got > wanted ? got - wanted : wanted - got;

    return apart <= wanted * percent / 100 + slack;
}

/* Whether the next line of the file says about the same of the row. */
static bool is_as_expected(FILE *expected, const char *wire, uint64_t figure, uint32_t repeats)
{
    char line[200], name[64];
    unsigned long long wanted, wanted_repeats;

    if (!fgets(line, sizeof(line), expected) ||
        sscanf(line, "%63s %*s %llu %*s %llu", name, &wanted, &wanted_repeats) != 3 ||
        strcmp(name, wire) != 0)
        return false;
    if (is_near(figure, wanted, 10, 0) && is_near(repeats, wanted_repeats, 20, 20))
        return true;
    printf("# expected: %s", line);
    return false;
}

/* expected: NULL, or the table that it is to be like. Whether it is. */
static bool table(FILE *expected)
{
    bool good = true;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct sim s;
        uint64_t figure;

        sim_begin(&s, row->wire, row->outage_ms);
        figure = row->is_objects ? objects(&s, row) : bulk(&s, row);
        printf("%-36s %-7s %8llu %-6s  %6u of %7u again\n", row->wire,
               row->is_objects ? "objects" : "bulk", (unsigned long long)figure,
               row->is_objects ? "us" : "kbit/s", s.repeats, s.segments);
        if (expected)
            good &= is_as_expected(expected, row->wire, figure, s.repeats);
        sim_end(&s);
    }
    return good;
}

static void trace(const char *wire, int outage_ms)
{
    struct sim s;
    hf_time next = 0;

    sim_begin(&s, wire, outage_ms);
    join(&s, UINT64_MAX);
    printf("   ms       kB   cwnd ssthresh flight    rtt again lost sacked\n");
    while (s.now < 10 * HF_S) {
        step(&s);
        if (!s.sender || s.now < next)
            continue;
        next = s.now + TRACE_EVERY;

        struct tcp_info i = info_of(s.sender);

        printf("%5lld %8llu %6u %8u %6u %6u %5u %4u %6u\n", (long long)(s.now / HF_MS),
               (unsigned long long)(s.received / 1000), i.tcpi_snd_cwnd, i.tcpi_snd_ssthresh,
               i.tcpi_unacked, i.tcpi_rtt / 1000, i.tcpi_total_retrans, i.tcpi_lost, i.tcpi_sacked);
    }
    part(&s);
    sim_end(&s);
}

static int by_figure(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* A tenth of the time each, with other fates. */
static void seeds(size_t count, const char *which)
{
    static uint64_t figures[SEEDS_MOST];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct row row = rows[i];
        uint64_t segments = 0, repeats = 0;
        char wire[128];

        if (!strstr(row.wire, which))
            continue;
        row.seconds = row.seconds / 10 > 8 ? row.seconds / 10 : 8;
        for (size_t n = 0; n < count; n++) {
            struct sim s;

            snprintf(wire, sizeof(wire), "%s,seed=%zu", row.wire, n + 1);
            sim_begin(&s, wire, row.outage_ms);
            figures[n] = row.is_objects ? objects(&s, &row) : bulk(&s, &row);
            segments += s.segments;
            repeats += s.repeats;
            sim_end(&s);
        }
        qsort(figures, count, sizeof(figures[0]), by_figure);
        printf("%-36s %-7s %8llu (%llu-%llu) %s, %.2f %% again\n", row.wire,
               row.is_objects ? "objects" : "bulk", (unsigned long long)figures[count / 2],
               (unsigned long long)figures[count / 10],
               (unsigned long long)figures[count - 1 - count / 10],
               row.is_objects ? "us" : "kbit/s", 100.0 * (double)repeats / (double)segments);
    }
}

int main(int argc, char **argv)
{
    alarm(300);
    if (argc == 4 && strcmp(argv[1], "seeds") == 0) {
        size_t count = (size_t)atoi(argv[2]);

        need(count > 0 && count <= SEEDS_MOST, "how many seeds?");
        seeds(count, argv[3]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "check") == 0) {
        FILE *expected = fopen(argv[2], "re");

        need(expected != NULL, "no table to compare with");
        return table(expected) ? 0 : 1;
    }
    if (argc > 1)
        trace(argv[1], argc > 2 ? atoi(argv[2]) : 0);
    else
        (void)table(NULL);
    return 0;
}
