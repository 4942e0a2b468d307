/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections that a peer can hold open at our cost for as long as it likes: those nobody here owns any more,
 * and those whose window it keeps shut. They are counted for all peers together and for each, that is for each
 * value of a keyed hash of its address: peers that share one share what they may have. Orphans are kept in the
 * order of their closing, since the oldest has to go when there are too many. Owner lcore only.
 */
#ifndef TCP_HELD_H
#define TCP_HELD_H

#include "proto/tcp/tcp_impl.h"

enum tcp_held {
	TCP_HELD_ORPHAN, /* closed by its user, not over yet */
	TCP_HELD_SHUT,   /* probed because the peer's window is shut */
	TCP_HELD_KINDS
};

int tcp_held_init(struct tcp_stack *ts);
void tcp_held_fini(struct tcp_stack *ts);
void tcp_held_add(struct tcp_conn *c, enum tcp_held kind);
void tcp_held_sub(struct tcp_conn *c, enum tcp_held kind);
uint32_t tcp_held_total(const struct tcp_stack *ts, enum tcp_held kind);
/* Are more shut by c's peer than may be, c counted? An eighth of all connections, of which an eighth is left while
 * more than half of the send buffers are taken (RFC 6429 3); a few always may. */
bool tcp_held_shut_too_many(const struct tcp_conn *c);
/*
 * c is a new orphan: the one that has to go for it, NULL: none. A quarter of all connections may be orphans, an
 * eighth orphans of one peer; a few always may. The oldest of its peer when that has more, else the oldest of all
 * when these are more; as many as always may wait, c itself is never that. O(1).
 */
struct tcp_conn *tcp_held_oldest_orphan(const struct tcp_conn *c);
/* persist.c: c is counted as shut no more. */
void tcp_persist_left(struct tcp_conn *c);

#endif
