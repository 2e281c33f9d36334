/* What AF_UNIX sockets ask of the process: nodes in the file system, credentials, descriptors. */
#ifndef HOST_UNIX_HOST_H
#define HOST_UNIX_HOST_H

#include "handfast/unix.h"
#include "host/host.h"

struct hf_unix_host unix_host(struct hf_host *h);

#endif
