/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The octets of SMC-R on the wire (RFC 7609, SMC v2 specification). But for
 * SMC_TCP_OPT used inside the codecs only: all others see host structs.
 * Everything is big-endian and unaligned.
 */
#ifndef SMC_WIRE_H
#define SMC_WIRE_H

#include <assert.h>
#include <stdint.h>

#include <rte_byteorder.h>

/* TCP option of SYN and SYN-ACK: experimental kind, length, "SMCR" in EBCDIC. */
#define SMC_TCP_OPT 0xfe, 0x06, 0xe2, 0xd4, 0xc3, 0xd9
#define SMC_TCP_OPT_LEN 6

#define WIRE __attribute__((packed))

#define SMC_EYE_R 0xe2d4c3d9u   /* "SMCR" in EBCDIC */
#define SMC_EYE_D 0xe2d4c3c4u   /* "SMCD": as good, in any message */

/* ---- CLC ---- */

/* typev1 and typev2 of a proposal, path of an accept */
enum clc_path { CLC_PATH_R = 0, CLC_PATH_D = 1, CLC_PATH_NONE = 2, CLC_PATH_BOTH = 3 };

#define CLC_FLAG_VERSION(f) ((f) >> 4)
#define CLC_FLAG_TYPEV2(f) (((f) >> 2) & 3)
#define CLC_FLAG_TYPEV1(f) ((f) & 3)
#define CLC_FLAG_FIRST_CONTACT 0x08
#define CLC_FLAG_OUT_OF_SYNC 0x08

struct clc_wire_hdr {
	rte_be32_t eye;
	uint8_t type;
	rte_be16_t len;                 /* whole message */
	uint8_t flags;
} WIRE;
static_assert(sizeof(struct clc_wire_hdr) == 8, "CLC header");

struct clc_wire_proposal {
	struct clc_wire_hdr hdr;
	uint8_t peer_id[8];
	uint8_t gid[16];
	uint8_t mac[6];
	rte_be16_t iparea_offset;       /* from the end of this */
} WIRE;
static_assert(sizeof(struct clc_wire_proposal) == 40, "PROPOSAL, fixed part");

struct clc_wire_smcd_area {
	uint8_t ism_gid[8];
	rte_be16_t ism_chid;
	rte_be16_t v2_ext_offset;       /* from the end of this field */
	uint8_t vendor[8];
	uint8_t reserved[20];
} WIRE;
static_assert(sizeof(struct clc_wire_smcd_area) == 40, "PROPOSAL, area for SMC-D and version 2");
#define CLC_V2_EXT_BASE 52              /* what v2_ext_offset counts from */
#define CLC_MAX_IPAREA_OFFSET 40
#define CLC_MAX_V2_EXT_OFFSET 172
#define CLC_MAX_SMCD_V2_OFFSET 288

struct clc_wire_ip_area {
	rte_be32_t subnet4;
	uint8_t prefix4_len;
	uint8_t reserved[2];
	uint8_t n_prefixes6;
} WIRE;
static_assert(sizeof(struct clc_wire_ip_area) == 8, "PROPOSAL, IP area");

struct clc_wire_prefix6 {
	uint8_t addr[16];
	uint8_t len;
} WIRE;
static_assert(sizeof(struct clc_wire_prefix6) == 17, "PROPOSAL, IPv6 prefix");

struct clc_wire_v2_ext {
	uint8_t n_eids;
	uint8_t n_ism;
	uint8_t reserved1;
	uint8_t release;                /* bits 7-4 release, bit 0 system EID valid */
	uint8_t reserved2[2];
	rte_be16_t smcd_v2_offset;      /* from the end of this field */
	uint8_t gid[16];
	uint8_t max_conns;
	uint8_t max_links;
	rte_be16_t features;
	uint8_t reserved3[12];
} WIRE;
static_assert(sizeof(struct clc_wire_v2_ext) == 40, "PROPOSAL, version 2 extension");
#define CLC_SMCD_V2_BASE 8              /* in the extension: what smcd_v2_offset counts from */

#define CLC_SMCD_V2_LEN 48              /* system EID and reserved, before the devices */
#define CLC_ISM_LEN 10

struct clc_wire_accept {
	struct clc_wire_hdr hdr;
	uint8_t peer_id[8];
	uint8_t gid[16];
	uint8_t mac[6];
	uint8_t qpn[3];
	rte_be32_t rkey;
	uint8_t rmbe_idx;
	rte_be32_t token;
	uint8_t size_mtu;               /* bits 7-4 size code, 3-0 MTU code */
	uint8_t reserved1;
	rte_be64_t rmb_addr;
	uint8_t reserved2;
	uint8_t psn[3];
} WIRE;
static_assert(sizeof(struct clc_wire_accept) == 64, "ACCEPT and CONFIRM, version 1");

struct clc_wire_accept_v2 {
	struct clc_wire_accept v1;
	uint8_t eid[32];
	uint8_t reserved[8];
} WIRE;
static_assert(sizeof(struct clc_wire_accept_v2) == 104, "ACCEPT and CONFIRM, version 2");

struct clc_wire_first_contact {
	uint8_t direct;                 /* bit 7 */
	uint8_t os_release;             /* bits 7-4 OS, 3-0 release */
	uint8_t reserved1[2];
	uint8_t hostname[32];
	uint8_t max_conns;
	uint8_t max_links;
	rte_be16_t features;
	uint8_t vendor[4];
	uint8_t reserved2[8];
} WIRE;
static_assert(sizeof(struct clc_wire_first_contact) == 52, "first contact extension");

