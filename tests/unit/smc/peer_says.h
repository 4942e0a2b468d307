/* SPDX-License-Identifier: BSD-3-Clause */
/* The CLC messages of a peer at 10.0.0.2 that is as Linux is: what tests with a scripted peer begin with and change. */
#ifndef TESTS_UNIT_SMC_PEER_SAYS_H
#define TESTS_UNIT_SMC_PEER_SAYS_H

#include <string.h>

#include "proto/smc/clc.h"

#define PEER_GID { [10] = 0xff, 0xff, 10, 0, 0, 2 }

/* v2.1, v2 only; Peer ID, first GID and MAC are zero. EIDs in text, NULL ends. */
static inline struct clc_proposal peer_proposal(const char *const *eids)
{
	struct clc_proposal p = {
		.version = CLC_V2, .v2 = true, .smcd_area = true, .release = CLC_RELEASE_V21, .max_conns = 255,
		.max_links = 2, .features = 1, .gid2 = PEER_GID,
	};

	while (eids[p.n_eids] != NULL) {
		clc_eid_from_text(eids[p.n_eids], p.eids[p.n_eids]);
		p.n_eids++;
	}
	return p;
}

/* With the EID that was chosen; in a group that exists, or of first contact. */
static inline struct clc_accept peer_accept(const uint8_t eid[32], bool first_contact)
{
	struct clc_accept a = {
		.type = CLC_ACCEPT, .version = CLC_V2, .first_contact = first_contact, .mac = { 2, 0, 0, 0, 0, 2 },
		.peer_id = { 0x77, 2, 2, 0, 0, 0, 0, 2 }, .gid = PEER_GID, .qpn = 0x99, .rkey = 0x777, .rmbe_idx = 1,
		.token = 5, .size_code = 1, .mtu_code = 5, .rmb_addr = 0x10000, .psn = 0x123456,
	};

	memcpy(a.eid, eid, sizeof(a.eid));
	if (!first_contact)
		return a;
	a.direct = true;
	a.os = CLC_OS_LINUX;
	a.release = CLC_RELEASE_V21;
	strcpy(a.hostname, "peer");
	a.max_conns = 255;
	a.max_links = 1;
	return a;
}

/* What confirms an ACCEPT of ours. */
static inline struct clc_accept peer_confirm(const struct clc_accept *ours)
{
	static const uint8_t gid[16] = PEER_GID;
	struct clc_accept a = peer_accept(ours->eid, ours->first_contact);

	a.type = CLC_CONFIRM;
	a.release = ours->release;
	a.max_conns = ours->max_conns;
	a.max_links = ours->max_links;
	if (ours->first_contact) {
		a.n_gids = 1;
		memcpy(a.gids[0], gid, sizeof(gid));
	}
	return a;
}

#endif
