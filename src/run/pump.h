/* Bytes between a connected vehicle and the stack, both ways, ends of stream and resets included.
 */
#ifndef RUN_PUMP_H
#define RUN_PUMP_H

#include "run/supervisor.h"

/* Our end of a CONNECTED vehicle has events. */
void pump_ready(struct loop_fd *end, uint32_t events);

/* Carries what can be carried. f may be closed afterwards. */
void pump_run(struct file *f);

/* Carries what the program has written so far to the stack; for calls that must come after it. */
void pump_out(struct file *f);

/* shutdown() of a CONNECTED file, as SHUT_*: what was written before is carried first. */
void pump_shutdown(struct file *f, int how);

/* f has just become CONNECTED, and was shut down (rd_shut, wr_shut) before: the vehicle is told,
 * the peer is not, as on Linux. */
void pump_shut_before(struct file *f);

/* Is the last close of the program's invisible at our end? Both directions are shut, which looks
 * the same. */
bool pump_is_blind(const struct file *f);

#endif
