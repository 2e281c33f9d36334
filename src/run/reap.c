/* The reaper.
 *
 * While we keep a copy of the program's file (fresh, bound, listening, connecting, datagram) or
 * once both directions are shut, its last close is invisible. It is found out at the moments when
 * it matters: the stack asks before a packet is taken for such a socket (reap_is_wanted), bind and
 * connect when a port is taken (reap_now). What costs nobody anything goes at the next scan: made
 * every second while a connect is pending or a connection waits, when half of the sockets are newer
 * than the last one (so each pays a constant share), when a process ends, and rarely otherwise.
 *
 * The question is first whether the descriptor last used is still there, a microsecond. If not, all
 * descriptors of all our descendants are read, a microsecond each. A descriptor may move while we
 * look, so a socket must be missed twice; or be under way in a message (SCM_RIGHTS), where nobody
 * sees it: while any message with descriptors waits, or a process cannot be looked into, nothing is
 * closed. */
#define _GNU_SOURCE
#include "run/reap.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "run/files.h"
#include "run/hold.h"
#include "run/look.h"
#include "run/pump.h"

#define PENDING_SCAN HF_S
#define IDLE_SCAN    (10 * HF_S)
#define FEW_SOCKETS  64
#define REST         20 /* between scans by the clock, times as long as the last one took */
#define BRIEF        (250 * HF_MS) /* a scan that is worth its time whenever room is wanted */

static bool is_invisible(const struct file *f)
{
    return f->state != FILE_CONNECTED || pump_is_blind(f);
}

/* States in which an unseen close costs somebody else something. */
static bool is_pending(const struct file *f)
{
    return f->state == FILE_CONNECTING || f->state == FILE_FAILED || f->state == FILE_CONNECTED ||
           f->bell >= 0;
}

static void suspect(void *ctx, struct table_node *node)
{
    struct supervisor *sv = ctx;
    struct file *f = container_of(node, struct file, node);

    f->suspected = !look_saw(f) && !f->pinned;
    sv->scan_suspects |= f->suspected;
}

/* The last close of a connected one has been told at our end, perhaps a moment ago. */
static void hear(struct file *f)
{
    struct pollfd p = {.fd = f->end.fd, .events = POLLIN | POLLRDHUP};

    if (poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLRDHUP))
        pump_ready(&f->end, (uint32_t)p.revents);
}

static void judge(void *ctx, struct table_node *node)
{
    struct supervisor *sv = ctx;
    struct file *f = container_of(node, struct file, node);

    if (f->suspected && !look_saw(f)) {
        if (!is_invisible(f)) {
            hear(f);
            return;
        }
        if (hold_prune(f)) {
            file_close(f);
            return;
        }
    }
    if (is_invisible(f) && is_pending(f))
        sv->scan_saw_pending = true;
    if (f->state == FILE_LISTENING && f->bell < 0)
        file_touch(f); /* for want of descriptors it may not have been rung */
}

/* What we have worked, which is less than the time that went by. */
static hf_time worked(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return ts.tv_sec * HF_S + ts.tv_nsec;
}

static void scan(struct supervisor *sv)
{
    hf_time began = worked();
    bool sure = look_at_all(sv, false);

    sv->scan_suspects = sv->scan_saw_pending = false;
    table_each(&sv->files, suspect, sv);
    if (sv->scan_suspects && sure)
        sure = look_at_all(sv, true);
    if (sure)
        table_each(&sv->files, judge, sv);
    sv->born_since_scan = 0;
    if (!sure && sv->scan_suspects)
        sv->scan_saw_pending = true;
    sv->scan_took = worked() - began;
    sv->scan_ended = loop_now(sv->loop) + sv->scan_took;
    if (sv->files.count)
        reap_within(sv, sv->scan_saw_pending ? PENDING_SCAN : IDLE_SCAN);
}

static void scan_due(struct deadline *d)
{
    scan(container_of(d, struct supervisor, reap_at));
}

void reap_start(struct supervisor *sv)
{
    sv->reap_at.due = scan_due;
}

void reap_within(struct supervisor *sv, hf_time delay)
{
    hf_time at = loop_now(sv->loop) + delay, rested = sv->scan_ended + sv->scan_took * REST;

    if (at < rested)
        at = rested;
    if (sv->reap_at.place && sv->reap_at.at <= at)
        return;
    (void)!deadline_set(&sv->deadlines, &sv->reap_at, at);
}

void reap_now(struct supervisor *sv)
{
    scan(sv);
    files_settle(sv); /* a reset that a close sent frees the port of the other end too */
}

bool reap_for_room(struct supervisor *sv)
{
    if (!sv->born_since_scan && sv->scan_took > BRIEF &&
        loop_now(sv->loop) < sv->scan_ended + sv->scan_took)
        return false;
    reap_now(sv);
    return true;
}

void reap_before_socket(struct supervisor *sv)
{
    if (sv->born_since_scan >= FEW_SOCKETS && sv->born_since_scan * 2 >= sv->files.count)
        scan(sv);
}

bool reap_is_held_open(const struct file *f)
{
    return file_is_at(f, f->hint_tid, f->hint_fd);
}

/* Missed twice. Many are asked about in one turn of the loop, when the SYNs of a storm are due:
 * they share the looks. */
static bool is_lost(const struct file *f)
{
    struct supervisor *sv = f->sv;

    if (sv->looked_at != loop_now(sv->loop) || look_saw(f)) {
        if (!look_at_all(sv, false) || look_saw(f))
            return false;
        (void)look_at_all(sv, true);
    }
    return !sv->look_is_blind && f->seen_in + 1 < sv->look_count;
}

bool reap_is_wanted(void *ctx, struct hf_sock *sk, void *user)
{
    struct file *f = user;

    if (!f || f->pinned || !is_invisible(f))
        return true;
    if (f->abandoned)
        return false;
    if (hold_is_awaited(f) || reap_is_held_open(f))
        return true;
    if (!is_lost(f))
        return true;
    f->abandoned = true;
    file_touch(f);
    return false;
}
