/* An HTTP client of the plainest kind, to be linked statically against musl: client HOST PORT PATH
 * writes the body to stdout. Exit status 1 when anything goes wrong. */
#define _GNU_SOURCE
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *a;
    int fd = -1;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -1;
    for (a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            perror("connect");
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* Copies what follows the blank line that ends the header. */
static int copy_body(FILE *from)
{
    char buf[65536];
    size_t n;
    do {
        if (fgets(buf, sizeof(buf), from) == NULL)
            return 1;
    } while (strcmp(buf, "\r\n") != 0);
    while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
        if (fwrite(buf, 1, n, stdout) != n)
            return 1;
    return ferror(from) || fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: client HOST PORT PATH\n");
        return 1;
    }
    int fd = dial(argv[1], argv[2]);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r+");
    if (stream == NULL)
        return 1;
    dprintf(fd, "GET /%s HTTP/1.0\r\nHost: test\r\n\r\n", argv[3]);
    return copy_body(stream);
}
