/* resolv.conf(5). */
#include "gateway/resolv.h"

#include <string.h>

#include "tap.h"

static const struct {
    const char *name, *text;
    size_t count;
    const char *first, *last;
} rows[] = {
    {"one resolver", "nameserver 127.0.0.53\n", 1, "127.0.0.53", "127.0.0.53"},
    {"other lines are not its concern",
     "# nameserver 1.1.1.1\ndomain example.org\noptions edns0\n\nnameserver\t10.0.0.1 # here\n", 1,
     "10.0.0.1", "10.0.0.1"},
    {"IPv6", "nameserver ::1\nnameserver 2001:db8::53\n", 2, "::1", "2001:db8::53"},
    {"no end of line", "nameserver 10.0.0.1", 1, "10.0.0.1", "10.0.0.1"},
    {"a fourth is not asked",
     "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n", 3,
     "10.0.0.1", "10.0.0.3"},
    {"a name is not an address", "nameserver ns.example.org\nnameserver 10.0.0.2\n", 1, "10.0.0.2",
     "10.0.0.2"},
    {"none at all: this host", "search example.org\nnameserver\n", 1, "127.0.0.1", "127.0.0.1"},
};

static void test_row(size_t i)
{
    char path[64];
    struct resolvers got;
    FILE *file = tmpfile();

    if (!file)
        abort();
    fputs(rows[i].text, file);
    fflush(file);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
    resolvers_read(path, &got);
    fclose(file);
    EQ(got.count, rows[i].count, rows[i].name);
    OK(strcmp(got.text[0], rows[i].first) == 0, "the first is the first");
    OK(strcmp(got.text[got.count - 1], rows[i].last) == 0, "the last is the last");
}

int main(void)
{
    struct resolvers got;

    tap_begin(5);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        test_row(i);
    resolvers_read("/nonexistent", &got);
    OK(got.count == 1 && strcmp(got.text[0], "127.0.0.1") == 0, "no file: this host");
    return tap_end();
}
