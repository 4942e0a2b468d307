/* SPDX-License-Identifier: BSD-3-Clause */
/* The fake's SMC: on each worker two connections in a group with one link, one
 * peer that fell back, two devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/smcgate/pipeline/smc.h"
#include "tests/unit/console/fake.h"

static int did(const char *what)
{
	snprintf(fake.did, sizeof(fake.did), "%s", what);
	return fake.rc;
}

static int ready(unsigned i)
{
	if (fake.no_smc)
		return -EPROTONOSUPPORT;
	return i >= 2 ? -ENOENT : fake.rc;
}

static struct net_addr peer_addr(void) { return net_addr_v4(rte_cpu_to_be_32(0x0a00000a)); }

static struct rd_gid gid(uint8_t last)
{
	return (struct rd_gid){ { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = last } };
}

static void fill_conn(unsigned n, struct smc_conn_info *c)
{
	struct net_addr l = net_addr_v4(rte_cpu_to_be_32(0x0a000001)), r = peer_addr();

	*c = (struct smc_conn_info){
		.id = n, .state = n == 0 ? SMC_ACTIVE : SMC_INIT, .role = SMC_SERVER, .step = "CONFIRM",
		.shut_write = n == 1, .token = 0xabc, .sndbuf = 65536, .rcvbuf = 131072, .peerbuf = 16384,
		.rxprod = { 1, 0x20 }, .rx_prod_flags = 0x80, .lgr_id = 3, .link_id = 1, .dev = "roce0", .gid = gid(1),
		.peer_gid = gid(10), .bytes_in = 1000, .seq_out = 7,
	};
	memcpy(c->flow.laddr, l.b, 16);
	memcpy(c->flow.raddr, r.b, 16);
	c->flow.lport = rte_cpu_to_be_16(80);
	c->flow.rport = rte_cpu_to_be_16((uint16_t)(1000 + n));
	c->flow.family = NET_IPV4;
}

int pipeline_smc_conns(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_conn_info *out, unsigned max)
{
	int rc = ready(i), n = 0;

	if (rc < 0)
		return rc;
	for (; (unsigned)n < max && *cursor < 2; n++)
		fill_conn((unsigned)(*cursor)++, &out[n]);
	return n;
}

int pipeline_smc_sock(struct pipeline *pl, unsigned i, uint64_t id, struct smc_conn_info *out)
{
	int rc = ready(i);

	if (rc < 0 || id % 3 != 2)
		return rc < 0 ? rc : -ENOENT;
	fill_conn(0, out);
	return 0;
}

/* One of each: true the first time. */
static bool first(unsigned i, uint64_t *cursor, int *rc)
{
	*rc = ready(i);
	if (*rc == 0)
		*rc = (*cursor)++ == 0;
	return *rc > 0;
}

int pipeline_smc_lgrs(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_lgr_info *out, unsigned max)
{
	int rc;

	if (first(i, cursor, &rc))
		*out = (struct smc_lgr_info){
			.id = 3, .role = SMC_SERVER, .version = 2, .release = 1, .type = "SINGLE", .state = "ACTIVE",
			.peer_host = "guest", .peer_os = 2, .peer = peer_addr(), .eid = "SMCGATE.TEST  ", .conns = 1,
			.max_conns = 255, .peer_id = { 1, 2 },
		};
	return rc;
}

int pipeline_smc_links(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_link_info *out, unsigned max)
{
	int rc;

	if (first(i, cursor, &rc))
		*out = (struct smc_link_info){
			.lgr_id = 3, .id = 1, .role = SMC_SERVER, .state = "LINK_ACTIVE", .uid = 0x101, .dev = "roce0",
			.gid = gid(1), .peer_gid = gid(10), .peer_mac = { 2, 0, 0, 0, 0, 9 },
			.qp = { .qpn = 131073, .remote_qpn = 17, .state = RD_QP_RTS, .mtu = 3 },
		};
	return rc;
}

int pipeline_smc_peers(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_peer_info *out, unsigned max)
{
	int rc;

	if (first(i, cursor, &rc))
		*out = (struct smc_peer_info){
			.addr = peer_addr(), .fallbacks = 4, .failures = 3, .tcp_left_us = 1500000,
			.reason = SMC_RSN_PEERDECL, .peer_reason = SMC_RSN_NOSMCDEV,
		};
	return rc;
}

