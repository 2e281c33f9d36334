/* packetdrill asks libc, not the plug-in, for the TCP_INFO of its assertions, for sendfile(), to
 * close what a script has left open, and to run the commands between its lines. So the same object
 * is preloaded too, and answers for its own numbers, and for commands that are settings: "handfast
 * NAME=VALUE,...". */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "packetdrill/drill.h"

static bool is_ours(int fd)
{
    return the_drill && drill_has(the_drill, fd);
}

static bool is_set(int fd)
{
    return the_drill && fd >= 0 && fd < DRILL_FDS && the_drill->sets[fd];
}

__attribute__((visibility("default"))) int close(int fd)
{
    return is_ours(fd) || is_set(fd) ? calls_close(the_drill, fd) : (int)syscall(SYS_close, fd);
}

__attribute__((visibility("default"))) int getsockopt(int fd, int level, int name, void *value,
                                                      socklen_t *len)
{
    if (is_ours(fd))
        return options_get(the_drill, fd, level, name, value, len);
    return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

__attribute__((visibility("default"))) int system(const char *command)
{
    static const char ours[] = "handfast";
    size_t len = sizeof(ours) - 1;
    int (*libc)(const char *);

    if (the_drill && command && strncmp(command, ours, len) == 0) {
        drill_set(the_drill, command + len + (command[len] == ' '));
        return 0;
    }
    *(void **)&libc = dlsym(RTLD_NEXT, "system");
    return libc(command);
}

__attribute__((visibility("default"))) ssize_t sendfile(int out, int in, off_t *offset, size_t len)
{
    if (is_ours(out))
        return pipes_sendfile(the_drill, out, in, offset, len);
    return syscall(SYS_sendfile, out, in, offset, len);
}

__attribute__((visibility("default"), alias("sendfile"))) ssize_t
sendfile64(int out, int in, off_t *offset, size_t len);
