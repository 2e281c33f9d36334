/* Links as users write them: KIND[:ARG][,key=value]..., a comma inside doubled. Every value is
 * checked when the text is read, so that a wrong one is told of before anything has been made. */
#include "handfast/links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/env.h"
#include "links/link_value.h"

#define SPEC_OPTIONS 32
#define DEFAULT_SEED 1

struct option;

typedef int make_fn(const struct hf_env *env, struct hf_link *below, const struct option *option,
                    uint64_t seed, struct hf_link **out);

struct key {
    const char *name, *wanted;
    bool (*read)(const char *text, uint64_t *number); /* false: not what is wanted */
    make_fn *make;                                    /* the wrapper it stands for, if it does */
};

struct option {
    const struct key *key;
    const char *value;
    uint64_t number;
};

struct hf_link_spec {
    char *text; /* a copy of what was written, cut into pieces */
    const char *kind, *arg;
    struct option options[SPEC_OPTIONS];
    size_t count;
};

static int make_loss(const struct hf_env *env, struct hf_link *below, const struct option *option,
                     uint64_t seed, struct hf_link **out)
{
    return hf_link_loss_new(env, below, (uint32_t)option->number, seed, out);
}

static int make_dup(const struct hf_env *env, struct hf_link *below, const struct option *option,
                    uint64_t seed, struct hf_link **out)
{
    return hf_link_dup_new(env, below, (uint32_t)option->number, seed, out);
}

static int make_corrupt(const struct hf_env *env, struct hf_link *below,
                        const struct option *option, uint64_t seed, struct hf_link **out)
{
    return hf_link_corrupt_new(env, below, (uint32_t)option->number, seed, out);
}

static int make_reorder(const struct hf_env *env, struct hf_link *below,
                        const struct option *option, uint64_t seed, struct hf_link **out)
{
    return hf_link_reorder_new(env, below, (uint32_t)option->number, seed, out);
}

static int make_delay(const struct hf_env *env, struct hf_link *below, const struct option *option,
                      uint64_t seed, struct hf_link **out)
{
    return hf_link_delay_new(env, below, (hf_time)option->number, out);
}

static int make_rate(const struct hf_env *env, struct hf_link *below, const struct option *option,
                     uint64_t seed, struct hf_link **out)
{
    return hf_link_rate_new(env, below, option->number, out);
}

/* Stacks count from when the machine began, captures from 1970. */
static int make_pcap(const struct hf_env *env, struct hf_link *below, const struct option *option,
                     uint64_t seed, struct hf_link **out)
{
    struct timespec day;
    int fd = open(option->value, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0)
        return -errno;
    clock_gettime(CLOCK_REALTIME, &day);
    return hf_link_pcap_new(env, below, fd, (hf_time)day.tv_sec * HF_S + day.tv_nsec - host_now(),
                            out);
}

static const struct key keys[] = {
    {"loss", "a percentage, such as 2% or 0.5%", value_percent, make_loss},
    {"dup", "a percentage, such as 2% or 0.5%", value_percent, make_dup},
    {"corrupt", "a percentage, such as 2% or 0.5%", value_percent, make_corrupt},
    {"reorder", "a percentage, such as 2% or 0.5%", value_percent, make_reorder},
    {"delay", "a time up to an hour, such as 20ms (us, ms, s)", value_time, make_delay},
    {"rate", "a speed, such as 10mbit (kbit, mbit, gbit)", value_rate, make_rate},
    {"pcap", "a file's name", value_text, make_pcap},
    {"seed", "a whole number", value_whole, NULL},
    {"mtu", "bytes, 1280 to 65535", value_mtu, NULL},
    {"address", "an address, such as 10.9.0.2/24", value_text, NULL},
    {"gateway", "an address, such as 10.9.0.1", value_text, NULL},
};

#define KEY_NAMES "loss, dup, corrupt, reorder, delay, rate, pcap, seed, mtu, address, gateway"

__attribute__((format(printf, 2, 3))) static int complain(char why[HF_LINK_WHY], const char *format,
                                                          ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, HF_LINK_WHY, format, args);
    va_end(args);
    return -EINVAL;
}

