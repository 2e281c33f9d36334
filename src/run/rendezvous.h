/* Where vehicles are connected to us: listeners that have no name and so are reached by nobody but
 * who has their O_PATH descriptor. */
#ifndef RUN_RENDEZVOUS_H
#define RUN_RENDEZVOUS_H

#include "run/supervisor.h"

/* Makes our /proc/self/fd the working directory, where connecting finds a listener in one step.
 * After the program's launch, who stays where he is. 0 or -errno. */
HF_NODISCARD int rendezvous_enter(struct supervisor *sv);

/* Our own listener. 0 or -errno. */
HF_NODISCARD int rendezvous_start(struct supervisor *sv);
void rendezvous_stop(struct supervisor *sv);

/* Connects f's vehicle to it: f->end.fd is then our end. 0 or -errno, then the vehicle may be
 * FAILED. */
HF_NODISCARD int rendezvous_attach(struct file *f);

/* Makes fd a listener of that kind, with its descriptor in *path, and connects fd to one. 0 or
 * -errno. */
HF_NODISCARD int rendezvous_listen(const struct supervisor *sv, int fd, int *path);
HF_NODISCARD int rendezvous_connect(int fd, int path);

#endif
