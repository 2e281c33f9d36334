/* connect() to one peer while so many of the automatic ports to it are taken: by children, for one
 * process may not have descriptors enough. The library's sockets are not shared with a child, so
 * this is a row of the kernel's side alone. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"

#define PORT_FIRST 32768
#define PORTS      28232 /* Linux's range */
#define A_CHILD    7000  /* so many are one child's */
#define CHILDREN   (PORTS / A_CHILD + 1)

enum { ORDER_RANDOM, ORDER_UPWARDS, ORDER_OWN };

static uint16_t *ports_in_order(long order)
{
    uint16_t *port = calloc(PORTS, sizeof(*port));
    uint64_t state = 1;

    if (!port)
        die("memory for ports");
    for (uint32_t i = 0; i < PORTS; i++)
        port[i] = (uint16_t)(PORT_FIRST + i);
    for (uint32_t i = PORTS - 1; order == ORDER_RANDOM && i > 0; i--) {
        uint32_t other = (uint32_t)(dice(&state) % (i + 1));
        uint16_t was = port[i];

        port[i] = port[other];
        port[other] = was;
    }
    return port;
}

static void take(int family, int listener, const struct name *to, long order, long from, long end)
{
    uint16_t *port = ports_in_order(order);

    for (long i = from; i < end; i++) {
        int client = place_socket(family, SOCK_STREAM);
        struct name at = place_here(family, port[i]);

        if (order != ORDER_OWN && bind(client, &at.u.sa, at.len) < 0)
            die("bind");
        (void)place_join(listener, client, to);
    }
    free(port);
}

/* One child after the other; they hold what they have taken as long as this process lives, or until
 * they are let go. */
static void take_all(int family, int listener, const struct name *to, long order, long count,
                     pid_t child[])
{
    char done;
    int tell_us[2];

    for (long i = 0; i < count; i += A_CHILD, child++) {
        pid_t pid;

        if (pipe(tell_us) < 0 || (pid = *child = fork()) < 0)
            die("fork");
        if (pid == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            take(family, listener, to, order, i, i + A_CHILD < count ? i + A_CHILD : count);
            if (write(tell_us[1], "", 1) != 1)
                die("pipe");
            for (;;)
                pause();
        }
        close(tell_us[1]);
        if (read(tell_us[0], &done, 1) != 1)
            die("a child");
        close(tell_us[0]);
    }
}

static void one_more(int family, int listener, const struct name *to, struct samples *took)
{
    struct pair p = {.client = place_socket(family, SOCK_STREAM)};
    uint64_t began = now_ns();
    int err = connect(p.client, &to->u.sa, to->len) < 0 ? errno : 0;

    sample(took, now_ns() - began);
    if (err == EADDRNOTAVAIL) {
        close(p.client);
        return;
    }
    if (err || (p.server = accept(listener, NULL, NULL)) < 0)
        die("connect");
    place_reset(p);
}

static void let_go(const pid_t child[])
{
    for (; *child; child++) {
        kill(*child, SIGKILL);
        waitpid(*child, NULL, 0);
    }
}

void posix_ports(const struct args *args)
{
    int listener = place_listen(args->family, DOOR);
    struct name to = place_here(args->family, DOOR);
    struct samples took = {0};
    pid_t child[CHILDREN + 1] = {0};
    double end;

    take_all(args->family, listener, &to, args->number[1], PORTS * args->number[0] / 1000, child);
    end = now_s() + args->seconds;
    while (now_s() < end)
        one_more(args->family, listener, &to, &took);
    let_go(child);
    tell("p50", quantile(&took, 0.5));
    tell("p99", quantile(&took, 0.99));
}
