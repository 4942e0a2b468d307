/* SPDX-License-Identifier: BSD-3-Clause */
/* Our server and a scripted client: octets in, octets out, outcome. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/smc/peer_says.h"
#include "tests/unit/smc_peer/world.h"
#include "tests/unit/test.h"

static struct world w;

/* What a Linux client proposes (v2.1, v2 only, peer ID, GID and MAC zero). */
static struct clc_proposal proposal(void)
{
	return peer_proposal((const char *const[]){ "SMCGATE-TEST", NULL });
}

static void v1(struct clc_proposal *p)
{
	p->v1 = true;
	p->subnet4 = 0x0a000000;
	p->prefix4_len = 24;
	memset(p->peer_id, 1, sizeof(p->peer_id));
}

static void rfc_v1(struct clc_proposal *p)
{
	v1(p);
	p->version = CLC_V1;
	p->v2 = p->smcd_area = false;
}

static void rfc_v1_other_net(struct clc_proposal *p) { rfc_v1(p); p->subnet4 = 0x0a010000; }
static void rfc_v1_other_len(struct clc_proposal *p) { rfc_v1(p); p->prefix4_len = 16; }
static void linux_v1(struct clc_proposal *p) { v1(p); p->v2 = false; }
static void both(struct clc_proposal *p) { v1(p); }
static void both_other_net(struct clc_proposal *p) { v1(p); p->subnet4 = 0x0a010000; }
static void other_eid(struct clc_proposal *p) { clc_eid_from_text("OTHER", p->eids[0]); }
static void second_eid(struct clc_proposal *p) { memcpy(p->eids[1], p->eids[0], 32); other_eid(p); p->n_eids = 2; }
static void foreign_gid(struct clc_proposal *p) { p->gid2[15] = 9; }
static void release_0(struct clc_proposal *p) { p->release = 0; p->max_conns = p->max_links = 0; p->features = 0; }
static void conns_15(struct clc_proposal *p) { p->max_conns = 15; }
static void links_0(struct clc_proposal *p) { p->max_links = 0; }

static const struct {
	const char *name;
	void (*change)(struct clc_proposal *p);
	uint32_t diagnosis;            /* of the DECLINE; 0: ACCEPT */
	uint32_t reason;               /* ours, if it differs */
	uint8_t version;
} proposals[] = {
	{ "v2 as Linux sends it", NULL, 0, 0, 2 },
	{ "v1 as in RFC 7609", rfc_v1, SMC_RSN_NOSMCDEV, 0, 1 },
	{ "v1, another network", rfc_v1_other_net, SMC_RSN_DIFFPREFIX, 0, 1 },
	{ "v1, another length", rfc_v1_other_len, SMC_RSN_DIFFPREFIX, 0, 1 },
	{ "v1 only, from Linux", linux_v1, SMC_RSN_NOSMCDEV, 0, 2 },
	{ "v1 and v2", both, 0, 0, 2 },
	{ "v1 in another network, and v2", both_other_net, 0, 0, 2 },
	{ "no EID in common", other_eid, SMC_RSN_NOSMCDEV, 0, 2 },
	{ "the second EID in common", second_eid, 0, 0, 2 },
	{ "a GID that is not the TCP peer's", foreign_gid, SMC_RSN_NOSMCRDEV, SMC_RSN_OWN_UNBOUND, 2 },
	{ "release 0", release_0, 0, 0, 2 },
	{ "15 connections", conns_15, SMC_RSN_MAXCONNERR, 0, 2 },
	{ "no link", links_0, SMC_RSN_MAXLINKERR, 0, 2 },
};

static void check_accept(const uint8_t *msg, unsigned len, const struct clc_proposal *p)
{
	struct clc_accept a;

	CU_ASSERT_EQUAL(len, 160);
	CU_ASSERT_EQUAL(clc_decode_accept(msg, len, &a), 0);
	CU_ASSERT_TRUE(a.first_contact);
	CU_ASSERT_EQUAL(a.version, CLC_V2);
	CU_ASSERT_EQUAL(memcmp(a.eid, p->eids[p->n_eids - 1], 32), 0);
	CU_ASSERT_EQUAL(a.size_code, 2);
	CU_ASSERT_EQUAL(a.release, p->release);
	CU_ASSERT_EQUAL(a.max_conns, p->release == 0 ? 0 : 255);
	CU_ASSERT_EQUAL(a.max_links, p->release == 0 ? 0 : 1);
	CU_ASSERT_TRUE(a.direct);
	CU_ASSERT_NOT_EQUAL(a.token, 0);
}

