/* `handfast run`: an unmodified program whose sockets are ours. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "handfast/types.h"

struct run_config {
    const char *link;           /* as `--link` says; see network_link_help */
    const char *const *publish; /* gateway_publish's specs */
    size_t publish_count;
    bool host_loopback;
    int verbose;          /* 0: silence; 1: a line for each connect; 2: for each call */
    const char *log_path; /* where those lines go; NULL: stderr */
    char *const *argv;    /* the program and its arguments, NULL at the end */
};

enum {
    RUN_FAILED = 125, /* of ours, before the program began */
    RUN_NOT_EXECUTABLE = 126,
    RUN_NOT_FOUND = 127
};

/* Runs the program until it and all its descendants have ended. Returns the main program's exit
 * status, or one of the above after a message on stderr. Where the program was ended by a signal,
 * so is this process. */
int run_program(const struct run_config *config);

#endif
