/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/clc.h"

#include <errno.h>

#include "proto/smc/reason.h"
#include "tests/unit/smc/clc_vectors.h"
#include "tests/unit/smc/octets.h"
#include "tests/unit/test.h"

static const struct vector {
	const char *name, *hex;
	uint8_t type;
	uint16_t len;
	bool encodable;      /* we would send it ourselves */
} vectors[] = {
	{ "proposal of RFC 7609", PROPOSAL_RFC, CLC_PROPOSAL, 52, true },
	{ "proposal of RFC 7609, IPv6", PROPOSAL_RFC_IPV6, CLC_PROPOSAL, 69, true },
	{ "proposal v1", PROPOSAL_V1, CLC_PROPOSAL, 92, true },
	{ "proposal v1 of older Linux", PROPOSAL_V1_OLD, CLC_PROPOSAL, 92, true },
	{ "proposal v1 and v2", PROPOSAL_BOTH, CLC_PROPOSAL, 164, true },
	{ "proposal v2", PROPOSAL_V2, CLC_PROPOSAL, 156, true },
	{ "proposal v2.1", PROPOSAL_V21, CLC_PROPOSAL, 188, true },
	{ "proposal SMC-R and SMC-D", PROPOSAL_SMCD, CLC_PROPOSAL, 232, false },
	{ "accept v1", ACCEPT_V1, CLC_ACCEPT, 68, true },
	{ "confirm v1, reuse", CONFIRM_V1, CLC_CONFIRM, 68, true },
	{ "accept v2, reuse", ACCEPT_REUSE, CLC_ACCEPT, 108, true },
	{ "confirm v2, reuse", CONFIRM_REUSE, CLC_CONFIRM, 108, true },
	{ "accept v2", ACCEPT_V2, CLC_ACCEPT, 160, true },
	{ "accept v2.1", ACCEPT_V21, CLC_ACCEPT, 160, true },
	{ "confirm v2, one GID", CONFIRM_V2, CLC_CONFIRM, 180, true },
	{ "confirm v2.1, two GIDs", CONFIRM_V21, CLC_CONFIRM, 196, true },
	{ "decline v1", DECLINE_V1, CLC_DECLINE, 28, true },
	{ "decline v1, out of sync", DECLINE_V1_SYNC, CLC_DECLINE, 28, true },
	{ "decline v2", DECLINE_V2, CLC_DECLINE, 44, true },
	{ "decline v2, out of sync", DECLINE_V2_SYNC, CLC_DECLINE, 44, true },
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

union message {
	struct clc_proposal proposal;
	struct clc_accept accept;
	struct clc_decline decline;
};

static struct octets octets;

/* From memory of exactly the message's size. */
static int
decode(const uint8_t *b, size_t len, uint8_t type, union message *m)
{
	uint8_t *copy = octets_exact(b, len);
	int rc;

	memset(m, 0xa5, sizeof(*m));
	if (type == CLC_PROPOSAL)
		rc = clc_decode_proposal(copy, len, &m->proposal);
	else if (type == CLC_DECLINE)
		rc = clc_decode_decline(copy, len, &m->decline);
	else
		rc = clc_decode_accept(copy, len, &m->accept);
	free(copy);
	return rc;
}

static int
encode(const union message *m, uint8_t type, uint8_t buf[CLC_MAX_LEN])
{
	if (type == CLC_PROPOSAL)
		return clc_encode_proposal(&m->proposal, buf);
	if (type == CLC_DECLINE)
		return clc_encode_decline(&m->decline, buf);
	return clc_encode_accept(&m->accept, buf);
}

/* Into m, which must succeed. */
static void
decode_hex(const char *hex, union message *m)
{
	octets_from_hex(hex, &octets);
	CU_ASSERT_EQUAL_FATAL(decode(octets.b, octets.len, octets.b[4], m), 0);
}

static void clc_decode__vectors_return_to_the_same_octets(void)
{
	uint8_t buf[CLC_MAX_LEN];
	union message m;

	for (size_t i = 0; i < N_VECTORS; i++) {
		const struct vector *v = &vectors[i];
		int rc;

		octets_from_hex(v->hex, &octets);
		CU_ASSERT_EQUAL_FATAL(octets.len, v->len);
		CU_ASSERT_EQUAL(clc_peek_length(octets.b, octets.len), v->len);
		CU_ASSERT_EQUAL(clc_type(octets.b), v->type);
		rc = decode(octets.b, octets.len, v->type, &m);
		if (rc != 0)
			fprintf(stderr, "%s: %d\n", v->name, rc);
		CU_ASSERT_EQUAL_FATAL(rc, 0);
		rc = encode(&m, v->type, buf);
		CU_ASSERT_EQUAL(rc, v->encodable ? v->len : -EINVAL);
		if (v->encodable && memcmp(buf, octets.b, v->len) != 0)
			CU_FAIL(v->name);
	}
}

static void clc_decode_proposal__fields_v2_only(void)
{
	static const uint8_t zero[16];
	union message m;
	char text[CLC_EID_LEN + 1];

	decode_hex(PROPOSAL_V21, &m);
	CU_ASSERT_EQUAL(m.proposal.version, CLC_V2);
	CU_ASSERT(!m.proposal.v1 && m.proposal.v2 && !m.proposal.smcd_v1 && !m.proposal.smcd_v2);
	CU_ASSERT(memcmp(m.proposal.peer_id, zero, 8) == 0 && memcmp(m.proposal.gid, zero, 16) == 0);
	CU_ASSERT_EQUAL(m.proposal.release, CLC_RELEASE_V21);
	CU_ASSERT_EQUAL(m.proposal.n_eids, 2);
	clc_eid_text(m.proposal.eids[0], text);
	CU_ASSERT_STRING_EQUAL(text, "OTHER-EID");
	clc_eid_text(m.proposal.eids[1], text);
	CU_ASSERT_STRING_EQUAL(text, "SMCGATE-TEST-1");
	CU_ASSERT_EQUAL(m.proposal.gid2[10], 0xff);
	CU_ASSERT_EQUAL(m.proposal.gid2[15], 1);
	CU_ASSERT_EQUAL(m.proposal.max_conns, 255);
	CU_ASSERT_EQUAL(m.proposal.max_links, 2);
	CU_ASSERT_EQUAL(m.proposal.features, 1);
}

static void clc_decode_proposal__fields_v1(void)
{
	union message m;

	decode_hex(PROPOSAL_V1, &m);
	CU_ASSERT_EQUAL(m.proposal.version, CLC_V2);
	CU_ASSERT(m.proposal.v1 && !m.proposal.v2);
	CU_ASSERT_EQUAL(m.proposal.peer_id[0], 0xa1);
	CU_ASSERT_EQUAL(m.proposal.gid[0], 0xfe);
	CU_ASSERT_EQUAL(m.proposal.mac[5], 1);
	CU_ASSERT_EQUAL(m.proposal.subnet4, 0x0a000000);
	CU_ASSERT_EQUAL(m.proposal.prefix4_len, 24);
	CU_ASSERT_EQUAL(m.proposal.n_eids, 0);
	decode_hex(PROPOSAL_RFC_IPV6, &m);
	CU_ASSERT_EQUAL(m.proposal.version, CLC_V1);
	CU_ASSERT_EQUAL(m.proposal.n_prefixes6, 1);
	CU_ASSERT_EQUAL(m.proposal.prefixes6[0].addr[0], 0xfd);
	CU_ASSERT_EQUAL(m.proposal.prefixes6[0].len, 64);
}

static void clc_decode_proposal__smcd_is_seen(void)
{
	union message m;

	decode_hex(PROPOSAL_SMCD, &m);
	CU_ASSERT(m.proposal.v1 && m.proposal.v2 && m.proposal.smcd_v1 && m.proposal.smcd_v2);
	CU_ASSERT_EQUAL(m.proposal.n_ism, 2);
	CU_ASSERT(m.proposal.seid_valid);
	CU_ASSERT_EQUAL(m.proposal.n_eids, 1);
}

static void clc_decode_accept__fields(void)
{
	union message m;
	const struct clc_accept *a = &m.accept;

	decode_hex(ACCEPT_V2, &m);
	CU_ASSERT(a->type == CLC_ACCEPT && a->version == CLC_V2 && a->first_contact);
	CU_ASSERT_EQUAL(a->peer_id[0], 0xa1);
	CU_ASSERT_EQUAL(a->gid[12], 10);
	CU_ASSERT_EQUAL(a->mac[4], 10);
	CU_ASSERT_EQUAL(a->qpn, 0x12);
	CU_ASSERT_EQUAL(a->rkey, 0x1234);
	CU_ASSERT_EQUAL(a->rmbe_idx, 1);
	CU_ASSERT_EQUAL(a->token, 11);
	CU_ASSERT_EQUAL(clc_rmbe_size(a->size_code), 65536);
	CU_ASSERT_EQUAL(clc_mtu(a->mtu_code), 1024);
	CU_ASSERT_EQUAL(a->rmb_addr, 0x00007f0000010000);
	CU_ASSERT_EQUAL(a->psn, 0xabcdef);
	CU_ASSERT(memcmp(a->eid, "SMCGATE-TEST-1                  ", 32) == 0);
	CU_ASSERT(a->direct && a->os == CLC_OS_LINUX && a->release == CLC_RELEASE_V20);
	CU_ASSERT_STRING_EQUAL(a->hostname, "gw1");
	CU_ASSERT(a->max_conns == 0 && a->max_links == 0 && a->n_gids == 0);

	decode_hex(CONFIRM_V21, &m);
	CU_ASSERT(a->type == CLC_CONFIRM && a->release == CLC_RELEASE_V21);
	CU_ASSERT(a->max_conns == 16 && a->max_links == 2 && a->n_gids == 2);
	CU_ASSERT_EQUAL(a->gids[0][15], 1);
	CU_ASSERT_EQUAL(a->gids[1][0], 0xfe);
}

static void clc_decode_decline__fields(void)
{
	union message m;

	decode_hex(DECLINE_V1, &m);
	CU_ASSERT(m.decline.version == CLC_V1 && !m.decline.out_of_sync && m.decline.os == 0);
	CU_ASSERT_EQUAL(m.decline.diagnosis, SMC_RSN_NOSMCDEV);
	decode_hex(DECLINE_V2_SYNC, &m);
	CU_ASSERT(m.decline.version == CLC_V2 && m.decline.out_of_sync && m.decline.os == CLC_OS_LINUX);
	CU_ASSERT_EQUAL(m.decline.diagnosis, SMC_RSN_SYNCERR);
	CU_ASSERT_EQUAL(m.decline.further[3], 0xfffffffe);
}

/* A stream of one octet a segment, with more behind the message. */
static void clc_peek_length__octet_by_octet(void)
{
	for (size_t i = 0; i < N_VECTORS; i++) {
		octets_from_hex(vectors[i].hex, &octets);
		for (size_t have = 0; have < octets.len; have++)
			CU_ASSERT_EQUAL(clc_peek_length(octets.b, have), -EAGAIN);
		memset(octets.b + octets.len, 'x', 100);
		CU_ASSERT_EQUAL(clc_peek_length(octets.b, octets.len + 100), vectors[i].len);
	}
}

static void clc_peek_length__not_clc(void)
{
	static const struct {
		const char *hex;
		size_t refused_at;       /* octets at which it is clear */
	} cases[] = {
		{ "48545450 2f312e31", 1 },           /* an application's own protocol */
		{ "00*8", 1 },
		{ "e2 d3 c3d9 01 0034 10", 2 },
		{ "e2d4 c2 d9 01 0034 10", 3 },
		{ "e2d4c3 d8 01 0034 10", 4 },
		{ "e2d4c3d9 00 0034 10", 5 },
		{ "e2d4c3d9 05 0034 10", 5 },
		{ "e2d4c3d9 01 0034 00", 8 },         /* version 0 */
		{ "e2d4c3d9 04 001b 10", 8 },         /* shorter than any message */
		{ "e2d4c3d9 01 028d 20", 8 },         /* longer than any */
		{ "e2d4c3d9 01 ffff 20", 8 },
		{ "e2d4c3d9 01 0000 20", 8 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		octets_from_hex(cases[i].hex, &octets);
		for (size_t have = 0; have <= octets.len; have++)
			CU_ASSERT_EQUAL(clc_peek_length(octets.b, have),
					have < cases[i].refused_at ? -EAGAIN : -EPROTO);
	}
}

static void
set_length(struct octets *o, size_t len)
{
	if (len > o->len)
		memset(o->b + o->len, 0, len - o->len);
	o->len = len;
	o->b[5] = (uint8_t)(len >> 8);
	o->b[6] = (uint8_t)len;
}

/* Every length but the right one, the trailer at its end, is refused. */
static void clc_decode__every_other_length(void)
{
	union message m;

	for (size_t i = 0; i < N_VECTORS; i++) {
		for (size_t len = 8; len <= CLC_MAX_LEN + 8; len++) {
			if (len == vectors[i].len)
				continue;
			octets_from_hex(vectors[i].hex, &octets);
			set_length(&octets, len);
			memcpy(octets.b + len - 4, "\xe2\xd4\xc3\xd9", 4);
			if (decode(octets.b, len, vectors[i].type, &m) != -EPROTO)
				CU_FAIL(vectors[i].name);
		}
		/* What was received and what the header says differ. */
		octets_from_hex(vectors[i].hex, &octets);
		CU_ASSERT_EQUAL(decode(octets.b, octets.len - 1, vectors[i].type, &m), -EPROTO);
		octets.b[octets.len] = 0;
		CU_ASSERT_EQUAL(decode(octets.b, octets.len + 1, vectors[i].type, &m), -EPROTO);
		CU_ASSERT_EQUAL(decode(octets.b, 0, vectors[i].type, &m), -EPROTO);
	}
}

/* Each octet with each value, from memory of exactly that size: what decodes
 * and can be sent encodes to something that decodes to the same. */
static void clc_decode__every_octet_changed(void)
{
	uint8_t first[CLC_MAX_LEN], second[CLC_MAX_LEN];
	union message m, again;

	for (size_t i = 0; i < N_VECTORS; i++) {
		uint8_t type = vectors[i].type;

		octets_from_hex(vectors[i].hex, &octets);
		for (size_t at = 0; at < octets.len; at++) {
			uint8_t was = octets.b[at];

			for (unsigned value = 0; value < 256; value++) {
				int len = -1;

				octets.b[at] = (uint8_t)value;
				if (decode(octets.b, octets.len, type, &m) == 0)
					len = encode(&m, type, first);
				if (len < 0)
					continue;
				CU_ASSERT_EQUAL_FATAL(decode(first, (size_t)len, type, &again), 0);
				CU_ASSERT_EQUAL_FATAL(encode(&again, type, second), len);
				CU_ASSERT_EQUAL_FATAL(memcmp(first, second, (size_t)len), 0);
			}
			octets.b[at] = was;
		}
	}
}

/* One or two octets changed from a good message. */
static void clc_decode__out_of_bounds(void)
{
	static const struct {
		const char *name, *hex;
		size_t at;
		int high, low;          /* high: -1 leaves the octet before */
	} cases[] = {
		{ "IP area offset 41", PROPOSAL_V1, 39, 0, 41 },
		{ "IP area offset 65535", PROPOSAL_V1, 39, 0xff, 0xff },
		{ "IP area offset 1", PROPOSAL_RFC, 39, 0, 1 },
		{ "IP area offset 32 in version 1", PROPOSAL_RFC, 39, 0, 32 },
		{ "IPv6 count 9", PROPOSAL_V1, 87, -1, 9 },
		{ "IPv6 count 255", PROPOSAL_V1, 87, -1, 255 },
		{ "IPv6 count 1 without prefix", PROPOSAL_V1, 87, -1, 1 },
		{ "IPv4 prefix length 33", PROPOSAL_V1, 84, -1, 33 },
		{ "IPv6 prefix length 129", PROPOSAL_RFC_IPV6, 64, -1, 129 },
		{ "version 2 extension missing", PROPOSAL_V2, 51, 0, 0 },
		{ "version 2 extension at 173", PROPOSAL_V2, 51, 0, 173 },
		{ "version 2 extension at 172, outside", PROPOSAL_V2, 51, 0, 172 },
		{ "version 2 extension at 65535", PROPOSAL_V2, 51, 0xff, 0xff },
		{ "version 2 extension one too far", PROPOSAL_V2, 51, 0, 0x1d },
		{ "EID count 0", PROPOSAL_V2, 80, -1, 0 },
		{ "EID count 2", PROPOSAL_V2, 80, -1, 2 },
		{ "EID count 9", PROPOSAL_V2, 80, -1, 9 },
		{ "EID count 255", PROPOSAL_V2, 80, -1, 255 },
		{ "ISM count 9", PROPOSAL_V2, 81, -1, 9 },
		{ "ISM count 9 with SMC-D", PROPOSAL_SMCD, 89, -1, 9 },
		{ "ISM count 3 with SMC-D", PROPOSAL_SMCD, 89, -1, 3 },
		{ "SMC-D extension at 289", PROPOSAL_V2, 87, 1, 33 },
		{ "SMC-D extension at 289, offered", PROPOSAL_SMCD, 95, 1, 33 },
		{ "SMC-D extension at 288, outside", PROPOSAL_SMCD, 95, 1, 32 },
		{ "SMC-D extension missing", PROPOSAL_SMCD, 95, 0, 0 },
		{ "no path in version 1", PROPOSAL_RFC, 7, -1, 0x12 },
		{ "path of version 1 without its area", PROPOSAL_V2, 7, -1, 0x20 },
		{ "path of version 2 without its extension", PROPOSAL_V1, 7, -1, 0x20 },
		{ "proposal, trailer", PROPOSAL_V2, 155, -1, 0xd8 },
		{ "accept, trailer", ACCEPT_V2, 156, -1, 0 },
		{ "accept v1, trailer", ACCEPT_V1, 67, -1, 0xd5 },
		{ "accept by SMC-D", ACCEPT_V2, 7, -1, 0x29 },
		{ "accept by no path", ACCEPT_V2, 7, -1, 0x2a },
		{ "accept, version 3", ACCEPT_V2, 7, -1, 0x38 },
		{ "accept, version 1 with the length of 2", ACCEPT_V2, 7, -1, 0x18 },
		{ "accept, reuse with the length of first contact", ACCEPT_V2, 7, -1, 0x20 },
		{ "accept, first contact with the length of reuse", ACCEPT_REUSE, 7, -1, 0x28 },
		{ "accept, MTU code 0", ACCEPT_V2, 50, -1, 0x20 },
		{ "accept, MTU code 6", ACCEPT_V2, 50, -1, 0x26 },
		{ "accept, MTU code 15", ACCEPT_V1, 50, -1, 0x2f },
		{ "accept, element 0", ACCEPT_V2, 45, -1, 0 },
		{ "accept, token 0", ACCEPT_V2, 49, -1, 0 },
		{ "accept, queue pair 0", ACCEPT_V2, 40, -1, 0 },
		{ "confirm, no GID but one there", CONFIRM_V2, 156, -1, 0 },
		{ "confirm, two GIDs", CONFIRM_V2, 156, -1, 2 },
		{ "confirm, 9 GIDs", CONFIRM_V2, 156, -1, 9 },
		{ "confirm, 255 GIDs", CONFIRM_V2, 156, -1, 255 },
		{ "decline, version 1 with the length of 2", DECLINE_V2, 7, -1, 0x10 },
		{ "decline, version 2 with the length of 1", DECLINE_V1, 7, -1, 0x20 },
	};
	union message m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		octets_from_hex(cases[i].hex, &octets);
		CU_ASSERT_EQUAL_FATAL(decode(octets.b, octets.len, octets.b[4], &m), 0);
		if (cases[i].high >= 0)
			octets.b[cases[i].at - 1] = (uint8_t)cases[i].high;
		octets.b[cases[i].at] = (uint8_t)cases[i].low;
		if (decode(octets.b, octets.len, octets.b[4], &m) != -EPROTO)
			CU_FAIL(cases[i].name);
	}
}

/* The RMB's last element may end where 64 bits end, no further. */
static void clc_decode_accept__rmb_at_the_end_of_memory(void)
{
	union message m;

	octets_from_hex(ACCEPT_V1, &octets);
	memset(octets.b + 52, 0xff, 8);
	CU_ASSERT_EQUAL(decode(octets.b, octets.len, CLC_ACCEPT, &m), -EPROTO);
	octets.b[58] = octets.b[59] = 0;
	octets.b[57] = 0xfe;
	CU_ASSERT_EQUAL(decode(octets.b, octets.len, CLC_ACCEPT, &m), 0);
	octets.b[45] = 255;
	CU_ASSERT_EQUAL(decode(octets.b, octets.len, CLC_ACCEPT, &m), -EPROTO);
}

static void clc_decode__eyecatchers(void)
{
	static const struct {
		const char *hex;
		int rc;
	} cases[] = {
		{ EYE_D "01 0034 10" PEER GID6 MAC "0000 " "0a000000 18 0000 00" EYE_D, 0 },
		{ EYE "01 0034 10" PEER GID6 MAC "0000 " "0a000000 18 0000 00" EYE_D, 0 },
		{ EYE_D "02 006c 20" ACCEPT_BODY EID1 "00*8 " EYE, 0 },
		{ EYE_D "04 001c 10" PEER "03030000 00000000" EYE_D, 0 },
		{ EYE "04 001c 10" PEER "03030000 00000000" "00000000", 0 }, /* not looked at in a DECLINE */
		{ EYE "02 006c 20" ACCEPT_BODY EID1 "00*8 " "e2d4c3d8", -EPROTO },
		{ "e2d4c3c5 02 006c 20" ACCEPT_BODY EID1 "00*8 " EYE, -EPROTO },
	};
	union message m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		octets_from_hex(cases[i].hex, &octets);
		CU_ASSERT_EQUAL(decode(octets.b, octets.len, octets.b[4], &m), cases[i].rc);
	}
}

