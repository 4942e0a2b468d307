/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a connection does not use SMC-R: the diagnosis codes of a CLC DECLINE
 * (RFC 7609 and as Linux assigns them), the codes Linux only records, and ours
 * that only we record. Codes of peers are kept whatever they are.
 */
#ifndef SMC_REASON_H
#define SMC_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(SMC_RSN_ suffix, code, short name as smcr prints it, sentence) */
#define SMC_REASONS(X) \
	X(MEM, 0x01010000, "MEMORY", "no memory for buffers or control data") \
	X(TIMEOUT_CL, 0x02010000, "TIMEOUT_CL", "no CONFIRM LINK came over RDMA in time") \
	X(TIMEOUT_AL, 0x02020000, "TIMEOUT_AL", "no ADD LINK came over RDMA in time") \
	X(CNFERR, 0x03000000, "CNF_ERR", "the IP prefix of the interface could not be found out") \
	X(PEERNOSMC, 0x03010000, "PEER_NO_SMC", "the peer did not answer the SMC option, or offered no usable path") \
	X(IPSEC, 0x03020000, "IPSEC", "the TCP connection is protected by IPsec") \
	X(NOSMCDEV, 0x03030000, "NOSMCDEV", "no usable RDMA device, or no enterprise ID in common") \
	X(NOSMCDDEV, 0x03030001, "NOSMCDDEV", "no SMC-D device") \
	X(NOSMCRDEV, 0x03030002, "NOSMCRDEV", "no RDMA device or GID that fits") \
	X(NOISM2SUPP, 0x03030003, "NOISM2SUPP", "the hardware has no ISM version 2") \
	X(NOV2EXT, 0x03030004, "NOV2EXT", "the version 2 part of the proposal is missing") \
	X(NOV2DEXT, 0x03030005, "NOV2DEXT", "the SMC-D version 2 part of the proposal is missing") \
	X(NOSEID, 0x03030006, "NOSEID", "no system enterprise ID was proposed") \
	X(NOSMCD2DEV, 0x03030007, "NOSMCD2DEV", "no SMC-D version 2 device in common") \
	X(NOUEID, 0x03030008, "NOUEID", "version 2 was proposed without an enterprise ID") \
	X(RELEASEERR, 0x03030009, "RELEASEERR", "the release confirmed is not the one agreed on") \
	X(MAXCONNERR, 0x0303000a, "MAXCONNERR", "connections per link group: below 16, or not as agreed on") \
	X(MAXLINKERR, 0x0303000b, "MAXLINKERR", "links per link group: not 1 or 2, or not as agreed on") \
	X(MODEUNSUPP, 0x03040000, "MODEUNSUPP", "the server accepted what was not proposed") \
	X(RMBE_EC, 0x03050000, "RMBE_EC", "the peer wants eyecatchers in its buffers") \
	X(OPTUNSUPP, 0x03060000, "OPTUNSUPP", "TCP fast open is in use") \
	X(DIFFPREFIX, 0x03070000, "DIFFPREFIX", "client and server are not in the same IP subnet") \
	X(GETVLANERR, 0x03080000, "GETVLANERR", "the VLAN of the interface could not be found out") \
	X(ISMVLANERR, 0x03090000, "ISMVLANERR", "the VLAN cannot be set on the ISM device") \
	X(NOACTLINK, 0x030a0000, "NOACTLINK", "the link group has no active link") \
	X(NOSRVLINK, 0x030b0000, "NOSRVLINK", "the client does not know the link the server chose") \
	X(VERSMISMAT, 0x030c0000, "VERSMISMAT", "the SMC versions do not match") \
	X(MAX_DMB, 0x030d0000, "MAX_DMB", "no more SMC-D buffers") \
	X(NOROUTE, 0x030e0000, "NOROUTE", "no route to the peer's RDMA address") \
	X(NOINDIRECT, 0x030f0000, "NOINDIRECT", "the peer is behind a router for one side only") \
	X(SYNCERR, 0x04000000, "SYNCERR", "the server reused a link group the client does not have") \
	X(PEERDECL, 0x05000000, "PEERDECL", "the peer declined, see its reason") \
	X(INTERR, 0x09990000, "INTERR", "internal error") \
	X(ERR_RTOK, 0x09990001, "ERR_RTOK", "the table of remote keys is full, or a key was not taken") \
	X(ERR_RDYLNK, 0x09990002, "ERR_RDYLNK", "the queue pair could not be made ready") \
	X(ERR_REGBUF, 0x09990003, "ERR_REGBUF", "a buffer could not be registered, or its key was not confirmed in time") \
	/* Ours, never on the wire. */ \
	X(OWN_DISABLED, 0x7f010000, "DISABLED", "SMC is not configured here") \
	X(OWN_POLICY, 0x7f020000, "POLICY", "the policy table says TCP") \
	X(OWN_REMEMBERED, 0x7f030000, "REMEMBERED", "SMC failed with this peer a short while ago") \
	X(OWN_LIMIT, 0x7f040000, "LIMIT", "a limit of handshakes, queue pairs or buffer memory is reached") \
	X(OWN_NOANSWER, 0x7f050000, "NOANSWER", "the peer sent the SMC option, then no CLC message in time") \
	X(OWN_REFLECTED, 0x7f060000, "REFLECTED", "the peer sent the SMC option, then something other than CLC") \
	X(OWN_UNBOUND, 0x7f070000, "UNBOUND", "the RDMA address is neither the TCP peer's nor permitted")

#define SMC_RSN_OWN 0x7f /* first octet of our own codes */

enum smc_reason {
	SMC_RSN_NONE = 0,
#define X(suffix, code, name, text) SMC_RSN_##suffix = code,
	SMC_REASONS(X)
#undef X
};

/* The short name, as smcr of smc-tools prints it where it has one. "NONE" for
 * 0, "UNKNOWN" for a code not above. Static, never NULL. */
const char *smc_reason_name(uint32_t code);

/* A sentence for people, without a stop at its end. Static, never NULL. */
const char *smc_reason_text(uint32_t code);

/* May a DECLINE carry it? Not the codes that only the recording side uses. */
bool smc_reason_on_wire(uint32_t code);

/* "0x03030000 NOSMCDEV"; returns buf. 32 octets are enough. */
char *smc_reason_format(uint32_t code, char *buf, size_t room);

#endif
