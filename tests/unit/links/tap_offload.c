/* Super-segments and unfinished checksums over a TAP device, both ways and both families: a stack
 * on the device, the kernel's sockets behind it. Needs a network of its own with the right to make
 * a device. */
#define _GNU_SOURCE /* unshare */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

#include "handfast/socket.h"
#include "rig.h"

#define BYTES    2000000
#define MTU      1500
#define PATIENCE (20 * HF_S)

struct world {
    struct rig *rig;
    struct hf_stack *stack;
    struct hf_link *device, *top;
    void (*input)(void *above, struct hf_link *link, struct hf_frame *f); /* the stack's */
    void *above;
    uint32_t longest, supers, unchecked; /* of what came up */
    int kernels;                         /* the kernel's socket */
    struct hf_sock *ours;
};

static hf_time now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * HF_S + ts.tv_nsec;
}

static struct world *seen; /* an input's `above` is the stack's */

static void watch(void *above, struct hf_link *link, struct hf_frame *f)
{
    if (f->len > seen->longest)
        seen->longest = f->len;
    seen->supers += f->gso_bytes > 0;
    seen->unchecked += f->gso_bytes && !(f->flags & HF_FRAME_CSUM_OK);
    seen->input(above, link, f);
}

/* Frames from the kernel, if there are any within a millisecond, and what follows from them. */
static void turn(struct world *w)
{
    struct pollfd p = {.fd = hf_link_tap_fd(w->device), .events = POLLIN};

    if (poll(&p, 1, 1) == 1)
        hf_link_tap_readable(w->device);
    do {
        hf_stack_poll(w->stack, now());
    } while (hf_stack_deadline(w->stack) <= now());
}

static void command(const char *text)
{
    if (system(text) != 0)
        fprintf(stderr, "# failed: %s\n", text);
}

static bool begin(struct world *w, bool is_wrapped)
{
    struct hf_stack_config config = {0};

    *w = (struct world){.rig = rig_new()};
    if (hf_link_tap_new(&w->rig->env, w->rig->pool, "hftest0", &w->device) < 0)
        return false;
    command("ip link set hftest0 up && ip addr add 10.9.0.1/24 dev hftest0 && "
            "ip -6 addr add fd00:9::1/64 dev hftest0 nodad");
    w->top = w->device;
    if (is_wrapped && hf_link_loss_new(&w->rig->env, w->device, 0, 1, &w->top) < 0)
        abort();
    config = (struct hf_stack_config){.env = w->rig->env, .pool = w->rig->pool, .now = now()};
    if (hf_stack_new(&config, &w->stack) < 0 || hf_stack_attach(w->stack, w->top) < 0 ||
        hf_addr_add(w->stack, w->top, "10.9.0.2/24") < 0 ||
        hf_addr_add(w->stack, w->top, "fd00:9::2/64") < 0)
        abort();
    w->input = w->top->input;
    w->top->input = watch;
    seen = w;
    return true;
}

static void end(struct world *w)
{
    hf_stack_free(w->stack);
    w->rig->ground_freed = true;
    rig_end(w->rig, w->top);
}

/* A connection from ours to the kernel's; false when it did not come about. */
static bool join(struct world *w, int family)
{
    struct sockaddr_in6 at6 = {.sin6_family = AF_INET6};
    struct sockaddr_in at4 = {.sin_family = AF_INET};
    void *at = family == AF_INET ? (void *)&at4 : &at6;
    socklen_t len = family == AF_INET ? sizeof(at4) : sizeof(at6);
    int listener = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    hf_time until = now() + PATIENCE;
    bool good;

    inet_pton(AF_INET, "10.9.0.1", &at4.sin_addr);
    inet_pton(AF_INET6, "fd00:9::1", &at6.sin6_addr);
    good = bind(listener, at, len) == 0 && listen(listener, 1) == 0 &&
           getsockname(listener, at, &len) == 0 &&
           hf_sock_new(w->stack, family, SOCK_STREAM, 0, &w->ours) == 0 &&
           hf_sock_connect(w->ours, at, len, false) == -EINPROGRESS;
    while (good && (w->kernels = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0 && now() < until)
        turn(w);
    close(listener);
    return good && w->kernels >= 0;
}

/* The byte that stands at that place. */
static uint8_t pattern(uint32_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

struct way {
    int64_t (*put)(struct world *w, void *bytes, size_t len);
    int64_t (*get)(struct world *w, void *bytes, size_t len);
    const char *name;
};

static int64_t ours_put(struct world *w, void *bytes, size_t len)
{
    struct hf_iovec iov = {bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_send(w->ours, &msg, MSG_DONTWAIT);
}

static int64_t ours_get(struct world *w, void *bytes, size_t len)
{
    struct hf_iovec iov = {bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_recv(w->ours, &msg, MSG_DONTWAIT);
}

static int64_t kernel_put(struct world *w, void *bytes, size_t len)
{
    return send(w->kernels, bytes, len, MSG_NOSIGNAL);
}

static int64_t kernel_get(struct world *w, void *bytes, size_t len)
{
    return recv(w->kernels, bytes, len, 0);
}

/* BYTES go one way; how many came as they were sent. */
static uint32_t carry(struct world *w, const struct way *way)
{
    static uint8_t sent[BYTES], got[65536];
    uint32_t put = 0, good = 0, come = 0;
    hf_time until = now() + PATIENCE;

    for (uint32_t i = 0; i < BYTES; i++)
        sent[i] = pattern(i);
    while (come < BYTES && now() < until) {
        int64_t n = put < BYTES ? way->put(w, sent + put, BYTES - put) : 0;

        put += n > 0 ? (uint32_t)n : 0;
        turn(w);
        while ((n = way->get(w, got, sizeof(got))) > 0)
            for (int64_t i = 0; i < n; i++, come++)
                good += got[i] == pattern(come);
    }
    return good;
}

static const struct way there = {ours_put, kernel_get, "to the kernel"};
static const struct way back = {kernel_put, ours_get, "from the kernel"};

static void test_family(int family, bool is_wrapped)
{
    const struct way *const ways[] = {&there, &back};
    struct world w;

    if (!begin(&w, is_wrapped)) {
        SKIP("a TAP device", "it cannot be made here");
        rig_end(w.rig, NULL);
        return;
    }
    if (OK(join(&w, family), family == AF_INET ? "joined by IPv4" : "joined by IPv6"))
        for (int i = 0; i < 2; i++)
            EQ(carry(&w, ways[i]), BYTES, ways[i]->name);
    if (is_wrapped) {
        EQ(w.supers, 0, "below a wrapper no super-segment comes");
        OK(w.longest <= MTU + 14, "nor anything longer than the MTU");
    } else {
        OK(w.supers > 0, "super-segments come");
        EQ(w.unchecked, 0, "and none of them has to be summed up");
    }
    EQ(hf_link_dropped(w.top), 0, "the device refused nothing");
    close(w.kernels);
    end(&w);
}

int main(void)
{
    tap_begin(100);
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        SKIP("a TAP device", "no network of our own");
        return tap_end();
    }
    for (int is_wrapped = 0; is_wrapped < 2; is_wrapped++) {
        test_family(AF_INET, is_wrapped);
        test_family(AF_INET6, is_wrapped);
    }
    return tap_end();
}
