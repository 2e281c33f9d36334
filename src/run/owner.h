/* Who makes a call, as far as it matters to the network. */
#ifndef RUN_OWNER_H
#define RUN_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/* Thread tid has CAP_NET_ADMIN or CAP_NET_RAW: of its network, which is ours, it would be the
 * administrator. */
bool owner_is_admin(pid_t tid);

/* The id of its process, as that sees it itself; 0: it is gone. */
pid_t owner_process(pid_t tid);

#endif
