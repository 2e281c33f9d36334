/* For LD_PRELOAD: a machine whose net.core.wmem_max is NARROW bytes, for AF_UNIX sockets. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    int limit = atoi(getenv("NARROW")), domain = 0;
    socklen_t room = sizeof(domain);

    if (level == SOL_SOCKET && name == SO_SNDBUF && *(const int *)value > limit &&
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &room) == 0 && domain == AF_UNIX)
        value = &limit;
    return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}
