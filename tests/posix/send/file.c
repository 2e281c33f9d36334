/* sendfile(), splice(), stdio: the descriptor is a file like any other. */
#include "../lib.h"

#include <sys/sendfile.h>
#include <sys/stat.h>

enum { SIZE = 300000 };

static unsigned char data[SIZE], back[SIZE];

static int file_of_data(void)
{
    for (int i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i * 31 + (i >> 9));
    int fd = MUST(memfd_create("data", 0));
    MUST(write(fd, data, SIZE) == SIZE ? 0 : -1);
    MUST(lseek(fd, 0, SEEK_SET));
    return fd;
}

static void send_file(int f)
{
    struct pair t = tcp_pair(f);
    int fd = file_of_data();
    pid_t child = MUST(fork());
    if (child == 0) {
        off_t at = 0;
        while (at < SIZE)
            if (sendfile(t.s, fd, &at, (size_t)(SIZE - at)) <= 0)
                _exit(1);
        _exit(0);
    }
    close(t.s);
    RC(recv(t.c, back, SIZE, MSG_WAITALL), SIZE, nm(f, "sendfile, all of it arrives"));
    OK(memcmp(back, data, SIZE) == 0, nm(f, "sendfile, the same bytes"));
    RC(recv(t.c, back, 1, 0), 0, nm(f, "sendfile, then the end"));
    int status;
    MUST(waitpid(child, &status, 0));
    EQ(status, 0, nm(f, "sendfile, content"));
}

static void spliced(int f)
{
    struct pair t = tcp_pair(f);
    int p[2];
    char b[8];
    MUST(pipe(p));
    MUST(send(t.c, "abcde", 5, 0));
    RC(splice(t.s, NULL, p[1], NULL, 5, 0), 5, nm(f, "splice from a socket"));
    RC(read(p[0], b, 8), 5, nm(f, "splice from a socket, the bytes"));
    MUST(write(p[1], "xyz", 3));
    RC(splice(p[0], NULL, t.s, NULL, 3, 0), 3, nm(f, "splice to a socket"));
    RC(recv(t.c, b, 3, MSG_WAITALL), 3, nm(f, "splice to a socket, the bytes"));
}

static void stdio(int f)
{
    struct pair t = tcp_pair(f);
    char line[32] = "";
    FILE *in = fdopen(t.s, "r"), *out = fdopen(t.c, "w");
    OK(in && out, nm(f, "fdopen"));
    fprintf(out, "hello\nagain\n");
    EQ(fflush(out), 0, nm(f, "fflush to a socket"));
    OK(fgets(line, sizeof(line), in) && strcmp(line, "hello\n") == 0, nm(f, "fgets from a socket"));
    OK(fgets(line, sizeof(line), in) && strcmp(line, "again\n") == 0, nm(f, "fgets, second line"));
    fclose(out);
    OK(fgets(line, sizeof(line), in) == NULL && feof(in), nm(f, "fclose ends the stream"));
}

static void as_a_file(int f)
{
    struct pair t = tcp_pair(f);
    struct stat st;
    char b[4];
    RC(fstat(t.c, &st), 0, nm(f, "fstat"));
    OK(S_ISSOCK(st.st_mode), nm(f, "fstat says socket"));
    RC(lseek(t.c, 0, SEEK_SET), -ESPIPE, nm(f, "lseek"));
    RC(pread(t.c, b, 1, 0), -ESPIPE, nm(f, "pread"));
    RC(ftruncate(t.c, 0), -EINVAL, nm(f, "ftruncate"));
    EQ(isatty(t.c), 0, nm(f, "isatty"));
    EQ(fcntl(t.c, F_GETFL) & O_ACCMODE, O_RDWR, nm(f, "open for both"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(send_file), CASE(spliced), CASE(stdio),
                                         CASE(as_a_file)};
    return run_cases(cases, COUNT(cases));
}
