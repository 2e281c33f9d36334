/* diff FIRST [COUNT]   runs the programs of so many seeds and tells each kind of difference once
 * diff print SEED      the program of a seed
 * diff replay FILE...  the programs in these files, as TAP
 * diff check FIRST COUNT FILE...  both, as TAP: what `make check` runs */
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS_MOST = 500 };

static char kinds[KINDS_MOST][200];
static int kind_count, line_count, failures;

static bool is_new(const char *signature)
{
    for (int i = 0; i < kind_count; i++)
        if (strcmp(kinds[i], signature) == 0)
            return false;
    if (kind_count < KINDS_MOST)
        snprintf(kinds[kind_count++], sizeof(kinds[0]), "%s", signature);
    return true;
}

/* A program that differs is told, shrunk, once for each kind of difference. */
static void run_seed(uint64_t seed)
{
    struct program p;
    struct difference d;

    generate(seed, &p);
    if (p.privileged && !kernel_can_be_privileged())
        return;
    if (compare(&p, 0, &d) || !is_new(d.signature) || compare_surely(&p, &d))
        return;
    shrink(&p, &d);
    is_new(d.signature);
    failures++;
    printf("# seed %llu: %s\n", (unsigned long long)seed, d.signature);
    report(&p, &d);
    printf("\n");
}

static void line(bool good, const char *what)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++line_count, what);
}

static void replay_one(const char *path, const struct program *p)
{
    struct difference d;
    char what[300];
    bool good;

    snprintf(what, sizeof(what), "%s: the program above line %d", path, p->line);
    if (p->privileged && !kernel_can_be_privileged()) {
        printf("ok %d - %s # SKIP needs root\n", ++line_count, what);
        return;
    }
    good = compare_surely(p, &d);
    line(good, what);
    if (good)
        return;
    failures++;
    report(p, &d);
}

static void replay(const char *path)
{
    struct program p = {.line = 0};
    FILE *f = fopen(path, "r");

    if (!f) {
        perror(path);
        exit(2);
    }
    while (program_read(f, &p))
        replay_one(path, &p);
    fclose(f);
}

static void run_seeds(uint64_t first, uint64_t n)
{
    for (uint64_t seed = first; seed < first + n; seed++)
        run_seed(seed);
}

static int check(int argc, char **argv)
{
    char what[80];
    uint64_t first = strtoull(argv[2], NULL, 10), n = strtoull(argv[3], NULL, 10);

    for (int i = 4; i < argc; i++)
        replay(argv[i]);
    kind_count = 0;
    int before = failures;
    run_seeds(first, n);
    snprintf(what, sizeof(what), "seeds %s to %llu", argv[2], (unsigned long long)(first + n - 1));
    line(failures == before, what);
    printf("1..%d\n", line_count);
    return failures != 0;
}

int main(int argc, char **argv)
{
    struct program p;
    char text[400];

    setvbuf(stdout, NULL, _IOLBF, 0);
    hosts_init();
    if (argc == 3 && strcmp(argv[1], "print") == 0) {
        generate(strtoull(argv[2], NULL, 10), &p);
        for (int i = 0; i < p.n; i++) {
            step_print(&p.steps[i], text, sizeof(text));
            puts(text);
        }
        return 0;
    }
    if (argc < 2) {
        fprintf(stderr, "usage: diff FIRST [COUNT] | print SEED | replay FILE... | "
                        "check FIRST COUNT FILE...\n");
        return 2;
    }
    if (!kernel_enter()) {
        printf("1..0 # SKIP no network namespace can be made here\n");
        return 0;
    }
    if (strcmp(argv[1], "check") == 0 && argc >= 4)
        return check(argc, argv);
    if (strcmp(argv[1], "replay") == 0) {
        for (int i = 2; i < argc; i++)
            replay(argv[i]);
        printf("1..%d\n", line_count);
        return failures != 0;
    }
    run_seeds(strtoull(argv[1], NULL, 10), argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
    printf("# %d kinds of difference\n", failures);
    return failures != 0;
}
