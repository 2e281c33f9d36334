/* Writes what libc says of the network: a line per link ("1 lo"), one per address ("lo ::1"). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

static int complain(const char *what)
{
    perror(what);
    return 1;
}

static void tell(const struct ifaddrs *a)
{
    char text[INET6_ADDRSTRLEN];
    const void *addr;

    if (!a->ifa_addr)
        return;
    if (a->ifa_addr->sa_family == AF_INET)
        addr = &((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr;
    else if (a->ifa_addr->sa_family == AF_INET6)
        addr = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr;
    else
        return;
    printf("%s %s\n", a->ifa_name, inet_ntop(a->ifa_addr->sa_family, addr, text, sizeof(text)));
}

int main(void)
{
    struct if_nameindex *links = if_nameindex();
    struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG}, *found;
    struct ifaddrs *all;

    if (!links)
        return complain("if_nameindex");
    for (struct if_nameindex *l = links; l->if_index; l++) {
        if (if_nametoindex(l->if_name) != l->if_index)
            return complain(l->if_name);
        printf("%u %s\n", l->if_index, l->if_name);
    }
    if_freenameindex(links);
    if (getifaddrs(&all))
        return complain("getifaddrs");
    for (const struct ifaddrs *a = all; a; a = a->ifa_next)
        tell(a);
    freeifaddrs(all);
    if (getaddrinfo("::1", "80", &hints, &found))
        return complain("getaddrinfo");
    freeaddrinfo(found);
    return 0;
}
