/* Lines for -v and -vv. */
#define _GNU_SOURCE
#include "run/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/env.h"

int log_start(struct supervisor *sv)
{
    const char *path = sv->config->log_path;

    if (path)
        sv->log = fopen(path, "ae");
    else
        sv->log = fdopen(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), "w");
    if (!sv->log)
        return path ? -errno : 0; /* a program without stderr runs all the same */
    setvbuf(sv->log, NULL, _IOLBF, 0);
    return 0;
}

void log_stop(struct supervisor *sv)
{
    if (sv->log)
        fclose(sv->log);
    sv->log = NULL;
}

void log_line(void *supervisor, const char *line)
{
    struct supervisor *sv = supervisor;

    if (sv->log && sv->config->verbose)
        fprintf(sv->log, "handfast: %s\n", line);
}

/* The name of a thread, as ps shows it. */
static void name_of(pid_t tid, char *name, size_t room)
{
    char path[64];
    ssize_t len = -1;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, name, room - 1);
        close(fd);
    }
    if (len > 0 && name[len - 1] == '\n')
        len--;
    name[len > 0 ? len : 0] = 0;
    for (char *at = name; *at; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
}

void log_connect_began(struct file *f, const void *addr, uint32_t len)
{
    char host[INET6_ADDRSTRLEN] = "?";
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } to = {0};

    if (!f->sv->log || !f->sv->config->verbose)
        return;
    f->connect_began = host_now(); /* the loop's stands still while it answers */
    memcpy(&to, addr, len < sizeof(to) ? len : sizeof(to));
    if (to.sa.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &to.in6.sin6_addr, host, sizeof(host));
        snprintf(f->connect_to, sizeof(f->connect_to), "[%s]:%d", host, ntohs(to.in6.sin6_port));
    } else {
        inet_ntop(AF_INET, &to.in.sin_addr, host, sizeof(host));
        snprintf(f->connect_to, sizeof(f->connect_to), "%s:%d", host, ntohs(to.in.sin_port));
    }
}

void log_connect(struct file *f, int error)
{
    struct hf_connect_record record;
    char name[32];

    if (!f->sv->log || !f->connect_to[0])
        return;
    if (error == -1) {
        hf_sock_connect_record(f->sk, &record);
        error = record.error;
    }
    name_of(f->hint_tid, name, sizeof(name));
    fprintf(f->sv->log, "handfast: %s[%d] connect %s %.3f ms: %s\n", name, (int)f->hint_tid,
            f->connect_to, (double)(host_now() - f->connect_began) / HF_MS,
            error ? strerror(error < 0 ? -error : error) : "connected");
    f->connect_to[0] = 0;
}

void log_call(const struct call *c, const char *name, int64_t result)
{
    if (!c->sv->log || c->sv->config->verbose < 2 || result == CALL_CONTINUE)
        return;
    if (result == CALL_SENT)
        fprintf(c->sv->log, "handfast: %d %s: answered with a descriptor\n", (int)c->tid, name);
    else if (result == CALL_HELD)
        fprintf(c->sv->log, "handfast: %d %s(%d): waits\n", (int)c->tid, name, (int)c->args[0]);
    else if (result < 0)
        fprintf(c->sv->log, "handfast: %d %s(%d): %s\n", (int)c->tid, name, (int)c->args[0],
                strerrorname_np((int)-result));
    else
        fprintf(c->sv->log, "handfast: %d %s(%d): %lld\n", (int)c->tid, name, (int)c->args[0],
                (long long)result);
}
