/* TCP_SAVE_SYN, TCP_SAVED_SYN: a server looks at the headers of the SYN that opened a connection.
 */
#include "../lib.h"

#include <netinet/tcp.h>

enum { SYN = 2, ACK = 16, PORT_AT = 2, FLAGS_AT = 13 };

static struct addr where;
static int listening(int f, int how)
{
    int l = listener(f, 4, &where);

    MUST(setopt(l, IPPROTO_TCP, TCP_SAVE_SYN, how));
    return l;
}

/* Of a socket that a connect made; *client: the other end. */
static int accepted(int f, int l, int *client)
{
    *client = tcp(f);
    MUST(connect_to(*client, where));
    return MUST(accept(l, NULL, NULL));
}

static long long saved(int fd, unsigned char *to, socklen_t *len)
{
    return getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, to, len);
}

static void what_is_saved(int f)
{
    unsigned char bytes[200];
    socklen_t len = 10, headers = f == AF_INET ? 20 : 40;
    int l = listening(f, 1), c, s = accepted(f, l, &c);
    const unsigned char *tcp_at = bytes + headers;

    RC(saved(s, bytes, &len), -EINVAL, nm(f, "saved SYN, too little room"));
    OK(len >= headers + 20, nm(f, "saved SYN, its length is told then"));
    len = sizeof(bytes);
    RC(saved(s, bytes, &len), 0, nm(f, "saved SYN, room enough"));
    OK(len >= headers + 20 && len <= headers + 60, nm(f, "saved SYN, headers and no more"));
    EQ(bytes[0] >> 4, f == AF_INET ? 4 : 6, nm(f, "saved SYN, begins with IP's header"));
    EQ(bytes[f == AF_INET ? 9 : 6], IPPROTO_TCP, nm(f, "saved SYN, which says TCP"));
    EQ(tcp_at[0] << 8 | tcp_at[1], port_of(name_of(c)), nm(f, "saved SYN, port of the client"));
    EQ(tcp_at[PORT_AT] << 8 | tcp_at[PORT_AT + 1], port_of(where), nm(f, "saved SYN, ours"));
    EQ(tcp_at[FLAGS_AT] & (SYN | ACK), SYN, nm(f, "saved SYN, its flags"));
    EQ((tcp_at[12] >> 4) * 4 + headers, len, nm(f, "saved SYN, options and all"));
    len = sizeof(bytes);
    RC(saved(s, bytes, &len), 0, nm(f, "saved SYN, a second time"));
    EQ(len, 0, nm(f, "saved SYN, a second time: it is given once"));
}

static void who_has_none(int f)
{
    unsigned char bytes[200];
    socklen_t len = sizeof(bytes);
    int l = listening(f, 0), c, s = accepted(f, l, &c);

    RC(saved(s, bytes, &len), 0, nm(f, "no SYN was to be saved"));
    EQ(len, 0, nm(f, "no SYN was to be saved, none is there"));
    MUST(setopt(s, IPPROTO_TCP, TCP_SAVE_SYN, 1));
    len = sizeof(bytes);
    RC(saved(s, bytes, &len), 0, nm(f, "asked for later"));
    EQ(len, 0, nm(f, "asked for later, none is there"));
    l = listening(f, 1);
    s = accepted(f, l, &c);
    len = sizeof(bytes);
    RC(saved(c, bytes, &len), 0, nm(f, "of who connects"));
    EQ(len, 0, nm(f, "of who connects, none is there"));
    len = sizeof(bytes);
    RC(saved(l, bytes, &len), 0, nm(f, "of the listener"));
    EQ(len, 0, nm(f, "of the listener, none is there"));
    EQ(getopt_of(s, IPPROTO_TCP, TCP_SAVE_SYN), 1, nm(f, "accepted, the option is inherited"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(what_is_saved), CASE(who_has_none)};
    return run_cases(cases, COUNT(cases));
}
