/* The supervisor's life: set up, run the loop until no process of the program's is left, end as the
 * program ended.
 *
 * Descendants that outlive the main program keep their network: we serve until the last has gone,
 * as their subreaper, and return the main program's status then. Signals sent to us go to the main
 * program; those that a terminal sends to the whole group have reached it already. */
#define _GNU_SOURCE
#include "run/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/files.h"
#include "run/launch.h"
#include "run/log.h"
#include "run/look.h"
#include "run/network.h"
#include "run/notify.h"
#include "run/reap.h"
#include "run/rendezvous.h"
#include "run/trim.h"
#include "run/vehicle.h"

static void dirty_run(struct loop_task *task)
{
    files_run(container_of(task, struct supervisor, dirty_task));
}

static hf_time timers_deadline(struct loop_source *source)
{
    return deadline_next(&container_of(source, struct supervisor, timers)->deadlines);
}

static void timers_poll(struct loop_source *source, hf_time now)
{
    deadline_run(&container_of(source, struct supervisor, timers)->deadlines, now);
}

/* The program was stopped from its terminal: so are we, that the shell may have it back. */
static void stop_with(pid_t pid)
{
    (void)kill(getpid(), SIGSTOP);
    (void)kill(pid, SIGCONT);
}

static void reap_children(struct supervisor *sv)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (WIFSTOPPED(status)) {
            if (pid == sv->main_pid && WSTOPSIG(status) == SIGTSTP)
                stop_with(pid);
            continue;
        }
        if (pid == sv->main_pid) {
            sv->main_pid = 0;
            sv->main_status = status;
        }
        reap_within(sv, 10 * HF_MS);
    }
    if (pid < 0 && errno == ECHILD)
        loop_stop(sv->loop);
}

static void forward(struct supervisor *sv, const struct signalfd_siginfo *si)
{
    if (si->ssi_code == SI_KERNEL)
        return;
    if (sv->main_pid > 0)
        (void)kill(sv->main_pid, (int)si->ssi_signo);
    else if (si->ssi_signo == SIGTERM || si->ssi_signo == SIGINT)
        loop_stop(sv->loop);
}

static void signals_ready(struct loop_fd *self, uint32_t events)
{
    struct supervisor *sv = container_of(self, struct supervisor, signals);
    struct signalfd_siginfo si;

    while (read(self->fd, &si, sizeof(si)) == sizeof(si)) {
        if (si.ssi_signo == SIGCHLD)
            reap_children(sv);
        else
            forward(sv, &si);
    }
}

static int complain(const char *what, int err)
{
    fprintf(stderr, "handfast: %s: %s\n", what, strerror(-err));
    return err;
}

static int network_start(struct supervisor *sv)
{
    const struct run_config *config = sv->config;
    struct network_config net = {
        .loop = sv->loop,
        .link = config->link ? config->link : "host",
        .publish = config->publish,
        .publish_count = config->publish_count,
        .host_loopback = config->host_loopback,
        .event = file_event,
        .wanted = reap_is_wanted,
        .event_ctx = sv,
        .log = config->verbose ? log_line : NULL,
        .log_ctx = sv,
    };
    const char *why = NULL;
    int err = network_new(&net, &sv->net, &why);

    if (err < 0) {
        fprintf(stderr, "handfast: %s\n", why ? why : strerror(-err));
        return err;
    }
    sv->stack = sv->net->stack;
    return 0;
}

static int start(struct supervisor *sv)
{
    int err = log_start(sv);

    if (err < 0)
        return complain(sv->config->log_path, err);
    sv->loop = loop_new();
    sv->scratch = malloc(SCRATCH_BYTES);
    if (!sv->loop || !sv->scratch || table_init(&sv->files) < 0 || table_init(&sv->held) < 0 ||
        table_init(&sv->formers) < 0)
        return complain("cannot start", -ENOMEM);
    sv->pid = getpid();
    sv->dirty_task.run = dirty_run;
    sv->timers.deadline = timers_deadline;
    sv->timers.poll = timers_poll;
    loop_add_source(sv->loop, &sv->timers);
    reap_start(sv);
    trim_start(sv);
    err = vehicle_measure(sv);
    if (err == 0)
        err = rendezvous_start(sv);
    if (err < 0)
        return complain("cannot make a private socket (is /tmp writable?)", err);
    return network_start(sv);
}

/* The program waits, filtered, short of its exec. */
static int launch(struct supervisor *sv, struct launch *l)
{
    struct filter *filter;
    int err = filter_new(&filter);

    if (err < 0)
        return complain("cannot build the system call filter", err);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    err = launch_signals(l, &sv->signals.fd);
    if (err == 0)
        err = launch_program(l, filter, sv->config->argv);
    filter_free(filter);
    if (err == -EBUSY)
        return complain("a supervisor is at work already: handfast does not run inside handfast",
                        err);
    if (err < 0)
        return complain("cannot install the system call filter (needs Linux 5.14, seccomp)", err);
    sv->main_pid = l->pid;
    sv->signals.events = EPOLLIN;
    sv->signals.ready = signals_ready;
    err = loop_add(sv->loop, &sv->signals);
    if (err == 0)
        err = notify_start(sv, l->listener);
    if (err == 0)
        err = rendezvous_enter(sv);
    return err < 0 ? complain("cannot watch the program", err) : 0;
}

static void close_one(void *ctx, struct table_node *node)
{
    file_close(container_of(node, struct file, node));
}

static void stop(struct supervisor *sv)
{
    if (sv->files.buckets)
        table_each(&sv->files, close_one, sv);
    if (sv->stack)
        files_settle(sv);
    network_free(sv->net);
    notify_stop(sv);
    rendezvous_stop(sv);
    table_fini(&sv->files);
    table_fini(&sv->held);
    table_fini(&sv->formers);
    deadline_fini(&sv->deadlines);
    loop_free(sv->loop);
    free(sv->scratch);
    log_stop(sv);
}

int run_program(const struct run_config *config)
{
    struct supervisor sv = {
        .config = config, .rendezvous_fd = -1, .rendezvous_path = -1, .started_in = "."};
    struct launch l = {.go = -1};
    int status = -1;

    if (start(&sv) == 0 && launch(&sv, &l) == 0) {
        look_keep_reserve();
        launch_go(&l);
        loop_run(sv.loop);
        status = sv.main_status;
    } else if (l.pid > 0) {
        (void)kill(l.pid, SIGKILL);
        (void)waitpid(l.pid, NULL, 0);
    }
    stop(&sv);
    return status < 0 ? RUN_FAILED : launch_exit(status);
}
