/* The sockets of the program, by inode. */
#ifndef RUN_FILES_H
#define RUN_FILES_H

#include "run/supervisor.h"

/* A file for sk, whose vehicle is the descriptor `vehicle`; in no state yet but FILE_FRESH. Takes
 * sk, but not on failure; `vehicle` stays the caller's. 0, -ENOMEM or -errno. */
HF_NODISCARD int file_new(struct supervisor *sv, struct hf_sock *sk, int vehicle,
                          struct file **out);

/* The inode of the socket that a link in /proc/PID/fd stands for; 0: it is no socket, or not there.
 * Nothing but the link is looked at: what it leads to may be the program's own file system. */
uint64_t file_inode(int dir, const char *link);

/* The file that has, or had before, the vehicle with this inode, or NULL. */
struct file *file_by_inode(const struct supervisor *sv, uint64_t inode);

/* The same for descriptor `number` of thread tid. */
struct file *file_at(const struct supervisor *sv, pid_t tid, int number);

/* Is that descriptor f's present vehicle? */
bool file_is_at(const struct file *f, pid_t tid, int number);

/* Thread tid has f as descriptor `number`. */
void file_seen(struct file *f, pid_t tid, int number);

/* The file that the caller's args[0] is, or NULL: closed, or not ours. A copy of a vehicle that it
 * had before becomes its present one. */
struct file *file_find(const struct call *c);

/* The vehicle is another one now: `vehicle`. 0 or -errno. */
HF_NODISCARD int file_rekey(struct file *f, int vehicle);

/* Ends the file and its socket: nobody has it open any more. The memory lives until the files that
 * changed have been looked at. */
void file_close(struct file *f);

/* The same, but the socket lives on: somebody else has it now. */
void file_abandon(struct file *f);

/* The stack's event call-back. */
void file_event(void *ctx, struct hf_sock *sk, void *user);

/* f may have something to do: files_run will see. */
void file_touch(struct file *f);

/* Does what the files that changed have to do. */
void files_run(struct supervisor *sv);

/* Lets the stack do what is due, then the files: afterwards all is as the last call made it. */
void files_settle(struct supervisor *sv);

/* While a call on f is being served, f stays in memory; is_dead tells whether it has ended. */
void file_pin(struct file *f);
void file_unpin(struct file *f);

/* Is the caller's descriptor (args[0]) in non-blocking mode? */
bool file_is_nonblocking(const struct call *c, const struct file *f);

/* Closes what *fd is, if anything, and makes it -1. */
void file_shut(int *fd);

#endif
