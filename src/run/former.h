/* Vehicles that a file had before: copies of them (dup, fork) may still be open. */
#ifndef RUN_FORMER_H
#define RUN_FORMER_H

#include "run/supervisor.h"

/* f's vehicle is about to be replaced. Without memory its copies will not be known again. */
void former_note(struct file *f);

/* The file that had the vehicle with this inode, or NULL. */
struct file *former_find(const struct supervisor *sv, uint64_t inode);

/* Puts f's present vehicle in the place of the caller's args[0], a copy of a former one, if that
 * can be had; else the copy stays as it is. */
void former_renew(const struct call *c, const struct file *f);

/* f ends. */
void former_forget(struct file *f);

#endif