static void check_decline(const uint8_t *msg, unsigned len, uint32_t diagnosis, uint8_t version)
{
	struct clc_decline d;

	CU_ASSERT_EQUAL(len, version == 1 ? 28 : 44);
	CU_ASSERT_EQUAL(clc_decode_decline(msg, len, &d), 0);
	CU_ASSERT_EQUAL(d.diagnosis, diagnosis);
	CU_ASSERT_EQUAL(d.version, version);
}

static void proposal__is_answered(void)
{
	for (unsigned i = 0; i < RTE_DIM(proposals); i++)
		for (unsigned singly = 0; singly < 2; singly++) {
			struct clc_proposal p = proposal();
			uint8_t buf[CLC_MAX_LEN], msg[CLC_MAX_LEN];
			uint32_t peer_reason;
			unsigned len;
			int n;

			if (proposals[i].change != NULL)
				proposals[i].change(&p);
			n = clc_encode_proposal(&p, buf);
			CU_ASSERT_TRUE_FATAL(n > 0);
			world_start(&w, NULL);
			world_peer_connects(&w, true);
			world_send(&w, buf, (unsigned)n, singly);
			if (proposals[i].diagnosis == 0) {
				CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_ACCEPT);
				check_accept(msg, len, &p);
				CU_ASSERT_STRING_EQUAL(w.seen, "");
			} else {
				CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_DECLINE);
				check_decline(msg, len, proposals[i].diagnosis, proposals[i].version);
				CU_ASSERT_STRING_EQUAL(w.seen, "A");
				CU_ASSERT_EQUAL(world_reason(&w, &peer_reason), proposals[i].reason != 0 ?
						proposals[i].reason : proposals[i].diagnosis);
				world_check_data(&w);
			}
			world_stop(&w);
		}
}

/* Wrong by one octet, or not CLC: closed without a word, the service hears nothing. */
static void proposal__malformed(void)
{
	static const uint8_t http[] = "GET / HTTP/1.1\r\n\r\n";

	for (unsigned i = 0; i < 6; i++) {
		struct clc_proposal p = proposal();
		uint8_t buf[CLC_MAX_LEN];
		int n = clc_encode_proposal(&p, buf);

		world_start(&w, NULL);
		world_peer_connects(&w, true);
		switch (i) {
		case 0: /* one octet more than its parts */
			buf[6]++;
			buf[n++] = 0;
			break;
		case 1:
			buf[6]--;
			n--;
			break;
		case 2: /* trailer */
			buf[n - 1] ^= 1;
			break;
		case 3: /* eyecatcher */
			buf[3] = 0xc5;
			break;
		case 4: /* not for a server */
			buf[4] = CLC_ACCEPT;
			break;
		default:
			memcpy(buf, http, sizeof(http));
			n = sizeof(http);
		}
		world_send(&w, buf, (unsigned)n, false);
		CU_ASSERT_EQUAL(w.in_len, 0);
		CU_ASSERT_TRUE(w.eof || w.reset);
		CU_ASSERT_STRING_EQUAL(w.seen, "");
		CU_ASSERT_EQUAL(smc_stats(sim_smc_stack(w.ours))->role[SMC_SERVER].handshake_errors, 1);
		world_stop(&w);
	}
}

static int decline(uint8_t *buf, uint8_t version, uint32_t diagnosis)
{
	return clc_encode_decline(&(struct clc_decline){ .version = version, .diagnosis = diagnosis }, buf);
}

/* A DECLINE as the first message, data right behind it in the same segment. */
static void decline__as_the_first_message(void)
{
	for (uint8_t version = 1; version <= 2; version++) {
		uint8_t buf[CLC_MAX_LEN];
		uint32_t peer_reason;
		int n = decline(buf, version, SMC_RSN_NOSMCDEV);

		world_start(&w, NULL);
		world_peer_connects(&w, true);
		memcpy(buf + n, "hello", 5);
		world_send(&w, buf, (unsigned)n + 5, false);
		CU_ASSERT_STRING_EQUAL(w.seen, "A");
		CU_ASSERT_EQUAL(world_reason(&w, &peer_reason), SMC_RSN_PEERDECL);
		CU_ASSERT_EQUAL(peer_reason, SMC_RSN_NOSMCDEV);
		world_check_data(&w);
		world_stop(&w);
	}
}

