/* Memory that a storm of sockets needed goes back to the system once the storm is over. */
#ifndef RUN_TRIM_H
#define RUN_TRIM_H

#include "run/supervisor.h"

void trim_start(struct supervisor *sv);

/* A file has gone. */
void trim_note_death(struct supervisor *sv);

#endif
