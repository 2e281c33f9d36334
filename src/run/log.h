/* What -v and -vv tell. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

#include "run/supervisor.h"

/* Opens the log. 0 or -errno. */
HF_NODISCARD int log_start(struct supervisor *sv);
void log_stop(struct supervisor *sv);

/* One line as it stands, for -v. */
void log_line(void *supervisor, const char *line);

/* A connect begins: where to and when, for log_connect. */
void log_connect_began(struct file *f, const void *addr, uint32_t len);

/* A connect has ended: who, where, how long, result. error: 0, -errno, or -1: as the stack's record
 * of the connect says. A connect that never began says nothing. */
void log_connect(struct file *f, int error);

/* A call and its answer, for -vv. */
void log_call(const struct call *c, const char *name, int64_t result);

#endif