int pipeline_smc_devs(struct pipeline *pl, unsigned i, struct smc_dev_info *out, unsigned max)
{
	int rc = ready(i);

	if (rc < 0)
		return rc;
	for (unsigned d = 0; d < 2; d++)
		out[d] = (struct smc_dev_info){
			.rd = { .provider = "roce", .up = d == 0, .mtu = 3, .n_gids = 1, .gids = { gid((uint8_t)(d + 1)) },
				.qps = 5 },
			.counters = { .sent_pkts = 100, .icrc_err = 1 }, .enabled = true, .links = 1,
		};
	snprintf(out[0].rd.name, sizeof(out[0].rd.name), "roce0");
	snprintf(out[1].rd.name, sizeof(out[1].rd.name), "1");
	return 2;
}

int pipeline_smc_stats(struct pipeline *pl, unsigned i, struct smc_stats *out)
{
	memset(out, 0, sizeof(*out));
	out->role[SMC_SERVER].smc_v2 = 10;
	out->role[SMC_SERVER].fallbacks = 3;
	/* the workers saw them in another order */
	out->role[SMC_SERVER].why[i].reason = SMC_RSN_PEERDECL;
	out->role[SMC_SERVER].why[i].count = 2;
	out->role[SMC_SERVER].why[1 - i].reason = SMC_RSN_PEERNOSMC;
	out->role[SMC_SERVER].why[1 - i].count = 1;
	out->role[SMC_SERVER].peer_why[0].reason = 0x12345678;
	out->role[SMC_SERVER].peer_why[0].count = 2;
	out->tx.reqs[3] = 7;
	out->cdc_in = 50;
	out->lgrs = 1;
	return ready(i);
}

int pipeline_smc_eids(struct pipeline *pl, struct smc_eid *out)
{
	if (fake.no_smc)
		return -EPROTONOSUPPORT;
	memset(out[0].b, ' ', sizeof(out[0].b));
	memcpy(out[0].b, "SMCGATE.TEST", 12);
	return 1;
}

int pipeline_smc_eid_add(struct pipeline *pl, const char *text)
{
	snprintf(fake.did, sizeof(fake.did), "eid_add %s", text);
	return fake.rc;
}

int pipeline_smc_eid_del(struct pipeline *pl, const char *text)
{
	snprintf(fake.did, sizeof(fake.did), "eid_del %s", text);
	return fake.rc;
}

int pipeline_smc_policies(struct pipeline *pl, struct smc_policy *out)
{
	if (fake.no_smc)
		return -EPROTONOSUPPORT;
	out[0] = (struct smc_policy){ .peer = net_addr_v4(rte_cpu_to_be_32(0x0a000000)), .prefix_len = 8, .port = 80,
				      .service = "web" };
	out[1] = (struct smc_policy){ .smc = true };
	return 2;
}

int pipeline_smc_policy_add(struct pipeline *pl, const struct smc_policy *p, unsigned at)
{
	char addr[NET_ADDR_STRLEN];

	snprintf(fake.did, sizeof(fake.did), "policy_add %s/%u:%u '%s' %s at %u",
		 p->peer.family == NET_UNSPEC ? "any" : net_addr_str(&p->peer, addr), p->prefix_len, p->port, p->service,
		 p->smc ? "smc" : "tcp", at);
	return fake.rc;
}

int pipeline_smc_policy_del(struct pipeline *pl, unsigned n)
{
	snprintf(fake.did, sizeof(fake.did), "policy_del %u", n);
	return fake.rc;
}

int pipeline_smc_peer_forget(struct pipeline *pl, const struct net_addr *addr)
{
	return did(addr->family == NET_UNSPEC ? "forget all" : "forget one");
}

int pipeline_smc_dev_enable(struct pipeline *pl, unsigned dev, bool on)
{
	snprintf(fake.did, sizeof(fake.did), "dev %u %s", dev, on ? "on" : "off");
	return fake.rc;
}

int pipeline_smc_stats_clear(struct pipeline *pl)
{
	return did("clear smc");
}

int pipeline_smc_lgr_terminate(struct pipeline *pl, unsigned i, uint32_t id)
{
	snprintf(fake.did, sizeof(fake.did), "terminate %u.%u", i, id);
	return fake.rc;
}

/* The protocol's own is not linked here. */
const char *smc_state_name(unsigned state)
{
	return state == SMC_ACTIVE ? "ACTIVE" : "INIT";
}