static void clc_decode__another_type(void)
{
	union message m;

	for (size_t i = 0; i < N_VECTORS; i++) {
		octets_from_hex(vectors[i].hex, &octets);
		for (uint8_t type = CLC_PROPOSAL; type <= CLC_DECLINE; type++) {
			bool same = type == vectors[i].type || (type == CLC_ACCEPT && vectors[i].type == CLC_CONFIRM) ||
				    (type == CLC_CONFIRM && vectors[i].type == CLC_ACCEPT);

			CU_ASSERT_EQUAL(decode(octets.b, octets.len, type, &m), same ? 0 : -EINVAL);
		}
	}
}

/* As long as a message can be: 8 prefixes, 8 EIDs, 8 SMC-D devices. */
static void clc_decode_proposal__longest(void)
{
	union message m;

	octets_from_hex(EYE "01 028c 2f " PEER GID6 MAC "0028 " "00*10 00ac 00*28 " "00000000 00 0000 08 " "00*136 "
			"08 08 00 01 0000 0120 " GID4 "00*16 " "41*256 " "49*32 00*16 " "00*80 " EYE, &octets);
	CU_ASSERT_EQUAL_FATAL(octets.len, CLC_MAX_LEN);
	CU_ASSERT_EQUAL(clc_peek_length(octets.b, octets.len), CLC_MAX_LEN);
	CU_ASSERT_EQUAL_FATAL(decode(octets.b, octets.len, CLC_PROPOSAL, &m), 0);
	CU_ASSERT(m.proposal.n_prefixes6 == 8 && m.proposal.n_eids == 8 && m.proposal.n_ism == 8);
	CU_ASSERT_EQUAL(m.proposal.eids[7][31], 'A');
}

