/* SPDX-License-Identifier: BSD-3-Clause */
/* Between clc.c and clc_proposal.c only. */
#ifndef SMC_CLC_IMPL_H
#define SMC_CLC_IMPL_H

#include "proto/smc/clc.h"
#include "proto/smc/wire.h"

/* 0 when msg is a whole message of len octets as its header says, else -EPROTO. */
int clc_check_header(const uint8_t *msg, size_t len);
/* An eyecatcher in the last four octets. */
bool clc_trailer_ok(const uint8_t *msg, size_t len);

/* Header and trailer around len octets; flags without the version. */
void clc_put_frame(uint8_t *buf, size_t len, uint8_t type, uint8_t version, uint8_t flags);

static inline uint32_t
clc_get24(const uint8_t b[3])
{
	return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

static inline void
clc_put24(uint8_t b[3], uint32_t v)
{
	b[0] = (uint8_t)(v >> 16);
	b[1] = (uint8_t)(v >> 8);
	b[2] = (uint8_t)v;
}

#endif
