/* Where the datagrams in a vehicle came from, oldest first, and what came with them. */
#ifndef RUN_SOURCES_H
#define RUN_SOURCES_H

#include <stddef.h>
#include <stdint.h>

struct file;
struct hf_msg;

/* A datagram of these bytes goes into the vehicle. Without memory its source will not be known. */
void sources_note(struct file *f, const struct hf_msg *msg, const uint8_t *bytes, size_t len);

/* Tells in msg whence the datagram of these bytes came, and forgets all before it. */
void sources_tell(struct file *f, struct hf_msg *msg, const uint8_t *bytes, size_t len);

/* Forgets the oldest, of which there is one. */
void sources_drop(struct file *f);

/* Forgets all. */
void sources_forget(struct file *f);

#endif
