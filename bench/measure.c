/* Batches, samples, and the command line of a side. */
#include "measure.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH_S     0.0001
#define PATIENCE    8   /* at most so many times as long is waited for batches that count */
#define WARM_UP     0.1 /* of the time measured */
#define SAMPLES_MAX ((size_t)1 << 20)

struct meter {
    double clean_s, clean_count; /* batches during which nobody else ran */
    double all_s, all_count;
};

void die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, errno ? strerror(errno) : "failed");
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

double now_s(void)
{
    return (double)now_ns() / 1e9;
}

static long times_preempted(void)
{
    struct rusage use;

    getrusage(RUSAGE_THREAD, &use);
    return use.ru_nivcsw;
}

static void batch(struct meter *m, work_fn *work, void *ctx, long count)
{
    long before = times_preempted();
    double began = now_s(), took;

    work(ctx, count);
    took = now_s() - began;
    m->all_s += took;
    m->all_count += (double)count;
    if (times_preempted() == before) {
        m->clean_s += took;
        m->clean_count += (double)count;
    }
}

static double result(const struct meter *m)
{
    return m->clean_s > 0 ? m->clean_count / m->clean_s : m->all_count / m->all_s;
}

double rate_of(const struct args *args, work_fn *work, void *ctx)
{
    struct meter warm = {0}, m = {0};
    long count = 1;

    while (warm.all_s < args->seconds * WARM_UP) {
        double before = warm.all_s;

        batch(&warm, work, ctx, count);
        if (warm.all_s - before < BATCH_S)
            count *= 2;
    }
    while (m.clean_s < args->seconds && m.all_s < args->seconds * PATIENCE)
        batch(&m, work, ctx, count);
    return result(&m);
}

double rate_once(work_fn *work, void *ctx, long total)
{
    struct meter m = {0};
    long count = 1;

    for (long done = 0; done < total; done += count) {
        double before = m.all_s;

        count = count < total - done ? count : total - done;
        batch(&m, work, ctx, count);
        if (m.all_s - before < BATCH_S && count * 2 < total - done - count)
            count *= 2;
    }
    return result(&m);
}

void sample(struct samples *s, uint64_t ns)
{
    if (!s->ns) {
        s->room = SAMPLES_MAX;
        s->ns = malloc(s->room * sizeof(*s->ns));
        if (!s->ns)
            die("memory for samples");
    }
    if (s->count < s->room)
        s->ns[s->count++] = (float)ns;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

double quantile(struct samples *s, double share)
{
    if (s->count == 0)
        return 0;
    qsort(s->ns, s->count, sizeof(*s->ns), by_value);
    return (double)s->ns[(size_t)((double)(s->count - 1) * share)];
}

size_t pieces_of(long kib, size_t most)
{
    if (kib < 0 || (size_t)kib > most >> 10)
        die("a size of pieces that there is room for");
    return kib ? (size_t)kib << 10 : most;
}

void tell(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
    fflush(stdout);
}

double resident_bytes(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f || fscanf(f, "%ld %ld", &pages, &resident) != 2)
        die("/proc/self/statm");
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
        die("sched_setaffinity");
}

/* splitmix64. */
uint64_t dice(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

int measure_main(int argc, char **argv, const struct row *rows)
{
    struct args args = {0};

    for (const struct row *r = rows; argc >= 4 && r->name; r++) {
        if (strcmp(r->name, argv[1]) != 0)
            continue;
        args.family = strcmp(argv[2], "6") == 0 ? AF_INET6 : AF_INET;
        args.seconds = atof(argv[3]);
        for (int i = 4; i < argc && i < 8; i++)
            args.number[i - 4] = atol(argv[i]);
        r->run(&args);
        return 0;
    }
    fprintf(stderr, "usage: %s ROW 4|6 SECONDS [NUMBER...], ROW one of:", argv[0]);
    for (const struct row *r = rows; r->name; r++)
        fprintf(stderr, " %s", r->name);
    fprintf(stderr, "\n");
    return 2;
}