/* A version to come is read as 2. */
static void clc_decode_proposal__version_to_come(void)
{
	union message m;

	octets_from_hex(PROPOSAL_V2, &octets);
	octets.b[7] = 0x32;
	CU_ASSERT_EQUAL(decode(octets.b, octets.len, CLC_PROPOSAL, &m), 0);
	CU_ASSERT(m.proposal.version == CLC_V2 && m.proposal.v2 && !m.proposal.v1);
}

/* In any number of prefixes and EIDs, the lengths and the first octets of each form. */
static void clc_encode_proposal__lengths(void)
{
	static const struct {
		uint8_t version;
		bool v1, v2, area;
		int base;
		uint8_t flags;
	} forms[] = {
		{ CLC_V1, true, false, false, 52, 0x10 },
		{ CLC_V1, true, false, true, 92, 0x10 },
		{ CLC_V2, true, false, true, 92, 0x28 },
		{ CLC_V2, true, true, true, 132, 0x20 },
		{ CLC_V2, false, true, true, 124, 0x22 },
	};
	uint8_t buf[CLC_MAX_LEN];
	union message m;

	for (unsigned i = 0; i < 5 * 9 * 9; i++) {
		unsigned f = i / 81, n = i / 9 % 9, e = i % 9;
		struct clc_proposal p = {
			.version = forms[f].version, .v1 = forms[f].v1, .v2 = forms[f].v2,
			.smcd_area = forms[f].area, .n_prefixes6 = (uint8_t)n, .n_eids = (uint8_t)e,
		};
		unsigned len = forms[f].base + (p.v1 ? 17 * n : 0) + (p.v2 ? 32 * e : 0);

		CU_ASSERT_EQUAL(clc_encode_proposal(&p, buf), len);
		CU_ASSERT_EQUAL(buf[7], forms[f].flags);
		CU_ASSERT_EQUAL(clc_peek_length(buf, len), len);
		CU_ASSERT_EQUAL_FATAL(decode(buf, len, CLC_PROPOSAL, &m), 0);
		CU_ASSERT_EQUAL(m.proposal.n_prefixes6, p.v1 ? n : 0);
		CU_ASSERT_EQUAL(m.proposal.n_eids, p.v2 ? e : 0);
		CU_ASSERT(m.proposal.v1 == p.v1 && m.proposal.v2 == p.v2);
	}
}

