/* SPDX-License-Identifier: BSD-3-Clause */
/* The front of a TCP stream is a CLC message, might become one, or is none; a
 * message that decodes and can be sent decodes again to the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/smc/clc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union message {
	struct clc_proposal proposal;
	struct clc_accept accept;
	struct clc_decline decline;
};

static int
decode(uint8_t type, const uint8_t *msg, size_t len, union message *m)
{
	if (type == CLC_PROPOSAL)
		return clc_decode_proposal(msg, len, &m->proposal);
	if (type == CLC_DECLINE)
		return clc_decode_decline(msg, len, &m->decline);
	return clc_decode_accept(msg, len, &m->accept);
}

static int
encode(uint8_t type, const union message *m, uint8_t buf[CLC_MAX_LEN])
{
	if (type == CLC_PROPOSAL)
		return clc_encode_proposal(&m->proposal, buf);
	if (type == CLC_DECLINE)
		return clc_encode_decline(&m->decline, buf);
	return clc_encode_accept(&m->accept, buf);
}

static void
check_text(const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	if (len == room)
		abort();
	while (len-- > 0) {
		if (text[len] < 0x20 || text[len] > 0x7e)
			abort();
	}
}

static void
check_message(uint8_t type, const uint8_t *msg, size_t len)
{
	uint8_t first[CLC_MAX_LEN], second[CLC_MAX_LEN];
	union message m;
	char text[CLC_EID_LEN + 1];
	int n;

	if (decode(type, msg, len, &m) != 0)
		return;
	if (type == CLC_PROPOSAL) {
		if (m.proposal.n_eids > CLC_MAX_EIDS || m.proposal.n_prefixes6 > CLC_MAX_PREFIXES)
			abort();
		for (unsigned i = 0; i < m.proposal.n_eids; i++) {
			clc_eid_text(m.proposal.eids[i], text);
			check_text(text, sizeof(text));
		}
	}
	if (type == CLC_ACCEPT || type == CLC_CONFIRM)
		check_text(m.accept.hostname, sizeof(m.accept.hostname));
	n = encode(type, &m, first);
	if (n < 0) {
		/* Only what offers SMC-D. */
		if (type != CLC_PROPOSAL)
			abort();
		return;
	}
	if (clc_peek_length(first, (size_t)n) != n || clc_type(first) != clc_type(msg) ||
	    decode(type, first, (size_t)n, &m) != 0 || encode(type, &m, second) != n ||
	    memcmp(first, second, (size_t)n) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int n = clc_peek_length(data, size);

	if (n == 0 || n > (int)CLC_MAX_LEN || (n > 0 && (size_t)n > size) ||
	    (n < 0 && n != -EAGAIN && n != -EPROTO))
		abort();
	/* However many octets have come so far, the answer is the same or "more". */
	for (size_t have = 0; have < size && have < CLC_MAX_LEN; have++) {
		int m = clc_peek_length(data, have);

		if (m != -EAGAIN && m != n)
			abort();
	}
	if (n > 0)
		check_message(clc_type(data), data, (size_t)n);
	/* Not what the header says. */
	for (uint8_t type = CLC_PROPOSAL; type <= CLC_DECLINE; type++)
		check_message(type, data, size);
	return 0;
}
