/* A test program: cases that pass or fail, TAP on stdout, explanations on stderr, an alarm that
 * ends a hang. Small on purpose: a conformance program brings no framework's sockets and signals
 * along. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int tap_count, tap_failed;

/* Begins the program; it is killed when it takes longer than so many seconds. */
static inline void tap_begin(unsigned seconds)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(seconds);
}

static inline bool tap_ok(bool good, const char *name, const char *file, int line)
{
    tap_count++;
    if (!good) {
        tap_failed++;
        fprintf(stderr, "# %s:%d: failed: %s\n", file, line, name);
    }
    printf("%sok %d - %s\n", good ? "" : "not ", tap_count, name);
    return good;
}

static inline bool tap_eq(long long got, long long want, const char *name, const char *file,
                          int line)
{
    if (got != want)
        fprintf(stderr, "# got %lld, wanted %lld\n", got, want);
    return tap_ok(got == want, name, file, line);
}

#define OK(cond, name)      tap_ok((cond), (name), __FILE__, __LINE__)
#define EQ(got, want, name) tap_eq((long long)(got), (long long)(want), (name), __FILE__, __LINE__)
#define SKIP(name, why)     printf("ok %d - %s # SKIP %s\n", ++tap_count, (name), (why))

static inline int tap_end(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed ? 1 : 0;
}

#endif