static void clc_encode_accept__lengths(void)
{
	static const struct {
		uint8_t type, version;
		bool first;
		uint8_t n_gids;
		int len;
		uint8_t flags;
	} forms[] = {
		{ CLC_ACCEPT, CLC_V1, true, 0, 68, 0x18 },   { CLC_ACCEPT, CLC_V1, false, 0, 68, 0x10 },
		{ CLC_CONFIRM, CLC_V1, true, 0, 68, 0x18 },  { CLC_CONFIRM, CLC_V1, false, 0, 68, 0x10 },
		{ CLC_ACCEPT, CLC_V2, true, 0, 160, 0x28 },  { CLC_ACCEPT, CLC_V2, false, 0, 108, 0x20 },
		{ CLC_CONFIRM, CLC_V2, false, 0, 108, 0x20 }, { CLC_CONFIRM, CLC_V2, true, 0, 164, 0x28 },
		{ CLC_CONFIRM, CLC_V2, true, 1, 180, 0x28 }, { CLC_CONFIRM, CLC_V2, true, 2, 196, 0x28 },
		{ CLC_CONFIRM, CLC_V2, true, 8, 292, 0x28 },
	};
	uint8_t buf[CLC_ACCEPT_MAX_LEN];
	union message m;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct clc_accept a = {
			.type = forms[i].type, .version = forms[i].version, .first_contact = forms[i].first,
			.n_gids = forms[i].n_gids, .qpn = 2, .rmbe_idx = 1, .token = 1, .mtu_code = 3,
		};

		CU_ASSERT_EQUAL(clc_encode_accept(&a, buf), forms[i].len);
		CU_ASSERT_EQUAL(buf[7], forms[i].flags);
		CU_ASSERT(memcmp(buf + forms[i].len - 4, "\xe2\xd4\xc3\xd9", 4) == 0);
		CU_ASSERT_EQUAL(decode(buf, (size_t)forms[i].len, forms[i].type, &m), 0);
		CU_ASSERT_EQUAL(m.accept.first_contact, forms[i].first);
		CU_ASSERT_EQUAL(m.accept.n_gids, forms[i].n_gids);
	}
}

