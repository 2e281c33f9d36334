/* Looking at what all processes of the program have open. */
#ifndef RUN_LOOK_H
#define RUN_LOOK_H

#include "run/supervisor.h"

/* Raises the limit of our descriptors as far as may be, but for a few that only a look may take:
 * else, with all of them gone, no closed socket's would ever be found and freed. The program must
 * have its own limits already. */
void look_keep_reserve(void);

/* Reads the descriptors of all our descendants; look_saw tells afterwards. False: not to be relied
 * upon. A close look finds out about descriptors under way, too. */
bool look_at_all(struct supervisor *sv, bool is_close);

/* Did the last look find f? */
bool look_saw(const struct file *f);

#endif
