/* What the parts of the supervisor share: the supervisor, a notified call, a file of the program.
 *
 * A program's socket is a kernel object, the *vehicle*, and a struct hf_sock of our stack; struct
 * file ties the two together. The vehicle's inode is its identity: the same through dup, fork, exec
 * and SCM_RIGHTS. Everything runs in one thread and nothing here waits for the program. */
#ifndef RUN_SUPERVISOR_H
#define RUN_SUPERVISOR_H

#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "handfast/linux.h"
#include "handfast/socket.h"
#include "host/loop.h"
#include "run/deadline.h"
#include "run/run.h"
#include "run/table.h"

struct seccomp_notif;
struct network;
struct memo;

/* A system call that a thread of the program waits in. */
struct call {
    struct supervisor *sv;
    uint64_t id; /* the notification's */
    pid_t tid;
    int nr;
    uint64_t args[6];
};

/* Do they ask for the same? */
static inline bool call_is_same(const struct call *a, const struct call *b)
{
    return a->nr == b->nr && !memcmp(a->args, b->args, sizeof(a->args));
}

/* What a handler answers: a result, -errno, or one of these. */
#define CALL_CONTINUE INT64_MIN       /* the kernel carries the call out on the vehicle */
#define CALL_HELD     (INT64_MIN + 1) /* the answer comes later */
#define CALL_SENT     (INT64_MIN + 2) /* answered already, or nobody waits any more */
/* The caller went away before the call was carried out; memory_* and inject_* say so. */
#define CALL_GONE (-ENOENT)

/* Per state, what holds. `fd` is our copy of the program's file, `end` our end of it.
 *   FRESH       fd; no end. Also bound
 *   CONNECTING  fd, end; the vehicle is full, so that it is neither readable nor writable
 *   CONNECTED   end only, so that the last close of the program's shows there; fd too until the
 *               files are looked at (vehicle_let_go)
 *   FAILED      no end; fd unless it was CONNECTED before. The vehicle is dead for good
 *   LISTENING   fd; `bell` while a connection waits
 *   DATAGRAM    fd, end: the two ends of a pair, from the beginning */
enum file_state {
    FILE_FRESH,
    FILE_CONNECTING,
    FILE_CONNECTED,
    FILE_FAILED,
    FILE_LISTENING,
    FILE_DATAGRAM
};

struct datagram_source;
struct former;
struct held;

struct file {
    struct table_node node; /* by the vehicle's inode */
    struct supervisor *sv;
    struct hf_sock *sk;
    enum file_state state;
    int fd;                 /* -1: none */
    struct loop_fd end;     /* end.fd -1: none */
    struct former *formers; /* vehicles it had before, newest first */
    struct held *held;      /* calls that wait for this file, newest first */
    struct file *dirty_next;
    bool dirty;       /* on the list of files to look at */
    bool is_dead;     /* to be freed when the list comes to it */
    bool is_member;   /* has joined a group, and may have left it */
    bool pinned;      /* a call on it is being served */
    bool suspected;   /* the first look of the scan under way missed it */
    bool abandoned;   /* nobody has it open: to be closed when the list comes to it */
    uint32_t seen_in; /* the number of the last look that found it */
    pid_t hint_tid;   /* who last used it, and as which descriptor */
    int hint_fd;

    /* streams */
    uint32_t fill;         /* CONNECTING: bytes of ours in the vehicle */
    uint32_t skip;         /* so many of the first unread bytes of end have been sent on already */
    uint8_t short_waiting; /* messages among them */
    bool sends_much;       /* the program; else its messages are short */
    bool end_is_wide;      /* its buffer is as large as it gets */
    bool out_refused;      /* vehicle_refuse: no write of the program's can succeed any more */
    bool end_is_named;     /* recvfrom() on the vehicle would tell it */
    bool end_readable, end_writable; /* as the edges told */
    bool end_eof;                    /* the program will write no more */
    bool end_closed;                 /* the program's last copy is closed; bytes may remain */
    bool wr_shut, rd_shut;           /* the program's shutdown() */
    bool fin_sent;                   /* the stack has been told that no more bytes come */
    bool fin_given;                  /* the program has been told so */

    /* listeners */
    int rendezvous;        /* O_PATH descriptor of the vehicle's name, -1: none */
    int bell;              /* our end of the connection that makes the vehicle readable; -1 */
    struct hf_sock *ready; /* accepted from the stack, not yet taken by the program */

    /* datagrams: where those in the vehicle came from, oldest first */
    struct datagram_source *sources, **sources_tail;
    uint32_t source_count;
    bool lent;         /* the first was given to a call that is not over yet */
    bool error_raised; /* the vehicle shows that `error` is pending, or did so */

    int error;             /* taken from the stack, not yet told to the program */
    hf_time connect_began; /* for -v */
    char connect_to[64];
};

/* A held call. retry: asks again; CALL_HELD to wait on. expired: its time-out has passed. */
typedef int64_t retry_fn(const struct call *c, struct file *f, bool expired);

#define FILE_NUMBERS 1024

struct supervisor {
    const struct run_config *config;
    struct loop *loop;
    struct network *net;
    struct hf_stack *stack;
    FILE *log;

    struct loop_fd notify;       /* the filter's listener */
    struct seccomp_notif *notif; /* room for one, as large as the kernel wants it */
    size_t notif_size;
    struct memo *memos; /* by thread id */

    pid_t pid; /* ours */

    bool is_narrow; /* buffers are so small that no byte can stay unread in one */

    struct table files;             /* by inode */
    uint64_t last_as[FILE_NUMBERS]; /* inode of what was last seen as that descriptor, modulo */
    struct table formers;           /* by inode: vehicles that files had before */
    struct table held;              /* by thread id */
    struct file *dirty;
    struct loop_task dirty_task;
    struct loop_source timers; /* time-outs of held calls, the reaper */
    struct deadlines deadlines;
    struct deadline reap_at;
    size_t members;         /* files that have joined groups */
    size_t born_since_scan; /* sockets more than the last scan left */
    uint32_t look_count;    /* number of the last look at all descriptors */
    bool look_is_close;     /* and for descriptors under way */
    bool look_is_blind;     /* it did not see everything */
    hf_time scan_took;      /* the last scan, */
    hf_time scan_ended;     /* and when it was over */
    hf_time looked_at;      /* when the last look was, if it was a close one */
    bool scan_suspects;     /* some files were missed */
    bool scan_saw_pending;
    struct deadline trim_at;
    size_t files_gone; /* since that deadline was set, or the last trim */

    int rendezvous_fd;   /* our listener, which vehicles are connected to */
    int rendezvous_path; /* O_PATH descriptor of its name */
    char started_in[16]; /* the directory that we were started in, as seen from where we are */

    struct loop_fd signals; /* a signalfd */
    pid_t main_pid;
    int main_status;  /* as waitpid told, once main_pid is 0 */
    uint8_t *scratch; /* SCRATCH_BYTES */
};
#define SCRATCH_BYTES 65536

#endif
