/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection Layer Control: the messages by which two hosts agree over a TCP
 * connection to go on with SMC-R (RFC 7609 and the SMC v2 specification).
 *
 * Pure functions between octets and the structs below: no state, no
 * allocation, no logging, any lcore. The structs are in host order and own all
 * they hold. A decode function checks every offset, count and length before it
 * uses it, and every value against its legal range; what it returns with 0 needs
 * no second check, only a decision. A field a message has no room for is zero.
 *
 * SMC-D is recognised, so that such proposals can be declined, but its values
 * are neither kept nor sent.
 */
#ifndef SMC_CLC_H
#define SMC_CLC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLC_HEADER_LEN 8        /* what clc_peek_length() wants to see */
#define CLC_MAX_LEN 652         /* octets of the longest message there is, a proposal */
#define CLC_ACCEPT_MAX_LEN 292  /* a first contact CONFIRM with all its GIDs */
#define CLC_MAX_PREFIXES 8      /* IPv6 prefixes in a proposal */
#define CLC_MAX_EIDS 8
#define CLC_MAX_ISM 8           /* SMC-D devices in a proposal, only counted */
#define CLC_MAX_GIDS 8          /* in a first contact CONFIRM; Linux sends 1 or 2 */
#define CLC_EID_LEN 32
#define CLC_HOSTNAME_LEN 32
#define CLC_MIN_CONNS 16        /* bounds of what v2.1 negotiates */
#define CLC_MAX_CONNS 255
#define CLC_MAX_LINKS 2
#define CLC_RMBE_SHIFT 14       /* size = 1 << (14 + code): 16 KiB, 32 KiB, ... */
#define CLC_RMBE_CODE_MAX 15

enum clc_type { CLC_PROPOSAL = 1, CLC_ACCEPT = 2, CLC_CONFIRM = 3, CLC_DECLINE = 4 };
enum clc_version { CLC_V1 = 1, CLC_V2 = 2 };
enum clc_release { CLC_RELEASE_V20 = 0, CLC_RELEASE_V21 = 1 };
enum clc_os { CLC_OS_NONE = 0, CLC_OS_ZOS = 1, CLC_OS_LINUX = 2, CLC_OS_AIX = 3 };

/* A network of the client's interface, host bits zero. */
struct clc_prefix6 {
	uint8_t addr[16];
	uint8_t len;                    /* bits, 0..128 */
};

/*
 * PROPOSAL. What is offered says v1 and v2, never the version. A client that
 * offers v2 only leaves peer_id, gid and mac zero (Linux does), so they must
 * not be relied on unless v1 is set.
 */
struct clc_proposal {
	uint8_t version;                /* of the message: Linux says 2 always */
	bool v1, v2;                    /* SMC-R offered in that version */
	bool smcd_v1, smcd_v2;          /* SMC-D offered; must be false to encode */
	bool smcd_area;                 /* the 40 octets after the fixed part: always with version 2,
					 * never in the original form of RFC 7609 */
	uint8_t peer_id[8];
	uint8_t gid[16];                /* v1 */
	uint8_t mac[6];
	/* v1 or smcd_v1: the networks of the client's interface */
	uint32_t subnet4;               /* address and mask; 0 with IPv6 */
	uint8_t prefix4_len;            /* bits, 0..32 */
	uint8_t n_prefixes6;
	struct clc_prefix6 prefixes6[CLC_MAX_PREFIXES];
	/* v2 or smcd_v2 */
	uint8_t release;                /* enum clc_release or newer */
	uint8_t n_eids;
	uint8_t eids[CLC_MAX_EIDS][CLC_EID_LEN]; /* in the client's order of preference */
	uint8_t gid2[16];               /* RoCE v2 GID, normally ::ffff:a.b.c.d */
	uint8_t n_ism;                  /* SMC-D devices; must be 0 to encode */
	bool seid_valid;                /* SMC-D; must be false to encode */
	uint8_t max_conns, max_links;   /* per link group, as sent, unchecked; release 0: 0 */
	uint16_t features;
};

/*
 * ACCEPT and CONFIRM, which differ in type and in gids[]. A reuse message
 * (first_contact false) repeats mtu and psn as they were when the link was
 * made: they must not be applied to a running queue pair.
 */
