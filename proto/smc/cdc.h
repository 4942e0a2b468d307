/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection Data Control: the message that follows each RDMA WRITE and tells
 * where data now ends and where reading has got to (RFC 7609, the same in v2).
 * One SEND of 44 octets on the connection's link.
 *
 * Pure functions, any lcore. Host order.
 */
#ifndef SMC_CDC_H
#define SMC_CDC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/smc/cursor.h"

#define CDC_TYPE 0xfe
#define CDC_LEN 44

enum cdc_prod_flag {
	CDC_WRITE_BLOCKED = 0x80,       /* the sender has more than fits: update wanted as soon as possible */
	CDC_URG_PENDING = 0x40,         /* urgent data is on its way */
	CDC_URG_PRESENT = 0x20,         /* the octet before the producer cursor is urgent */
	CDC_CURSOR_WANTED = 0x10,       /* please send a consumer cursor */
	CDC_VALIDATION = 0x08,          /* after a failover: cursors are not to be used */
};

/* Sticky: once set, in every later message of the connection. */
enum cdc_conn_flag {
	CDC_DONE_WRITING = 0x80,
	CDC_CLOSED = 0x40,
	CDC_ABORT = 0x20,
};

struct cdc_msg {
	uint16_t seq;                   /* from 1, per connection and direction, wraps */
	uint32_t token;                 /* the receiver's alert token */
	struct smc_cursor prod;         /* next octet to be written in the receiver's RMBE */
	struct smc_cursor cons;         /* next octet to be read in the sender's RMBE */
	uint8_t prod_flags;             /* enum cdc_prod_flag */
	uint8_t conn_flags;             /* enum cdc_conn_flag */
};

/* Is this SEND a CDC message (or meant as one)? len > 0. */
static inline bool
cdc_is(const uint8_t *buf)
{
	return buf[0] == CDC_TYPE;
}

/*
 * Decode one SEND of len octets. Returns 0 or -EPROTO: not 44 octets, another
 * type or length. Bits without a meaning are dropped. Token, sequence number and cursors are
 * for the connection to judge: smc_cursor_valid() before indexing anything.
 */
int cdc_decode(const uint8_t *buf, size_t len, struct cdc_msg *msg);
void cdc_encode(const struct cdc_msg *msg, uint8_t buf[CDC_LEN]);

/* Sequence number a is before b, with wrap: such a message is ignored. */
static inline bool
cdc_seq_before(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b) < 0;
}

#endif
