/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link Layer Control: the messages by which two hosts manage the links and keys
 * of a link group (RFC 7609 and the SMC v2 specification), each one SEND on the
 * link's queue pair, beside CDC messages (cdc.h), told apart by the first octet.
 *
 * Pure functions between octets and struct llc_msg: no state, no allocation,
 * no logging, any lcore. The struct is in host order; lists that can be long
 * stay in the octets, see there.
 */
#ifndef SMC_LLC_H
#define SMC_LLC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LLC_LEN 44              /* octets of every v1 message and of most of v2 */
#define LLC_MAX_LEN 8192        /* of a v2 message */
#define LLC_MAX_KEYS 255        /* keys in one v2 message */
#define LLC_V1_DELETE_KEYS 8    /* keys in a v1 DELETE RKEY */
#define LLC_MAX_OTHER_LINKS 2   /* further links in a CONFIRM RKEY */
#define LLC_TEST_DATA_LEN 16

/* The low nibble of the first octet; v2 adds 0x20. */
enum llc_type {
	LLC_CONFIRM_LINK = 1,
	LLC_ADD_LINK = 2,
	LLC_ADD_LINK_CONT = 3,   /* v1 only */
	LLC_DELETE_LINK = 4,
	LLC_REQ_ADD_LINK = 5,    /* v2 only */
	LLC_CONFIRM_RKEY = 6,
	LLC_TEST_LINK = 7,
	LLC_DELETE_RKEY = 9,
};

/* Reasons of DELETE LINK, in requests, and (the last two) in responses. */
enum llc_delete_reason {
	LLC_DEL_NONE = 0,
	LLC_DEL_LOST_PATH = 0x00010000,
	LLC_DEL_OPERATOR = 0x00020000,
	LLC_DEL_PROGRAM = 0x00030000,      /* inactivity */
	LLC_DEL_PROTOCOL = 0x00040000,     /* protocol violation */
	LLC_DEL_NO_ASYMMETRIC = 0x00050000,
	LLC_DEL_UNKNOWN_LINK = 0x00100000,
	LLC_DEL_UNKNOWN_GROUP = 0x00200000,
};

/* Why an ADD LINK is rejected; v1 only, v2 has no room for it. */
enum llc_reject_reason { LLC_REJECT_NO_ALT_PATH = 1, LLC_REJECT_INVALID_MTU = 2 };

/* An RMB known by rkey on an existing link, and the same on a new link. */
struct llc_key {
	uint32_t rkey, new_rkey;
	uint64_t new_addr;
};

/* The key of an RMB on a link other than the one the message travels on. */
struct llc_link_key {
	uint8_t link_id;
	uint32_t rkey;
	uint64_t addr;
};

struct llc_confirm_link {
	uint8_t mac[6], gid[16];        /* sender's */
	uint32_t qpn;                   /* sender's, 24 bits */
	uint8_t link_id;                /* server assigns, client echoes */
	uint32_t link_uid;              /* sender's own, for people only */
	uint8_t max_links;
	uint8_t max_conns;              /* v2.1, else 0 */
	bool no_eyecatcher;             /* RMBEs begin with data; must be set or the connection is declined */
};

struct llc_add_link {
	uint8_t mac[6], gid[16];        /* sender's end of the new link */
	uint32_t qpn;                   /* 24 bits */
	uint8_t link_id;
	uint8_t mtu_code;               /* 4 bits, unchecked: 0 is a request to be rejected (or an invitation) */
	uint32_t psn;                   /* 24 bits */
	uint8_t reject_reason;          /* v1, 4 bits: enum llc_reject_reason */
	/* v2, absent from a message of 44 octets (a rejection) */
	bool extended;
	bool direct;
	uint8_t target_gid[16];
	uint16_t n_keys;                /* 0..LLC_MAX_KEYS */
	const uint8_t *keys;            /* n_keys of LLC_KEY_LEN octets: llc_key_get(), llc_key_put() */
};

struct llc_add_link_cont {
	uint8_t link_id;
	uint8_t n_left;                 /* keys still to come, those in this message included; unchecked */
	struct llc_key keys[2];         /* the first min(n_left, 2) count */
};

