/* The wire of `make bench-path`: two TAP devices, each in a network namespace of its own, joined by
 * Handfast's link wrappers, so that everybody's frames meet the same line, the same loss and the
 * same delay.
 *
 *     wire PID SPEC [OUTAGE_MS]
 *
 * makes a device "wire" in its own namespace and one in that of the process PID. SPEC is what
 * stands behind --link, as in tap,loss=1%,rate=10mbit. With OUTAGE_MS nothing passes for so long,
 * one second after the hundredth frame that is as large as data (some may be of a connection whose
 * program was ended before). Says "ready", and serves until it is
 * ended. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "env.h"
#include "handfast/links.h"

#define DATA_BYTES    1000 /* a frame of so many carries data */
#define DATA_FRAMES   100
#define OUTAGE_BEGINS HF_S /* after so many of them */

struct outage {
    hf_time length, begins; /* begins: 0 before there was that much data */
    uint32_t frames;
};

struct end {
    struct hf_link *device; /* the TAP device itself */
    struct hf_link *wire;   /* that, or the wrappers on it */
    struct hf_link *other;  /* what goes in at the other end */
    struct outage *outage;
};

/* Whether the outage swallows a frame of that size. */
static bool is_out(struct outage *o, uint32_t len)
{
    if (!o->length)
        return false;
    o->frames += len >= DATA_BYTES;
    if (!o->begins && o->frames >= DATA_FRAMES)
        o->begins = now() + OUTAGE_BEGINS;
    return o->begins && now() >= o->begins && now() < o->begins + o->length;
}

static void pass(void *above, struct hf_link *link, struct hf_frame *f)
{
    struct end *end = above;

    if (is_out(end->outage, f->len))
        hf_frame_free(f);
    else
        end->other->ops->send(end->other, f);
}

static struct hf_link *new_device(const struct hf_env *env, struct hf_frame_pool *pool)
{
    struct hf_link *link;
    int error = hf_link_tap_new(env, pool, "wire", &link);

    if (error) {
        errno = -error;
        err(1, "no TAP device");
    }
    return link;
}

static void enter_namespace(const char *pid)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
        err(1, "%s", path);
    close(fd);
}

static struct hf_link *wrap(const struct hf_env *env, struct hf_link *device, const char *text)
{
    struct hf_link_spec *spec;
    struct hf_link *wire;
    char why[HF_LINK_WHY];

    if (hf_link_spec_parse(text, &spec, why) < 0 ||
        hf_link_spec_wrap(spec, env, device, &wire, why) < 0)
        errx(1, "%s", why);
    hf_link_spec_free(spec);
    return wire;
}

/* Frames until the next deadline. All is delayed on the first end: wrappers treat both directions.
 */
static void serve(struct end ends[2])
{
    struct hf_link *wire = ends[0].wire;
    struct pollfd polled[2];

    for (int i = 0; i < 2; i++)
        polled[i] = (struct pollfd){.fd = hf_link_tap_fd(ends[i].device), .events = POLLIN};
    for (;;) {
        hf_time due = wire->ops->deadline ? wire->ops->deadline(wire) : HF_TIME_NEVER;
        hf_time at = now(), left = due > at ? due - at : 0;
        struct timespec ts = {left / HF_S, left % HF_S};

        if (ppoll(polled, 2, due == HF_TIME_NEVER ? NULL : &ts, NULL) < 0 && errno != EINTR)
            err(1, "ppoll");
        for (int i = 0; i < 2; i++)
            if (polled[i].revents)
                hf_link_tap_readable(ends[i].device);
        if (wire->ops->poll)
            wire->ops->poll(wire, now());
    }
}

int main(int argc, char **argv)
{
    struct hf_env env = path_env();
    struct hf_frame_pool *pool = hf_frame_pool_new(&env);
    struct outage outage = {.length = argc > 3 ? atoi(argv[3]) * HF_MS : 0};
    struct end ends[2] = {{.outage = &outage}, {.outage = &outage}};

    if (argc < 3 || !pool)
        errx(2, "usage: wire PID SPEC [OUTAGE_MS]");
    ends[0].device = new_device(&env, pool);
    ends[0].wire = wrap(&env, ends[0].device, argv[2]);
    enter_namespace(argv[1]);
    ends[1].device = ends[1].wire = new_device(&env, pool);
    for (int i = 0; i < 2; i++) {
        hf_link_plain(ends[i].wire);
        ends[i].other = ends[!i].wire;
        ends[i].wire->input = pass;
        ends[i].wire->above = &ends[i];
    }
    puts("ready");
    fflush(stdout);
    serve(ends);
}
