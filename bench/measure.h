/* Measuring, for all sides alike: rates of work done in batches, latencies, and how they are told.
 *
 * A program of the bench is called `SIDE ROW FAMILY SECONDS [NUMBER...]` and prints lines of
 * `NAME VALUE`; bench/figures knows what they mean. Whoever else uses the processor shall not
 * spoil a figure: a batch of a tenth of a millisecond in which the processor was taken away (the
 * scheduler counts that) does not count, unless there are no others. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

struct args {
    int family; /* AF_INET, AF_INET6 */
    double seconds;
    long number[4]; /* 0 where none is given */
};

struct row {
    const char *name;
    void (*run)(const struct args *args);
};

/* main() of each side: finds the row, runs it. rows end with a NULL name. */
int measure_main(int argc, char **argv, const struct row *rows);

/* Does count times what is measured. */
typedef void work_fn(void *ctx, long count);

double now_s(void);
uint64_t now_ns(void);

/* How often per second work is done, over so many seconds, after a short time to warm up. */
double rate_of(const struct args *args, work_fn *work, void *ctx);

/* The same, of something that is there just so many times: no batch comes twice. */
double rate_once(work_fn *work, void *ctx, long total);

struct samples {
    float *ns;
    size_t count, room;
};

void sample(struct samples *s, uint64_t ns);
/* The value that this share (0..1) of the samples does not exceed; sorts them. 0 when empty. */
double quantile(struct samples *s, double share);

/* Bytes at a time: so many KiB, or most where 0 is said. More than most is refused. */
size_t pieces_of(long kib, size_t most);

void tell(const char *name, double value);

/* Bytes of this process in memory. */
double resident_bytes(void);

/* Starts over on one processor, or on that one. */
void pin(int cpu);

/* A generator of 64 random bits, the same in each run. */
uint64_t dice(uint64_t *state);

void die(const char *what) __attribute__((noreturn));

#endif
