/* SO_ATTACH_FILTER: programs that choose among datagrams. */
#include "link.h"

#include <linux/filter.h>

static int attach(int fd, struct sock_filter *insns, unsigned short n)
{
    struct sock_fprog p = {n, insns};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}

#define ATTACH(fd, insns) attach((fd), (insns), COUNT(insns))

/* How much arrives of a datagram of ten bytes: -EAGAIN where none does. A second one, which the
 * filter is taken away for, tells that the first is through. */
static long long passes(struct link k)
{
    char b[16];
    int zero = 0;
    long long n;
    MUST(send_to(k.c, "0123456789", 10, k.sa));
    MUST(setsockopt(k.s, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)));
    MUST(send_to(k.c, "last", 4, k.sa));
    n = r(recv(k.s, b, sizeof(b), 0));
    if (n == 4 && memcmp(b, "last", 4) == 0)
        return -EAGAIN;
    MUST(recv(k.s, b, sizeof(b), 0));
    return n;
}

static void verdicts(int f)
{
    static const struct {
        uint32_t ret;
        long long passes;
        const char *name;
    } rows[] = {
        {0, -EAGAIN, "0, dropped"},    {1, 0, "1, the header is kept in any case"},
        {8, 0, "8, the header alone"}, {11, 3, "11, three bytes"},
        {18, 10, "18, all"},           {UINT32_MAX, 10, "more than there is"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, rows[i].ret)};
        struct link k = joined(f);
        RC(ATTACH(k.s, code), 0, nm(f, "filter says %s: attach", rows[i].name));
        EQ(passes(k), rows[i].passes, nm(f, "filter says %s", rows[i].name));
        close(k.s);
        close(k.c);
    }
}

/* What programs compute: the bytes that are kept, 8 of the header and so many more. */
static void programs(int f)
{
    struct link k = joined(f);
    struct sock_filter port[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)port_of(k.ca), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 9),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_filter byte[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8 + 5), /* '5' */
        BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, '0' - 8),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_filter length[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 2),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_filter beyond[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 18),
        BPF_STMT(BPF_RET | BPF_K, 18),
    };
    struct sock_filter memory[] = {
        BPF_STMT(BPF_LD | BPF_IMM, 7),
        BPF_STMT(BPF_ST, 3),
        BPF_STMT(BPF_LDX | BPF_W | BPF_MEM, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 3), /* '2' */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 15),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_filter nothing[] = {
        BPF_STMT(BPF_LDX | BPF_IMM, 0),
        BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
        BPF_STMT(BPF_RET | BPF_K, 18),
    };
    struct sock_filter network[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 8),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_filter protocol[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, f == AF_INET ? 0x0800 : 0x86dd, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 10),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_filter link[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX)),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 10),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    MUST(ATTACH(k.s, port));
    EQ(passes(k), 1, nm(f, "filter on the port it came from"));
    MUST(ATTACH(k.s, byte));
    EQ(passes(k), 5, nm(f, "filter by a byte of the datagram"));
    MUST(ATTACH(k.s, length));
    EQ(passes(k), 2, nm(f, "filter by the length"));
    MUST(ATTACH(k.s, beyond));
    EQ(passes(k), -EAGAIN, nm(f, "filter that looks beyond the end drops"));
    MUST(ATTACH(k.s, memory));
    EQ(passes(k), 1, nm(f, "filter with scratch memory and an index"));
    MUST(ATTACH(k.s, nothing));
    EQ(passes(k), -EAGAIN, nm(f, "filter that divides by nothing drops"));
    MUST(ATTACH(k.s, network));
    EQ(passes(k), f == AF_INET ? 4 : 6, nm(f, "filter by the IP header"));
    MUST(ATTACH(k.s, protocol));
    EQ(passes(k), 2, nm(f, "filter by the protocol below"));
    MUST(ATTACH(k.s, link));
    EQ(passes(k), 3, nm(f, "filter by the link"));
}

