/* Makes a conformance program one of the library: included before anything else (-include), it
 * names the calls of the library in place of libc's. Nothing else of the program changes. */
#ifndef TESTS_POSIX_LIBRARY_H
#define TESTS_POSIX_LIBRARY_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* First everything that declares libc's own under these names. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <handfast/posix.h>

#define socket        hf_socket
#define socketpair    hf_socketpair
#define bind          hf_bind
#define listen        hf_listen
#define accept        hf_accept
#define accept4       hf_accept4
#define connect       hf_connect
#define send          hf_send
#define sendto        hf_sendto
#define sendmsg       hf_sendmsg
#define sendmmsg      hf_sendmmsg
#define recv          hf_recv
#define recvfrom      hf_recvfrom
#define recvmsg       hf_recvmsg
#define recvmmsg      hf_recvmmsg
#define read          hf_read
#define write         hf_write
#define readv         hf_readv
#define writev        hf_writev
#define sendfile      hf_sendfile
#define splice        hf_splice
#define fdopen        hf_fdopen
#define dprintf       hf_dprintf
#define shutdown      hf_shutdown
#define close         hf_close
#define close_range   hf_close_range
#define dup           hf_dup
#define dup2          hf_dup2
#define dup3          hf_dup3
#define getsockname   hf_getsockname
#define getpeername   hf_getpeername
#define getsockopt    hf_getsockopt
#define setsockopt    hf_setsockopt
#define fcntl         hf_fcntl
#define ioctl         hf_ioctl
#define poll          hf_poll
#define ppoll         hf_ppoll
#define select        hf_select
#define pselect       hf_pselect
#define epoll_create1 hf_epoll_create1
#define epoll_ctl     hf_epoll_ctl
#define epoll_wait    hf_epoll_wait
#define epoll_pwait   hf_epoll_pwait

/* Which system call a thread sleeps in when it is blocked in the library's call: epoll_pwait, or a
 * semaphore's, whose futex operation (0x189, with a limit 0x89) is no mutex's. */
#define BLOCKED_IN(line, nr)           \
    (strncmp(line, "281 ", 4) == 0 ||  \
     (strncmp(line, "202 ", 4) == 0 && \
      (strstr(line, " 0x189 ") != NULL || strstr(line, " 0x89 ") != NULL)))

#endif