struct clc_wire_gids {
	uint8_t n;
	uint8_t reserved[3];
} WIRE;
static_assert(sizeof(struct clc_wire_gids) == 4, "first contact extension, GID list");

struct clc_wire_decline {
	struct clc_wire_hdr hdr;
	uint8_t peer_id[8];
	rte_be32_t diagnosis;
	uint8_t os;                     /* bits 7-4 */
	uint8_t reserved[3];
	rte_be32_t further[4];          /* version 2 only */
} WIRE;
static_assert(sizeof(struct clc_wire_decline) == 40, "DECLINE, version 2");

#define CLC_TRAILER_LEN 4

/* ---- LLC ---- */

#define LLC_V2_TYPE 0x20
#define LLC_FLAG_RESP 0x80
#define LLC_FLAG_REJECT 0x40    /* ADD LINK */
#define LLC_FLAG_ALL 0x40       /* DELETE LINK */
#define LLC_FLAG_ORDERLY 0x20
#define LLC_FLAG_NEGATIVE 0x20  /* CONFIRM RKEY, DELETE RKEY */
#define LLC_FLAG_RETRY 0x10
#define LLC_FLAG_NO_EYECATCHER 0x03

struct llc_wire_hdr {
	uint8_t type;
	uint8_t len[2];                 /* v1: length, reject reason; v2: length */
	uint8_t flags;
} WIRE;
static_assert(sizeof(struct llc_wire_hdr) == 4, "LLC header");

struct llc_wire_confirm_link {
	struct llc_wire_hdr hdr;
	uint8_t mac[6];
	uint8_t gid[16];
	uint8_t qpn[3];
	uint8_t link_id;
	rte_be32_t link_uid;
	uint8_t max_links;
	uint8_t max_conns;
	uint8_t reserved[8];
} WIRE;
static_assert(sizeof(struct llc_wire_confirm_link) == 44, "CONFIRM LINK");

struct llc_wire_add_link {
	struct llc_wire_hdr hdr;
	uint8_t mac[6];
	uint8_t reserved1[2];
	uint8_t gid[16];
	uint8_t qpn[3];
	uint8_t link_id;
	uint8_t mtu;                    /* bits 3-0 */
	uint8_t psn[3];
	uint8_t reserved2[8];
} WIRE;
static_assert(sizeof(struct llc_wire_add_link) == 44, "ADD LINK");

struct llc_wire_add_link_ext {
	uint8_t direct;                 /* bit 7 */
	uint8_t reserved1;
	uint8_t target_gid[16];
	uint8_t reserved2[8];
	uint8_t n_keys[2];              /* in whose order is to be found out */
} WIRE;
static_assert(sizeof(struct llc_wire_add_link_ext) == 28, "ADD LINK, version 2 extension");

struct llc_wire_key {
	rte_be32_t rkey;
	rte_be32_t new_rkey;
	rte_be64_t new_addr;
} WIRE;
static_assert(sizeof(struct llc_wire_key) == 16, "key on an old and a new link");

struct llc_wire_add_link_cont {
	struct llc_wire_hdr hdr;
	uint8_t link_id;
	uint8_t n_left;
	uint8_t reserved1[2];
	struct llc_wire_key keys[2];
	uint8_t reserved2[4];
} WIRE;
static_assert(sizeof(struct llc_wire_add_link_cont) == 44, "ADD LINK CONT");

struct llc_wire_delete_link {
	struct llc_wire_hdr hdr;
	uint8_t link_id;
	rte_be32_t reason;
	uint8_t reserved[35];
} WIRE;
static_assert(sizeof(struct llc_wire_delete_link) == 44, "DELETE LINK");

struct llc_wire_req_add_link {
	struct llc_wire_hdr hdr;
	uint8_t reserved1[20];
	uint8_t n_gids;
	uint8_t reserved2[3];
} WIRE;
static_assert(sizeof(struct llc_wire_req_add_link) == 28, "REQUEST ADD LINK, before its GIDs");

struct llc_wire_link_key {
	uint8_t link_id;
	rte_be32_t rkey;
	rte_be64_t addr;
} WIRE;
static_assert(sizeof(struct llc_wire_link_key) == 13, "key on another link");

struct llc_wire_confirm_rkey {
	struct llc_wire_hdr hdr;
	struct llc_wire_link_key here;  /* link_id is the number of others */
	struct llc_wire_link_key other[2];
	uint8_t reserved;
} WIRE;
static_assert(sizeof(struct llc_wire_confirm_rkey) == 44, "CONFIRM RKEY");

struct llc_wire_delete_rkey {
	struct llc_wire_hdr hdr;
	uint8_t n_keys;
	uint8_t err;
	uint8_t reserved[2];
	rte_be32_t rkeys[8];
	uint8_t reserved2[4];           /* v2: more keys, past the end of this */
} WIRE;
static_assert(sizeof(struct llc_wire_delete_rkey) == 44, "DELETE RKEY");
#define LLC_DELETE_RKEY_HEAD 8

/* ---- CDC ---- */

struct cdc_wire_cursor {
	uint8_t reserved[2];
	rte_be16_t wrap;
	rte_be32_t count;
} WIRE;

struct cdc_wire_msg {
	uint8_t type;
	uint8_t len;
	rte_be16_t seq;
	rte_be32_t token;
	struct cdc_wire_cursor prod;
	struct cdc_wire_cursor cons;
	uint8_t prod_flags;
	uint8_t conn_flags;
	uint8_t reserved[18];
} WIRE;
static_assert(sizeof(struct cdc_wire_msg) == 44, "CDC");

#undef WIRE

#endif
