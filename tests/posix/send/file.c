/* sendfile(), splice(), stdio: the descriptor is a file like any other. */
#include "../lib.h"

#include <pthread.h>
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

struct job {
    int from, to;
    bool good;
};

static void *send_all(void *arg)
{
    struct job *j = arg;
    off_t at = 0;
    j->good = true;
    while (at < SIZE && j->good)
        j->good = sendfile(j->to, j->from, &at, (size_t)(SIZE - at)) > 0;
    close(j->to);
    return NULL;
}

static void send_file(int f)
{
    struct pair t = tcp_pair(f);
    struct job job = {file_of_data(), t.s, false};
    pthread_t sender;
    MUST(-pthread_create(&sender, NULL, send_all, &job));
    RC(recv(t.c, back, SIZE, MSG_WAITALL), SIZE, nm(f, "sendfile, all of it arrives"));
    OK(memcmp(back, data, SIZE) == 0, nm(f, "sendfile, the same bytes"));
    RC(recv(t.c, back, 1, 0), 0, nm(f, "sendfile, then the end"));
    MUST(-pthread_join(sender, NULL));
    OK(job.good, nm(f, "sendfile, content"));
}

static void sendfile_arguments(int f)
{
    struct pair t = tcp_pair(f);
    int fd = file_of_data(), p[2];
    off_t at = SIZE - 3, before = -1;
    char b[8];
    MUST(pipe(p));
    RC(sendfile(t.s, fd, &at, 100), 3, nm(f, "sendfile, to the file's end"));
    EQ(at, SIZE, nm(f, "sendfile, the position named moves"));
    EQ(lseek(fd, 0, SEEK_CUR), 0, nm(f, "sendfile, the file's own does not"));
    RC(sendfile(t.s, fd, &at, 100), 0, nm(f, "sendfile, behind the end"));
    RC(sendfile(t.s, fd, NULL, 5), 5, nm(f, "sendfile from the file's position"));
    EQ(lseek(fd, 0, SEEK_CUR), 5, nm(f, "sendfile moves it"));
    RC(recv(t.c, b, 8, MSG_WAITALL), 8, nm(f, "sendfile, the bytes of both"));
    OK(memcmp(b, data + SIZE - 3, 3) == 0 && memcmp(b + 3, data, 5) == 0,
       nm(f, "sendfile, each from its place"));
    RC(sendfile(t.s, fd, NULL, 0), 0, nm(f, "sendfile of nothing"));
    RC(sendfile(t.s, fd, &before, 1), -EINVAL, nm(f, "sendfile from before the file"));
    RC(sendfile(t.s, -1, NULL, 1), -EBADF, nm(f, "sendfile from no file"));
    RC(sendfile(-1, fd, NULL, 1), -EBADF, nm(f, "sendfile to no file"));
    RC(sendfile(t.s, p[0], NULL, 1), -EINVAL, nm(f, "sendfile from a pipe"));
    RC(sendfile(t.s, t.c, NULL, 1), -EINVAL, nm(f, "sendfile from a socket to a socket"));
    at = 0;
    RC(sendfile(p[1], t.c, &at, 1), -ESPIPE, nm(f, "sendfile from a place in a socket"));
    signal(SIGPIPE, SIG_IGN);
    MUST(shutdown(t.s, SHUT_WR));
    RC(sendfile(t.s, fd, &at, 1), -EPIPE, nm(f, "sendfile after shutdown"));
}

static void splice_arguments(int f)
{
    struct pair t = tcp_pair(f);
    int p[2], fd = file_of_data();
    off_t at = 0;
    MUST(pipe(p));
    RC(splice(t.s, &at, p[1], NULL, 1, 0), -EINVAL, nm(f, "splice from a place in a socket"));
    RC(splice(p[0], &at, t.s, NULL, 1, 0), -ESPIPE, nm(f, "splice from a place in a pipe"));
    RC(splice(t.s, NULL, t.c, NULL, 1, 0), -EINVAL, nm(f, "splice from a socket to a socket"));
    RC(splice(t.s, NULL, fd, NULL, 1, 0), -EINVAL, nm(f, "splice from a socket to a file"));
    RC(splice(t.s, NULL, -1, NULL, 1, 0), -EBADF, nm(f, "splice to no file"));
    RC(splice(p[0], NULL, t.s, NULL, 1, SPLICE_F_NONBLOCK), -EAGAIN,
       nm(f, "splice from an empty pipe"));
    RC(splice(t.s, NULL, p[1], NULL, 0, 0), 0, nm(f, "splice of nothing"));
    MUST(fcntl(t.s, F_SETFL, O_NONBLOCK));
    RC(splice(t.s, NULL, p[1], NULL, 1, 0), -EAGAIN, nm(f, "splice, nothing has come"));
    close(p[1]);
    RC(splice(p[0], NULL, t.s, NULL, 1, 0), 0, nm(f, "splice, the pipe's end"));
    MUST(pipe(p));
    close(t.c);
    await(t.s, POLLIN | POLLOUT | POLLRDHUP);
    RC(splice(t.s, NULL, p[1], NULL, 1, 0), 0, nm(f, "splice, the stream's end"));
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
    static const struct tcase cases[] = {CASE(send_file), CASE(sendfile_arguments),
                                         CASE(spliced),   CASE(splice_arguments),
                                         CASE(stdio),     CASE(as_a_file)};
    return run_cases(cases, COUNT(cases));
}
