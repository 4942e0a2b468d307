/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A receiving connection without the rest of TCP: the seams to the connection
 * and sending parts are stubs that count. The stream is a function of its
 * position, so that whatever is read can be checked.
 */
#ifndef TESTS_TCP_RECV_FIXTURE_H
#define TESTS_TCP_RECV_FIXTURE_H

#include "proto/tcp/recv.h"
#include "tests/unit/test.h"

#define FX_BUFS 8191
#define FX_ROOM 2048

struct fixture {
	struct tcp_stack ts;
	struct tcp_conn c;
	struct net_stats drops;
	unsigned raised, fins, kills, resets, wants, timer_sets;
	uint64_t now_us;
	uint32_t irs;
};
extern struct fixture fx;
extern struct rte_mempool *fx_rx_pool, *fx_payload_pool, *fx_ind_pool;

/* A connection whose first data octet is irs + 1; initial buffer and limit in octets. */
void fx_open(uint32_t irs, uint32_t rcvbuf, uint32_t rcvbuf_max, uint32_t flags);
/* Free it; asserts that nothing is charged and every buffer is back. */
void fx_close(void);

/* The octet of the stream at a position from irs + 1 on, in one of 256 versions. */
uint8_t fx_octet(uint32_t pos, uint8_t version);
/* A segment of len octets at stream position pos (0: the first); buf: octets
 * per buffer, 0: one buffer for all. */
void fx_make(struct tcp_seg *seg, uint32_t pos, uint32_t len, uint8_t flags, uint8_t version, uint32_t buf);
/* Make and put in, slow path. */
void fx_in(uint32_t pos, uint32_t len, uint8_t flags);
void fx_in_version(uint32_t pos, uint32_t len, uint8_t version);
/* Input any segment through tcp_seq_acceptable() first: what is not acceptable is freed. */
bool fx_in_checked(struct tcp_seg *seg);

/* End of a turn: as the output stage does. Returns ACKs sent; *wnd the last field. */
unsigned fx_turn(uint16_t *wnd);
/* Edge on the wire of the last ACK, as a stream position. */
extern uint32_t fx_wire_edge;

/* Read all that is readable, checked against the stream in version 0; octets. */
uint32_t fx_read_checked(uint32_t pos);
static inline uint32_t fx_pos(uint32_t seq) { return seq - fx.irs - 1; }
static inline uint32_t fx_seq(uint32_t pos) { return fx.irs + 1 + pos; }

#endif