static unsigned accepted_proposal(struct clc_accept *a)
{
	struct clc_proposal p = proposal();
	uint8_t buf[CLC_MAX_LEN], msg[CLC_MAX_LEN];
	unsigned len;

	world_peer_connects(&w, true);
	world_send(&w, buf, (unsigned)clc_encode_proposal(&p, buf), false);
	CU_ASSERT_EQUAL_FATAL(world_take(&w, msg, &len), CLC_ACCEPT);
	CU_ASSERT_EQUAL_FATAL(clc_decode_accept(msg, len, a), 0);
	return len;
}

static void bad_release(struct clc_accept *c) { c->release = 0; c->max_conns = c->max_links = 0; c->features = 0; }
static void bad_conns(struct clc_accept *c) { c->max_conns = 20; }
static void bad_links(struct clc_accept *c) { c->max_links = 2; }
static void bad_eid(struct clc_accept *c) { clc_eid_from_text("OTHER", c->eid); }
static void bad_contact(struct clc_accept *c) { c->first_contact = false; c->n_gids = 0; }
static void bad_gid(struct clc_accept *c) { c->gid[15] = 9; }

static void confirm__is_checked(void)
{
	static const struct { void (*change)(struct clc_accept *c); uint32_t diagnosis; } t[] = {
		{ bad_release, SMC_RSN_RELEASEERR }, { bad_conns, SMC_RSN_MAXCONNERR }, { bad_links, SMC_RSN_MAXLINKERR },
		{ bad_gid, SMC_RSN_NOSMCRDEV }, { bad_eid, 0 }, { bad_contact, 0 },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		uint8_t buf[CLC_MAX_LEN], msg[CLC_MAX_LEN];
		struct clc_accept a, c;
		unsigned len;
		int n;

		world_start(&w, NULL);
		accepted_proposal(&a);
		c = peer_confirm(&a);
		t[i].change(&c);
		n = clc_encode_accept(&c, buf);
		CU_ASSERT_TRUE_FATAL(n > 0);
		world_send(&w, buf, (unsigned)n, false);
		if (t[i].diagnosis != 0) {
			CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_DECLINE);
			check_decline(msg, len, t[i].diagnosis, 2);
			world_check_data(&w);
		} else {
			CU_ASSERT_TRUE(w.eof || w.reset);
			CU_ASSERT_STRING_EQUAL(w.seen, "");
		}
		world_stop(&w);
	}
}

/* CONFIRM LINK is not answered: 2 s, 1 s more for the peer's DECLINE, then ours. A
 * DECLINE of the peer's in that second, or crossing ours, is not data. */
static void confirm_link__times_out(void)
{
	static const uint64_t peer_declines[] = { 0, 2500000, 3100000 };

	for (unsigned i = 0; i < RTE_DIM(peer_declines); i++) {
		uint8_t buf[CLC_MAX_LEN], msg[CLC_MAX_LEN];
		struct clc_accept a, c;
		uint64_t start;
		unsigned len;

		world_start(&w, NULL);
		accepted_proposal(&a);
		c = peer_confirm(&a);
		start = sim_now(w.sim);
		world_mute(&w);
		c.qpn = w.mute_qpn;
		CU_ASSERT_TRUE(tcp_send(w.c, buf, (size_t)clc_encode_accept(&c, buf)) > 0);
		world_run(&w, 1900000);
		CU_ASSERT_EQUAL(w.in_len, 0);
		if (peer_declines[i] != 0) {
			world_run(&w, start + peer_declines[i] - sim_now(w.sim));
			CU_ASSERT_TRUE(tcp_send(w.c, buf, (size_t)decline(buf, 2, SMC_RSN_TIMEOUT_CL)) > 0);
		}
		world_run(&w, start + 3500000 - sim_now(w.sim));
		CU_ASSERT_STRING_EQUAL(w.seen, "A");
		if (i == 1) {
			CU_ASSERT_EQUAL(w.in_len, 0);
		} else {
			CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_DECLINE);
			check_decline(msg, len, SMC_RSN_TIMEOUT_CL, 2);
		}
		world_check_data(&w);
		CU_ASSERT_EQUAL(smc_stats(sim_smc_stack(w.ours))->swallowed_declines, i == 2);
		world_stop(&w);
	}
}

/* A device that hangs costs a connection its SMC, not more. */
static void device__hangs(void)
{
	uint8_t buf[CLC_MAX_LEN], msg[CLC_MAX_LEN];
	struct clc_proposal p = proposal();
	unsigned len;

	world_start(&w, NULL);
	world_peer_connects(&w, true);
	mem_stall(sim_smc_dev(w.ours), true);
	world_send(&w, buf, (unsigned)clc_encode_proposal(&p, buf), false);
	world_run(&w, 4 * SECOND);
	CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_DECLINE);
	check_decline(msg, len, SMC_RSN_ERR_RDYLNK, 2);
	world_check_data(&w);
	mem_stall(sim_smc_dev(w.ours), false);
	world_stop(&w);
}