struct llc_delete_link {
	uint8_t link_id;                /* 0 with LLC_ALL */
	uint32_t reason;                /* enum llc_delete_reason or unknown */
};

struct llc_req_add_link {
	uint8_t n_gids;
	const uint8_t *gids;            /* n_gids of 16 octets */
};

struct llc_confirm_rkey {
	uint8_t n_other;                /* as sent: more than LLC_MAX_OTHER_LINKS is to be answered NEGATIVE */
	uint32_t rkey;                  /* on the link this travels on */
	uint64_t addr;
	struct llc_link_key other[LLC_MAX_OTHER_LINKS];
};

struct llc_delete_rkey {
	uint8_t n_keys;                 /* v1: 1..8, v2: 1..255 */
	uint8_t err;                    /* response. v1: bit 7 is the first unknown key; v2: number of unknown keys */
	uint32_t rkeys[LLC_MAX_KEYS];   /* as known to the receiver; n_keys are written by llc_decode(), 0 in a v2 response */
};

struct llc_msg {
	uint8_t type;                   /* enum llc_type */
	bool v2;
	bool resp;
	bool reject;                    /* ADD LINK response */
	bool negative, retry;           /* CONFIRM RKEY, DELETE RKEY responses */
	bool all, orderly;              /* DELETE LINK */
	union {
		struct llc_confirm_link confirm_link;
		struct llc_add_link add_link;
		struct llc_add_link_cont add_link_cont;
		struct llc_delete_link delete_link;
		struct llc_req_add_link req_add_link;
		struct llc_confirm_rkey confirm_rkey;
		uint8_t test_data[LLC_TEST_DATA_LEN];
		struct llc_delete_rkey delete_rkey;
	};
};

/*
 * Decode the len octets of one received SEND that is not CDC. Pointers in *msg
 * point into buf. Linux writes v2 lengths and key counts in the order of its
 * CPU, the specification has them big-endian; both are understood, the SEND's
 * own length decides. Returns 0; -ENOTSUP for a type unknown or unused (CONFIRM
 * RKEY CONT); -EPROTO for a message too short, too long for v1, or whose length
 * or counts do not fit. Both kinds of errors are to be counted and ignored.
 */
int llc_decode(const uint8_t *buf, size_t len, struct llc_msg *msg);

/*
 * Encode into buf of room octets. Returns the length: LLC_LEN, more for an
 * extended ADD LINK or long lists; -EINVAL for a field out of its range,
 * -ENOBUFS when room is too small. Reserved octets are zero; v2 lengths and
 * counts go out little-endian, as from Linux on x86. A DELETE RKEY response of v2 keeps
 * its count and has a zeroed list, as Linux's.
 */
int llc_encode(const struct llc_msg *msg, uint8_t *buf, size_t room);

/*
 * The response to a request: the same message with RESP set. Then set what
 * differs (negative, delete_link.reason, ...). Of REQUEST ADD LINK the contents
 * are zero; an extended ADD LINK gets no extension and no keys (set extended to accept).
 */
void llc_respond(const struct llc_msg *req, struct llc_msg *rsp);
/* The same, for ADD LINK: refused, because there is no other path. */
void llc_reject(const struct llc_msg *req, struct llc_msg *rsp);
/* The same, for CONFIRM RKEY (with RETRY, as Linux does) and DELETE RKEY: unsuccessful. For
 * DELETE RKEY err names the unknown keys, see llc_delete_rkey. */
void llc_refuse_rkey(const struct llc_msg *req, uint8_t err, struct llc_msg *rsp);

#define LLC_KEY_LEN 16
/* Entry i of add_link.keys, which the caller has found to be below n_keys. */
void llc_key_get(const uint8_t *keys, unsigned i, struct llc_key *key);
void llc_key_put(uint8_t *keys, unsigned i, const struct llc_key *key);

/* For people: "confirm link", ...; "unknown". */
const char *llc_type_name(uint8_t type);

#endif