/* The greatest of everything, there and back. */
static void clc_encode__greatest_values(void)
{
	static const struct clc_accept a = {
		.type = CLC_CONFIRM, .version = CLC_V2, .first_contact = true, .qpn = 0xffffff, .rkey = UINT32_MAX,
		.rmbe_idx = 255, .token = UINT32_MAX, .size_code = 15, .mtu_code = 5, .rmb_addr = UINT64_C(1) << 63,
		.psn = 0xffffff, .os = 15, .release = 15, .hostname = "abcdefghijklmnopqrstuvwxyz012345",
		.max_conns = 255, .max_links = 255, .features = 0xffff, .n_gids = 8, .gids[7] = { 1, 2 },
	};
	static const struct clc_proposal p = {
		.version = CLC_V2, .v1 = true, .v2 = true, .smcd_area = true, .subnet4 = UINT32_MAX, .prefix4_len = 32,
		.n_prefixes6 = 8, .prefixes6[7] = { { 1 }, 128 }, .release = 15, .n_eids = 8, .eids[7] = "EID",
		.max_conns = 255, .max_links = 255, .features = 0xffff,
	};
	uint8_t buf[CLC_MAX_LEN];
	union message m;
	int len;

	len = clc_encode_accept(&a, buf);
	CU_ASSERT_EQUAL_FATAL(len, CLC_ACCEPT_MAX_LEN);
	CU_ASSERT_EQUAL_FATAL(decode(buf, (size_t)len, CLC_CONFIRM, &m), 0);
	CU_ASSERT(m.accept.qpn == a.qpn && m.accept.rkey == a.rkey && m.accept.rmbe_idx == a.rmbe_idx);
	CU_ASSERT(m.accept.token == a.token && m.accept.size_code == 15 && m.accept.mtu_code == 5);
	CU_ASSERT(m.accept.rmb_addr == a.rmb_addr && m.accept.psn == a.psn && m.accept.os == 15);
	CU_ASSERT(m.accept.release == 15 && m.accept.features == 0xffff && m.accept.gids[7][1] == 2);
	CU_ASSERT_STRING_EQUAL(m.accept.hostname, a.hostname);

	len = clc_encode_proposal(&p, buf);
	CU_ASSERT_EQUAL_FATAL(len, 132 + 8 * 17 + 8 * 32);
	CU_ASSERT_EQUAL_FATAL(decode(buf, (size_t)len, CLC_PROPOSAL, &m), 0);
	CU_ASSERT(m.proposal.subnet4 == UINT32_MAX && m.proposal.prefix4_len == 32);
	CU_ASSERT(m.proposal.prefixes6[7].addr[0] == 1 && m.proposal.prefixes6[7].len == 128);
	CU_ASSERT(m.proposal.release == 15 && m.proposal.eids[7][2] == 'D' && m.proposal.features == 0xffff);
}