/* The peer falls silent, closes, resets or declines in each of its turns. */
static void peer__ends_in_each_state(void)
{
	enum { SILENCE, FIN, RST, DECLINE };

	for (unsigned state = 0; state < 3; state++)
		for (unsigned how = SILENCE; how <= DECLINE; how++) {
			uint8_t buf[CLC_MAX_LEN];
			struct clc_accept a;

			world_start(&w, NULL);
			if (state == 2)
				accepted_proposal(&a);
			else
				world_peer_connects(&w, true);
			if (state == 1)
				world_send(&w, "\xe2\xd4\xc3\xd9\x01", 5, false);
			if (how == DECLINE && state != 1)
				world_send(&w, buf, (unsigned)decline(buf, 2, SMC_RSN_MEM), false);
			else if (how == FIN || how == RST)
				world_peer_ends(&w, how == RST);
			world_run(&w, 6100000);
			if (how == DECLINE && state != 1) {
				CU_ASSERT_STRING_EQUAL(w.seen, "A");
				world_check_data(&w);
			} else {
				CU_ASSERT_STRING_EQUAL(w.seen, "");
				CU_ASSERT_EQUAL(sock_listener_open(w.l), 0);
				CU_ASSERT_TRUE(how == RST || w.eof || w.reset);
			}
			world_stop(&w);
		}
}

static void three_failures(struct sim_smc_conf *conf) { conf->smc.failures = 3; }

/* Failure upon failure: the option is not answered for a while; forgetting helps. */
static void peer__is_remembered(void)
{
	const struct net_addr addr = sim_addr(0x0a000002);
	struct smc_peer_info info;
	uint8_t buf[CLC_MAX_LEN];
	uint32_t peer_reason;
	uint64_t cursor = 0;

	world_start(&w, three_failures);
	for (unsigned i = 0; i < 5; i++) {
		world_peer_connects(&w, true);
		CU_ASSERT_EQUAL(tcp_opt_agreed(w.c), i != 3);
		if (i == 3) {
			CU_ASSERT_STRING_EQUAL(w.seen, "AAAA");
			CU_ASSERT_EQUAL(world_reason(&w, &peer_reason), SMC_RSN_OWN_REMEMBERED);
			CU_ASSERT_EQUAL(smc_peer_list(sim_smc_stack(w.ours), &cursor, &info, 1), 1);
			CU_ASSERT_EQUAL(info.failures, 3);
			CU_ASSERT_TRUE(info.tcp_left_us > 0);
			CU_ASSERT_EQUAL(smc_peer_list(sim_smc_stack(w.ours), &cursor, &info, 1), 0);
			CU_ASSERT_EQUAL(smc_peer_forget(sim_smc_stack(w.ours), &addr), 0);
		} else {
			world_send(&w, buf, (unsigned)decline(buf, 1, SMC_RSN_NOSMCDEV), false);
		}
		sock_abort(w.s);
		w.s = NULL;
		tcp_abort(w.c);
		w.c = NULL;
		world_run(&w, 1000);
	}
	world_stop(&w);
}

/* Unlistening in each state of the handshake. */
static void user__unlistens(void)
{
	for (unsigned state = 0; state < 2; state++) {
		struct clc_accept a;

		world_start(&w, NULL);
		if (state == 1)
			accepted_proposal(&a);
		else
			world_peer_connects(&w, true);
		sock_unlisten(w.l);
		world_run(&w, 1000000);
		CU_ASSERT_TRUE(w.eof || w.reset);
		CU_ASSERT_STRING_EQUAL(w.seen, "");
		world_stop(&w);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(proposal__is_answered),
	TEST_CASE(proposal__malformed),
	TEST_CASE(decline__as_the_first_message),
	TEST_CASE(confirm__is_checked),
	TEST_CASE(confirm_link__times_out),
	TEST_CASE(device__hangs),
	TEST_CASE(peer__ends_in_each_state),
	TEST_CASE(peer__is_remembered),
	TEST_CASE(user__unlistens),
};

int main(int argc, char **argv)
{
	test_eal_init();
	return test_run("smc-peer-server", cases, RTE_DIM(cases), argc > 1 ? argv[1] : NULL);
}