/* Cuts the next piece off *rest, which becomes NULL behind the last, and undoubles its commas. */
static char *next_piece(char **rest)
{
    char *piece = *rest, *to = piece, *from = piece;

    for (; *from; *to++ = *from++) {
        if (*from != ',')
            continue;
        if (from[1] != ',')
            break;
        from++;
    }
    *rest = *from ? from + 1 : NULL;
    *to = '\0';
    return piece;
}

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static int read_option(struct hf_link_spec *spec, char *piece, char why[HF_LINK_WHY])
{
    struct option *option = &spec->options[spec->count];
    char *equals = strchr(piece, '=');

    if (spec->count == SPEC_OPTIONS)
        return complain(why, "more than %d options", SPEC_OPTIONS);
    if (!equals)
        return complain(why, "\"%.40s\": key=value is wanted, key one of %s", piece, KEY_NAMES);
    *equals = '\0';
    option->key = find_key(piece);
    if (!option->key)
        return complain(why, "\"%.40s\" is not known; there are %s", piece, KEY_NAMES);
    option->value = equals + 1;
    if (!option->key->read(option->value, &option->number))
        return complain(why, "%s=%.60s: %s is wanted", piece, option->value, option->key->wanted);
    spec->count++;
    return 0;
}

static int read_kind(struct hf_link_spec *spec, char *piece, char why[HF_LINK_WHY])
{
    char *colon = strchr(piece, ':');

    if (colon) {
        *colon = '\0';
        spec->arg = colon + 1;
        if (!*spec->arg)
            return complain(why, "%.40s: something is wanted behind the colon", piece);
    }
    spec->kind = piece;
    if (!*piece || strchr(piece, '='))
        return complain(why, "\"%.40s\": a link begins with its kind, as in host,loss=2%%", piece);
    return 0;
}

int hf_link_spec_parse(const char *text, struct hf_link_spec **out, char why[HF_LINK_WHY])
{
    struct hf_link_spec *spec = calloc(1, sizeof(*spec));
    int err;

    if (spec)
        spec->text = strdup(text);
    if (!spec || !spec->text) {
        hf_link_spec_free(spec);
        complain(why, "out of memory");
        return -ENOMEM;
    }

    char *rest = spec->text;

    err = read_kind(spec, next_piece(&rest), why);
    while (!err && rest)
        err = read_option(spec, next_piece(&rest), why);
    if (err) {
        hf_link_spec_free(spec);
        return err;
    }
    *out = spec;
    return 0;
}

void hf_link_spec_free(struct hf_link_spec *spec)
{
    if (!spec)
        return;
    free(spec->text);
    free(spec);
}

const char *hf_link_spec_kind(const struct hf_link_spec *spec)
{
    return spec->kind;
}

const char *hf_link_spec_arg(const struct hf_link_spec *spec)
{
    return spec->arg;
}

static const struct option *find_option(const struct hf_link_spec *spec, const char *key, size_t n)
{
    for (size_t i = 0; i < spec->count; i++) {
        if (strcmp(spec->options[i].key->name, key) == 0 && n-- == 0)
            return &spec->options[i];
    }
    return NULL;
}

const char *hf_link_spec_value(const struct hf_link_spec *spec, const char *key, size_t n)
{
    const struct option *option = find_option(spec, key, n);

    return option ? option->value : NULL;
}

/* Two wrappers of one kind differ in their random numbers: each adds its place to the seed. */
int hf_link_spec_wrap(const struct hf_link_spec *spec, const struct hf_env *env,
                      struct hf_link *below, struct hf_link **out, char why[HF_LINK_WHY])
{
    const struct option *seed = find_option(spec, "seed", 0);
    uint64_t number = seed ? seed->number : DEFAULT_SEED;

    for (size_t i = 0; i < spec->count; i++) {
        const struct option *option = &spec->options[i];
        int err;

        if (!option->key->make)
            continue;
        err = option->key->make(env, below, option, number + i, &below);
        if (err) {
            complain(why, "%s=%.60s: %s", option->key->name, option->value, strerror(-err));
            hf_link_free(below);
            return err;
        }
    }
    *out = below;
    return 0;
}