static void clc_encode_accept__out_of_range(void)
{
	uint8_t buf[CLC_ACCEPT_MAX_LEN];
	union message good, m;

	decode_hex(CONFIRM_V21, &good);
	CU_ASSERT_EQUAL(clc_encode_accept(&good.accept, buf), 196);
#define REFUSED(field, value) \
	m = good; \
	m.accept.field = value; \
	CU_ASSERT_EQUAL(clc_encode_accept(&m.accept, buf), -EINVAL)
	REFUSED(type, CLC_DECLINE);
	REFUSED(version, 0);
	REFUSED(version, 3);
	REFUSED(qpn, 0);
	REFUSED(qpn, 0x1000000);
	REFUSED(psn, 0x1000000);
	REFUSED(token, 0);
	REFUSED(rmbe_idx, 0);
	REFUSED(size_code, 16);
	REFUSED(mtu_code, 0);
	REFUSED(mtu_code, 6);
	REFUSED(rmb_addr, UINT64_MAX);
	REFUSED(os, 16);
	REFUSED(release, 16);
	REFUSED(n_gids, 9);
#undef REFUSED
}

static void clc_encode_proposal__out_of_range(void)
{
	uint8_t buf[CLC_MAX_LEN];
	union message good, m;

	decode_hex(PROPOSAL_BOTH, &good);
	good.proposal.n_prefixes6 = 1;
	CU_ASSERT_EQUAL(clc_encode_proposal(&good.proposal, buf), 164 + 17);
#define REFUSED(field, value) \
	m = good; \
	m.proposal.field = value; \
	CU_ASSERT_EQUAL(clc_encode_proposal(&m.proposal, buf), -EINVAL)
	REFUSED(version, 0);
	REFUSED(version, 3);
	REFUSED(version, CLC_V1);      /* which has no v2 */
	REFUSED(smcd_v1, true);
	REFUSED(smcd_v2, true);
	REFUSED(n_ism, 1);
	REFUSED(seid_valid, true);
	REFUSED(prefix4_len, 33);
	REFUSED(prefixes6[0].len, 129);
	REFUSED(n_prefixes6, 9);
	REFUSED(n_eids, 9);
	REFUSED(release, 16);
#undef REFUSED
	m = good;
	m.proposal.v1 = m.proposal.v2 = false;
	CU_ASSERT_EQUAL(clc_encode_proposal(&m.proposal, buf), -EINVAL);
}

