/* Starting the program under the filter, and its end. */
#ifndef RUN_LAUNCH_H
#define RUN_LAUNCH_H

#include <signal.h>
#include <sys/types.h>

#include "run/filter.h"

#define LAUNCH_IGNORED 4

struct launch {
    sigset_t mask; /* what we were started with; the program gets it back */
    struct sigaction ignored[LAUNCH_IGNORED];
    pid_t pid;
    int listener; /* the filter's, close-on-exec */
    int go;       /* write end: the program's exec waits for launch_go */
};

/* Blocks the signals that the supervisor takes by signalfd, and ignores those a terminal or a pipe
 * sends that are not for it. 0 or -errno; *fd is the signalfd. */
HF_NODISCARD int launch_signals(struct launch *l, int *fd);

/* Starts argv, after launch_signals, as a child under the filter that stops short of its exec. 0 or
 * -errno. */
HF_NODISCARD int launch_program(struct launch *l, struct filter *filter, char *const *argv);

/* Lets the program run. */
void launch_go(struct launch *l);

/* Ends this process as `status` (of waitpid) says the program ended; returns the exit status to use
 * when that was not a signal. */
int launch_exit(int status);

#endif