struct clc_accept {
	uint8_t type;                   /* CLC_ACCEPT or CLC_CONFIRM */
	uint8_t version;                /* enum clc_version */
	bool first_contact;
	uint8_t peer_id[8];
	uint8_t gid[16], mac[6];        /* sender's end of the link used */
	uint32_t qpn;                   /* 24 bits, not 0 */
	uint32_t rkey;                  /* of the RMB on that link */
	uint8_t rmbe_idx;               /* 1-based: element at rmb_addr + (idx - 1) * size */
	uint32_t token;                 /* not 0; to be sent in each CDC to this sender */
	uint8_t size_code;              /* clc_rmbe_size(); 0..15 */
	uint8_t mtu_code;               /* clc_mtu(); 1..5 */
	uint64_t rmb_addr;              /* opaque; the element does not pass the end of 64 bits */
	uint32_t psn;                   /* 24 bits */
	uint8_t eid[CLC_EID_LEN];       /* v2: the one agreed on */
	/* v2 and first contact only */
	bool direct;                    /* no router between the two GIDs */
	uint8_t os;                     /* enum clc_os or unknown, 4 bits */
	uint8_t release;                /* agreed, 4 bits */
	char hostname[CLC_HOSTNAME_LEN + 1]; /* printable, terminated, blanks at the end cut off */
	uint8_t max_conns, max_links;   /* agreed, as sent, unchecked; release 0: 0 */
	uint16_t features;
	/* and in a CONFIRM: RoCE v2 GIDs of the client, the one in use first */
	uint8_t n_gids;
	uint8_t gids[CLC_MAX_GIDS][16];
};

/* DECLINE: the TCP connection belongs to the application from the next octet on. */
struct clc_decline {
	uint8_t version;                /* enum clc_version */
	bool out_of_sync;               /* the receiver's link group is unknown to the sender */
	uint8_t peer_id[8];             /* zero if the sender has none */
	uint32_t diagnosis;             /* enum smc_reason (reason.h) or unknown */
	uint8_t os;                     /* v2 */
	uint32_t further[4];            /* v2: more codes; Linux: 0 */
};

/*
 * Is there a whole message at the front of a TCP stream? buf holds the len
 * octets read (or peeked) so far, from 0 on. Returns
 * - the message's length (> 0, <= len, <= CLC_MAX_LEN): exactly so many octets
 *   may be consumed, those behind belong to whatever comes next;
 * - -EAGAIN when more octets are needed;
 * - -EPROTO as soon as this cannot become a CLC message, if need be at the
 *   first octet (an application that answers in its own protocol).
 */
int clc_peek_length(const uint8_t *buf, size_t len);

/* enum clc_type of a message that clc_peek_length() found. */
static inline uint8_t
clc_type(const uint8_t *msg)
{
	return msg[4];
}

/*
 * Decode the message of len octets (of clc_peek_length()) at msg. Returns 0;
 * -EINVAL when it is of another type; -EPROTO when it is malformed, upon which
 * the connection is closed without a DECLINE. On error *out is undefined.
 * For ACCEPT and CONFIRM there is one function, the type is in out->type.
 */
int clc_decode_proposal(const uint8_t *msg, size_t len, struct clc_proposal *out);
int clc_decode_accept(const uint8_t *msg, size_t len, struct clc_accept *out);
int clc_decode_decline(const uint8_t *msg, size_t len, struct clc_decline *out);

/*
 * Encode into buf, which has room for the longest message of the kind. Returns
 * the length, or -EINVAL when a field is out of its range (nothing usable is in
 * buf then). Reserved octets are zero.
 */
int clc_encode_proposal(const struct clc_proposal *p, uint8_t buf[CLC_MAX_LEN]);
int clc_encode_accept(const struct clc_accept *a, uint8_t buf[CLC_ACCEPT_MAX_LEN]);
#define CLC_DECLINE_MAX_LEN 44
int clc_encode_decline(const struct clc_decline *d, uint8_t buf[CLC_DECLINE_MAX_LEN]);

/* Octets of a packet's payload for an MTU code of 1..5 (256..4096), else 0. */
static inline uint32_t
clc_mtu(uint8_t code)
{
	return code >= 1 && code <= 5 ? 128u << code : 0;
}

/* The largest MTU code whose payload fits in mtu octets, 0 if none does. */
uint8_t clc_mtu_code(uint32_t mtu);

/* Octets of an RMB element for a size code of 0..15. */
static inline uint64_t
clc_rmbe_size(uint8_t code)
{
	return UINT64_C(1) << (CLC_RMBE_SHIFT + (code & CLC_RMBE_CODE_MAX));
}

/* The size code of an element of exactly size octets, or -EINVAL. */
int clc_rmbe_code(uint64_t size);

/*
 * An enterprise ID from a person's text: 1 to 32 of A-Z 0-9 . - beginning with
 * a letter or digit, blank-padded into eid. Returns 0 or -EINVAL.
 */
int clc_eid_from_text(const char *text, uint8_t eid[CLC_EID_LEN]);
/* An EID (of a peer) as printable, terminated text, blanks at the end cut off. */
void clc_eid_text(const uint8_t eid[CLC_EID_LEN], char text[CLC_EID_LEN + 1]);

#endif