static void clc_encode_decline__out_of_range(void)
{
	uint8_t buf[CLC_DECLINE_MAX_LEN];
	struct clc_decline d = { .version = CLC_V2, .diagnosis = SMC_RSN_MEM, .os = CLC_OS_LINUX };

	CU_ASSERT_EQUAL(clc_encode_decline(&d, buf), 44);
	d.version = CLC_V1;
	CU_ASSERT_EQUAL(clc_encode_decline(&d, buf), 28);
	CU_ASSERT_EQUAL(buf[20], 0);
	d.version = 0;
	CU_ASSERT_EQUAL(clc_encode_decline(&d, buf), -EINVAL);
	d.version = CLC_V2;
	d.os = 16;
	CU_ASSERT_EQUAL(clc_encode_decline(&d, buf), -EINVAL);
}

/* Names of peers go to consoles and logs. */
static void clc_decode_accept__hostname_is_printable(void)
{
	static const struct {
		const char *wire, *text;
	} cases[] = {
		{ "67773120202020", "gw1" },
		{ "1b5b326a 0a 7f ff", "?[2j???" },
		{ "61 20 62 00 63", "a b" },
		{ "00", "" },
		{ "20*32", "" },
		{ "61*32", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	};
	static struct octets name;
	union message m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		octets_from_hex(ACCEPT_V2, &octets);
		octets_from_hex(cases[i].wire, &name);
		memset(octets.b + 108, ' ', 32);
		memcpy(octets.b + 108, name.b, name.len);
		CU_ASSERT_EQUAL_FATAL(decode(octets.b, octets.len, CLC_ACCEPT, &m), 0);
		CU_ASSERT_STRING_EQUAL(m.accept.hostname, cases[i].text);
	}
}

