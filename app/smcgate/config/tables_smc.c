/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of "rdma" and "smc", as tables.c has all others. */
#include "app/smcgate/config/config.h"
#include "app/smcgate/config/tables.h"

static const struct cfg_enum provider_names[] = {
	{ "roce", CONFIG_RDMA_ROCE },
	{ "verbs", CONFIG_RDMA_VERBS },
	{ NULL, 0 },
};

const struct cfg_enum config_use_names[] = {
	{ "tcp", CONFIG_USE_TCP },
	{ "smc", CONFIG_USE_SMC },
	{ NULL, 0 },
};

static const struct cfg_field rdma_fields[] = {
	CFG_NAME(struct config_rdma, name, "name", CFG_REQUIRED, "What the console calls it."),
	CFG_ENUM(struct config_rdma, provider, "provider", 0, provider_names, CONFIG_RDMA_ROCE,
		 "`roce` is RoCE v2 in software, over any port. `verbs`, RDMA hardware, comes with a later version "
		 "and is refused."),
	CFG_NAME(struct config_rdma, port, "port", CFG_REQUIRED,
		 "Name of the port that carries it; its addresses are the device's GIDs."),
	CFG_U32(struct config_rdma, window, "window", 0, 1, 1024, 128,
		"Packets without acknowledgement per queue pair at most, a power of two."),
	CFG_U32(struct config_rdma, max_qps, "max_qps", 0, 1, 16384, 256,
		"Queue pairs per lcore, one a link."),
	CFG_U32(struct config_rdma, rto_min_us, "rto_min_us", 0, 100, 1000000, 1000,
		"Least time until packets without acknowledgement are sent again, in microseconds."),
	CFG_END
};

const struct cfg_field config_rdma_elem = { .type = CFG_TYPE_OBJECT, .key = "device", .fields = rdma_fields };

static const struct cfg_field eid_elem = {
	.type = CFG_TYPE_STRING, .key = "eid", .size = CONFIG_EID_LEN, .min = 1, .max = CONFIG_EID_LEN - 1,
	.doc = "A user-defined EID: A-Z, 0-9, `.` and `-`, the first a letter or digit.",
};

static const struct cfg_field policy_fields[] = {
	CFG_PREFIX(struct config_policy, peer, "peer", 0, NULL, "Peers it is for; any when absent."),
	CFG_U32(struct config_policy, port, "port", 0, 1, 65535, 0,
		"Port of ours that accepts, or of the peer's that we connect to; any when absent."),
	CFG_NAME(struct config_policy, service, "service", 0, "Service it is for; any when absent."),
	CFG_ENUM(struct config_policy, use, "use", CFG_REQUIRED, config_use_names, CONFIG_USE_TCP,
		 "What such connections use: `smc` is tried and may fall back, `tcp` does not offer SMC."),
	CFG_END
};

static const struct cfg_field policy_elem = { .type = CFG_TYPE_OBJECT, .key = "policy", .fields = policy_fields };

const struct cfg_field config_smc_fields[] = {
	CFG_BOOL(struct config_smc, enabled, "enabled", 0, true,
		 "Speak SMC where services ask for it and there is an RDMA device."),
	CFG_ARRAY(struct config_smc, eids, n_eids, "eids", CFG_RUNTIME, 0, CONFIG_MAX_EIDS, &eid_elem,
		  "Our EIDs: SMC version 2 is spoken to peers that have one of them, so without any there is none."),
	CFG_STRING(struct config_smc, hostname, "hostname", 0, 1, NULL,
		   "Host name told to peers; the system's when absent."),
	CFG_ARRAY(struct config_smc, policies, n_policies, "policies", CFG_RUNTIME, 0, CONFIG_MAX_POLICIES,
		  &policy_elem, "Which connections may use SMC: the first that fits decides, otherwise they may."),
	CFG_U32(struct config_smc, max_links, "max_links", 0, 1, 1, 1, "Links of a link group."),
	CFG_U32(struct config_smc, max_conns_per_group, "max_conns_per_group", 0, 16, 255, 255,
		"Connections of a link group."),
	CFG_U32(struct config_smc, groups_max, "groups_max", 0, 1, 16384, 64, "Link groups."),
	CFG_U32(struct config_smc, groups_per_peer, "groups_per_peer", 0, 1, 16384, 4, "Link groups with one peer."),
	CFG_U32(struct config_smc, handshakes_max, "handshakes_max", 0, 1, 65536, 1024,
		"Handshakes under way; beyond them connections use TCP."),
	CFG_U32(struct config_smc, handshakes_per_peer, "handshakes_per_peer", 0, 1, 65536, 256,
		"Handshakes under way with one peer."),
	CFG_U64(struct config_smc, buffer_bytes_per_peer, "buffer_bytes_per_peer", 0, 0, UINT64_C(1) << 40, 0,
		"Octets of receive memory that one peer's connections may have; 0 for all there is."),
	CFG_U32(struct config_smc, rmb_size, "rmb_size", 0, 16384, 4194304, 65536,
		"Octets a connection receives into, rounded up to 16 KiB times a power of two."),
	CFG_U32(struct config_smc, sndbuf_size, "sndbuf_size", 0, 16384, 4194304, 65536,
		"Octets a connection sends from, rounded likewise."),
	CFG_U32(struct config_smc, memory_mb, "memory_mb", 0, 4, 65536, 128,
		"Memory for these buffers, in MiB; connections that find none use TCP."),
	CFG_U32(struct config_smc, clc_wait_ms, "clc_wait_ms", 0, 100, 60000, 6000,
		"Wait for a peer's handshake message, in ms."),
	CFG_U32(struct config_smc, llc_wait_ms, "llc_wait_ms", 0, 100, 60000, 2000,
		"Wait for a peer's answer on a link, in ms."),
	CFG_U32(struct config_smc, close_wait_ms, "close_wait_ms", 0, 100, 3600000, 60000,
		"Wait for the peer's end of a closed connection until it is aborted, in ms."),
	CFG_U32(struct config_smc, testlink_s, "testlink_s", 0, 0, 3600, 30,
		"Seconds without a message until a link is tested; 0 for never."),
	CFG_U32(struct config_smc, idle_server_s, "idle_server_s", 0, 1, 86400, 600,
		"Seconds that a link group without connections lives where we are the server."),
	CFG_U32(struct config_smc, idle_client_s, "idle_client_s", 0, 1, 86400, 610,
		"The same where we are the client; longer than the server's."),
	CFG_U32(struct config_smc, failures, "failures", 0, 1, 1000, 3,
		"Handshakes failed in a row after which a peer is spoken TCP to at once."),
	CFG_U32(struct config_smc, forget_s, "forget_s", 0, 1, 86400, 60,
		"Seconds after which SMC is tried again with such a peer."),
	CFG_U32(struct config_smc, autocork, "autocork", 0, 0, 4194304, 65536,
		"Octets up to which small writes are collected while others are under way; 0 for none."),
	CFG_END
};
