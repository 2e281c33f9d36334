/* Vehicles: the kernel objects that the program's descriptors are. Each function brings a file's
 * vehicle from one state (supervisor.h) to another; what poll() shows there is what Linux's own
 * sockets show, see docs/decisions/0004-vehicle-u.md. */
#ifndef RUN_VEHICLE_H
#define RUN_VEHICLE_H

#include "run/supervisor.h"

/* Streams (vehicle_unix.c; listeners vehicle_listener.c). */

/* Finds out whether buffers may be as large as we want them (net.core.wmem_max). 0 or -errno. */
HF_NODISCARD int vehicle_measure(struct supervisor *sv);

/* A vehicle for a new stream socket: its descriptor, or -errno. */
HF_NODISCARD int vehicle_new(bool nonblocking);

/* FRESH -> CONNECTING. 0, or -errno: the vehicle may be FAILED then. */
HF_NODISCARD int vehicle_connecting(struct file *f);

/* FRESH or CONNECTING -> CONNECTED. 0, or -errno: vehicle_fail is what remains. */
HF_NODISCARD int vehicle_connected(struct file *f);

/* CONNECTED: closes our copy, if that is still there, and watches our end; FAILED where it cannot.
 * Nobody need wait for this. */
void vehicle_let_go(struct file *f);

/* CONNECTED: makes room for more bytes to the program than the little there is at first. False when
 * that has been done before. */
bool vehicle_widen(struct file *f);

/* CONNECTED and reset, but full of what the program has not read: as much room is made for the rest
 * as the machine allows, and writes fail from now on, which whoever waits for OUT is told. */
void vehicle_refuse(struct file *f);

/* FRESH, CONNECTING or CONNECTED -> FAILED: reset, as the program sees it. */
void vehicle_fail(struct file *f);

/* LISTENING -> FAILED: shut down. */
void vehicle_unlisten(struct file *f);

/* The error that ended an asynchronous open has been told: the vehicle shows it no longer. */
void vehicle_error_taken(struct file *f);

/* CONNECTED -> FAILED, with the end of the stream to be read and no error to be told: reset after
 * the peer's FIN. */
void vehicle_end(struct file *f);

/* Any -> FRESH: a new vehicle takes the place of descriptor args[0]; other copies of it keep the
 * dead one. 0 or -errno, then the state is as before. */
HF_NODISCARD int vehicle_renew(const struct call *c, struct file *f);

/* CONNECTING with nobody waiting: looks how the connect stands and shows it. */
void vehicle_settle(struct file *f);

/* FRESH -> LISTENING. 0 or -errno. */
HF_NODISCARD int vehicle_listening(struct file *f);

/* LISTENING: readable when, and only when, a connection waits. */
void vehicle_ring(struct file *f);

/* The same, and another connection may have come: those who watch for edges are told again. */
void vehicle_ring_anew(struct file *f);

/* A CONNECTED vehicle for a connection just accepted from the stack; takes sk, but not on failure.
 * The program's descriptor goes to *vehicle and is the caller's. 0 or -errno. */
HF_NODISCARD int vehicle_accepted(struct supervisor *sv, struct hf_sock *sk, bool nonblocking,
                                  struct file **out, int *vehicle);

/* Lets go of everything of the kernel's that f has. */
void vehicle_drop(struct file *f);

/* Datagrams (vehicle_dgram.c). */

/* A file with a pair, fd and end, in the state DATAGRAM; takes sk, but not on failure. 0 or -errno.
 */
HF_NODISCARD int datagram_new(struct supervisor *sv, struct hf_sock *sk, bool nonblocking,
                              struct file **out);

/* Carries what waits, both ways. */
void datagram_run(struct file *f);

/* One datagram for a notified call. msg as in hf_sock_recv, flags Linux's. Returns its whole length
 * (msg->flags has MSG_TRUNC when it was longer than the room), -EAGAIN, or an error. It stays in
 * the vehicle until datagram_taken says that the caller, who may be interrupted before, has it. */
HF_NODISCARD int64_t datagram_take(struct file *f, struct hf_msg *msg, int flags);
void datagram_taken(struct file *f);

/* Has f `count` datagrams, or what ends a wait for them: more than the vehicle holds, an error, a
 * shutdown? */
bool datagram_has(struct file *f, uint64_t count);

/* One datagram of a notified call, behind those already in the vehicle. */
HF_NODISCARD int64_t datagram_give(struct file *f, const struct hf_msg *msg, int flags);

/* The oldest datagram that failed (MSG_ERRQUEUE). */
HF_NODISCARD int64_t datagram_take_failed(struct file *f, struct hf_msg *msg, int flags);

/* Takes the pending error: its number, or 0. */
int datagram_error(struct file *f);

/* shutdown(2). */
HF_NODISCARD int datagram_shutdown(struct file *f, int how);

#endif