static void bad_programs(int f)
{
    static const struct {
        const char *name;
        struct sock_filter code[3];
        int n, result;
    } rows[] = {
        {"that does not end", {BPF_STMT(BPF_LD | BPF_IMM, 1)}, 1, -EINVAL},
        {"with a jump behind its end",
         {BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_RET | BPF_K, 1)},
         2,
         -EINVAL},
        {"with a branch behind its end",
         {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_RET | BPF_K, 1)},
         2,
         -EINVAL},
        {"that divides by 0",
         {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_A, 0)},
         2,
         -EINVAL},
        {"that shifts by 32",
         {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), BPF_STMT(BPF_RET | BPF_A, 0)},
         2,
         -EINVAL},
        {"that shifts by 31",
         {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 31), BPF_STMT(BPF_RET | BPF_A, 0)},
         2,
         0},
        {"that reads a 17th word",
         {BPF_STMT(BPF_LD | BPF_MEM, 16), BPF_STMT(BPF_RET | BPF_A, 0)},
         2,
         -EINVAL},
        {"that reads a word it has not written",
         {BPF_STMT(BPF_LD | BPF_MEM, 2), BPF_STMT(BPF_RET | BPF_A, 0)},
         2,
         -EINVAL},
        {"that reads a word it has written",
         {BPF_STMT(BPF_ST, 2), BPF_STMT(BPF_LD | BPF_MEM, 2), BPF_STMT(BPF_RET | BPF_A, 0)},
         3,
         0},
        {"with an instruction that is none",
         {{0xf0f0, 0, 0, 0}, BPF_STMT(BPF_RET | BPF_K, 1)},
         2,
         -EINVAL},
        {"with an offset that is none",
         {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + 200),
          BPF_STMT(BPF_RET | BPF_K, 1)},
         2,
         -EINVAL},
        {"that returns X", {BPF_STMT(BPF_RET | BPF_X, 0)}, 1, -EINVAL},
    };
    int fd = udp(f);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sock_filter code[3];
        memcpy(code, rows[i].code, sizeof(code));
        RC(attach(fd, code, (unsigned short)rows[i].n), rows[i].result,
           nm(f, "a program %s", rows[i].name));
    }
}

static void arguments(int f)
{
    static struct sock_filter many[4097];
    struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, 100)};
    struct sock_fprog p = {1, all};
    int fd = udp(f), zero = 0, one = 1;
    socklen_t len = 0;
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = all[0];
    RC(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), -ENOENT,
       nm(f, "SO_DETACH_FILTER, there is none"));
    RC(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len), 0, nm(f, "SO_GET_FILTER, none"));
    EQ(len, 0, nm(f, "SO_GET_FILTER, none has no length"));
    RC(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p) - 1), -EINVAL,
       nm(f, "SO_ATTACH_FILTER, too short"));
    RC(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, NULL, sizeof(p)), -EFAULT,
       nm(f, "SO_ATTACH_FILTER without memory"));
    RC(attach(fd, NULL, 1), -EINVAL, nm(f, "no program"));
    RC(attach(fd, (struct sock_filter *)8, 1), -EFAULT, nm(f, "a program that cannot be read"));
    RC(attach(fd, all, 0), -EINVAL, nm(f, "a program of nothing"));
    RC(attach(fd, many, 4097), -EINVAL, nm(f, "a program of 4097 instructions"));
    RC(attach(fd, many, 4096), 0, nm(f, "a program of 4096"));
    RC(attach(fd, all, 1), 0, nm(f, "another in its place"));
    RC(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len), 0, nm(f, "SO_GET_FILTER"));
    EQ(len, 1, nm(f, "SO_GET_FILTER tells the length"));
    MUST(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)));
    RC(attach(fd, all, 1), -EPERM, nm(f, "a filter that is locked, another"));
    RC(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), -EPERM,
       nm(f, "a filter that is locked, none"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(verdicts), CASE(programs), CASE(bad_programs),
                                         CASE(arguments)};
    return run_cases(cases, COUNT(cases));
}