static void clc_eid_from_text__what_is_allowed(void)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "A", 0 }, { "9", 0 }, { "SMCGATE-TEST.1", 0 }, { "A-.-", 0 },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", 0 },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456", -EINVAL },
		{ "", -EINVAL }, { "a", -EINVAL }, { "Aa", -EINVAL }, { "-A", -EINVAL }, { ".A", -EINVAL },
		{ "A B", -EINVAL }, { " A", -EINVAL }, { "A_B", -EINVAL }, { "A\n", -EINVAL }, { "\xc4", -EINVAL },
	};
	uint8_t eid[CLC_EID_LEN];
	char text[CLC_EID_LEN + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_EQUAL(clc_eid_from_text(cases[i].text, eid), cases[i].rc);
		if (cases[i].rc != 0)
			continue;
		clc_eid_text(eid, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].text);
	}
	CU_ASSERT_EQUAL(clc_eid_from_text("AB", eid), 0);
	CU_ASSERT(eid[2] == ' ' && eid[31] == ' ');
}

static void clc_mtu_code__steps(void)
{
	static const struct {
		uint32_t mtu;
		uint8_t code;
	} cases[] = {
		{ 0, 0 }, { 255, 0 }, { 256, 1 }, { 511, 1 }, { 512, 2 }, { 1024, 3 }, { 2047, 3 }, { 2048, 4 },
		{ 4095, 4 }, { 4096, 5 }, { 9000, 5 }, { UINT32_MAX, 5 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(clc_mtu_code(cases[i].mtu), cases[i].code);
	CU_ASSERT_EQUAL(clc_mtu(0), 0);
	CU_ASSERT_EQUAL(clc_mtu(6), 0);
	CU_ASSERT_EQUAL(clc_mtu(255), 0);
	CU_ASSERT_EQUAL(clc_rmbe_code(16384), 0);
	CU_ASSERT_EQUAL(clc_rmbe_code(4 << 20), 8);
	CU_ASSERT_EQUAL(clc_rmbe_code(512 << 20), 15);
	CU_ASSERT_EQUAL(clc_rmbe_code(16383), -EINVAL);
	CU_ASSERT_EQUAL(clc_rmbe_code(0), -EINVAL);
	CU_ASSERT_EQUAL(clc_rmbe_code(UINT64_C(1) << 30), -EINVAL);
}

static const struct test_case cases[] = {
	TEST_CASE(clc_decode__vectors_return_to_the_same_octets),
	TEST_CASE(clc_decode_proposal__fields_v2_only),
	TEST_CASE(clc_decode_proposal__fields_v1),
	TEST_CASE(clc_decode_proposal__smcd_is_seen),
	TEST_CASE(clc_decode_proposal__longest),
	TEST_CASE(clc_decode_proposal__version_to_come),
	TEST_CASE(clc_decode_accept__fields),
	TEST_CASE(clc_decode_decline__fields),
	TEST_CASE(clc_peek_length__octet_by_octet),
	TEST_CASE(clc_peek_length__not_clc),
	TEST_CASE(clc_decode__every_other_length),
	TEST_CASE(clc_decode__every_octet_changed),
	TEST_CASE(clc_decode__out_of_bounds),
	TEST_CASE(clc_decode_accept__rmb_at_the_end_of_memory),
	TEST_CASE(clc_decode__eyecatchers),
	TEST_CASE(clc_decode__another_type),
	TEST_CASE(clc_encode_proposal__lengths),
	TEST_CASE(clc_encode_accept__lengths),
	TEST_CASE(clc_encode__greatest_values),
	TEST_CASE(clc_encode_accept__out_of_range),
	TEST_CASE(clc_encode_proposal__out_of_range),
	TEST_CASE(clc_encode_decline__out_of_range),
	TEST_CASE(clc_decode_accept__hostname_is_printable),
	TEST_CASE(clc_eid_from_text__what_is_allowed),
	TEST_CASE(clc_mtu_code__steps),
};
TEST_MAIN("clc", cases)
