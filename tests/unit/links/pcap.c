/* A capture byte for byte, as draft-ietf-opsawg-pcapng has it. */
#include <errno.h>
#include <fcntl.h>

#include "rig.h"

/* One section, one RAW interface, then a frame out and one in at 2 s and 5 ns past the epoch. */
static const uint8_t wanted[] = {
    0x0a, 0x0d, 0x0d, 0x0a, 28,   0,    0,    0,    0x4d, 0x3c, 0x2b, 0x1a,
    1,    0,    0,    0,                                                 /* section */
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28,   0,    0,    0, /**/
    1,    0,    0,    0,    44,   0,    0,    0,    101,  0,    0,    0,
    0,    0,    0,    0,                                                 /* interface */
    2,    0,    6,    0,    'g',  'r',  'o',  'u',  'n',  'd',  0,    0, /* its name */
    9,    0,    1,    0,    9,    0,    0,    0,                         /* nanoseconds */
    0,    0,    0,    0,    44,   0,    0,    0,                         /**/
    6,    0,    0,    0,    52,   0,    0,    0,    0,    0,    0,    0, /* packet */
    1,    0,    0,    0,    0x05, 0x00, 0x00, 0x10, 5,    0,    0,    0,
    5,    0,    0,    0,                         /* time, lengths */
    0,    0x01, 0x02, 0x03, 0x04, 0,    0,    0, /* its bytes */
    2,    0,    4,    0,    2,    0,    0,    0,    0,    0,    0,    0,
    52,   0,    0,    0,                                                 /* outbound */
    6,    0,    0,    0,    48,   0,    0,    0,    0,    0,    0,    0, /* packet */
    1,    0,    0,    0,    0x05, 0x00, 0x00, 0x10, 4,    0,    0,    0,
    4,    0,    0,    0,    /**/
    0x05, 0x06, 0x07, 0x08, /**/
    2,    0,    4,    0,    1,    0,    0,    0,    0,    0,    0,    0,
    48,   0,    0,    0, /* inbound */
};

#define EPOCH ((hf_time)0x100000000)

/* A file without a name; two descriptors, for the link takes one. */
static void file_new(int fd[2])
{
    FILE *file = tmpfile();

    if (!file)
        abort();
    fd[0] = dup(fileno(file));
    fd[1] = dup(fileno(file));
    fclose(file);
}

static void test_bytes(void)
{
    struct rig *r = rig_new();
    struct hf_link *top;
    uint8_t got[1000];
    int fd[2];
    ssize_t n;

    file_new(fd);
    if (hf_link_pcap_new(&r->env, &r->ground, fd[0], EPOCH, &top) < 0)
        abort();
    rig_above(r, top);
    OK(top->gso_max == 65535 && top->flags & HF_LINK_CSUM, "a capture changes nothing below");
    r->now = 0x10000005;
    rig_poll(r, top);
    top->ops->send(top, rig_frame(r, 0x04030201, 5));
    EQ(top->ops->deadline(top), 0, "a frame's time is wanted at once");
    hf_link_input(&r->ground, rig_frame(r, 0x08070605, 4));
    EQ(r->sent.count + r->received.count, 2, "frames go on at once");
    rig_poll(r, top);
    EQ(top->ops->deadline(top), HF_TIME_NEVER, "then nothing is due");
    n = pread(fd[1], got, sizeof(got), 0);
    EQ(n, sizeof(wanted), "the file has the right length");
    OK(n == sizeof(wanted) && memcmp(got, wanted, sizeof(wanted)) == 0, "and the right bytes");
    rig_end(r, top);
    close(fd[1]);
}

static void test_ethernet(void)
{
    struct rig *r = rig_new();
    struct hf_link *top;
    uint8_t got[1000] = {0};
    int fd[2];

    file_new(fd);
    r->ground.flags |= HF_LINK_ETHERNET;
    if (hf_link_pcap_new(&r->env, &r->ground, fd[0], 0, &top) < 0)
        abort();
    rig_above(r, top);
    rig_poll(r, top);
    EQ(pread(fd[1], got, sizeof(got), 0), 28 + 44, "the preamble is there from the first poll");
    EQ(got[36], 1, "an Ethernet link's type is ETHERNET");
    rig_end(r, top);
    close(fd[1]);
}

static void test_failures(void)
{
    struct rig *r = rig_new();
    struct hf_link *top;

    r->testenv.fail_from = r->testenv.allocs + 1;
    EQ(hf_link_pcap_new(&r->env, &r->ground, open("/dev/null", O_WRONLY), 0, &top), -ENOMEM,
       "no memory for the wrapper");
    r->testenv.fail_from = r->testenv.allocs + 2;
    EQ(hf_link_pcap_new(&r->env, &r->ground, open("/dev/null", O_WRONLY), 0, &top), -ENOMEM,
       "no memory for the preamble");
    r->testenv.fail_from = 0;
    if (hf_link_pcap_new(&r->env, &r->ground, open("/dev/full", O_WRONLY), 0, &top) < 0)
        abort();
    rig_above(r, top);
    top->ops->send(top, rig_frame(r, 1, 64));
    rig_poll(r, top);
    top->ops->send(top, rig_frame(r, 2, 64));
    EQ(r->sent.count, 2, "frames go on though the file is full");
    EQ(top->ops->deadline(top), HF_TIME_NEVER, "which is given up");
    rig_end(r, top);
}

int main(void)
{
    tap_begin(10);
    test_bytes();
    test_ethernet();
    test_failures();
    return tap_end();
}
