/* SPDX-License-Identifier: BSD-3-Clause */
/* Our client and a scripted server: octets in, octets out, outcome. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/smc/peer_says.h"
#include "tests/unit/smc_peer/world.h"
#include "tests/unit/test.h"

static struct world w;

static void proposed(struct clc_proposal *p)
{
	uint8_t msg[CLC_MAX_LEN];
	unsigned len;

	world_we_connect(&w);
	CU_ASSERT_EQUAL_FATAL(world_take(&w, msg, &len), CLC_PROPOSAL);
	CU_ASSERT_EQUAL(len, 156);
	CU_ASSERT_EQUAL(msg[7], 0x22);
	CU_ASSERT_EQUAL_FATAL(clc_decode_proposal(msg, len, p), 0);
	CU_ASSERT_STRING_EQUAL(w.seen, "");
	CU_ASSERT_EQUAL(w.in_len, 0);
}

/* Peer ID, GID and MAC are filled in, though only v2 is offered. */
static void proposal__says_what_we_are(void)
{
	static const uint8_t gid[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 };
	static const uint8_t peer_id[8] = { 0x5e, 0xed, 2, 0, 0, 0, 0, 1 };
	struct clc_proposal p;
	uint8_t eid[32];

	world_start(&w, NULL);
	proposed(&p);
	CU_ASSERT_TRUE(p.v2);
	CU_ASSERT_FALSE(p.v1);
	CU_ASSERT_EQUAL(p.release, CLC_RELEASE_V21);
	CU_ASSERT_EQUAL(p.max_conns, 255);
	CU_ASSERT_EQUAL(p.max_links, 1);
	CU_ASSERT_EQUAL(memcmp(p.peer_id, peer_id, 8), 0);
	CU_ASSERT_EQUAL(memcmp(p.gid2, gid, 16), 0);
	CU_ASSERT_EQUAL(memcmp(p.mac, &sim_if(sim_smc_host(w.ours))->mac, 6), 0);
	clc_eid_from_text("SMCGATE-TEST", eid);
	CU_ASSERT_EQUAL(p.n_eids, 1);
	CU_ASSERT_EQUAL(memcmp(p.eids[0], eid, 32), 0);
	world_stop(&w);
}

static void reuse(struct clc_accept *a)
{
	a->first_contact = false;
	a->direct = false;
	a->os = a->release = a->max_conns = a->max_links = 0;
	a->hostname[0] = '\0';
}

static void as_v1(struct clc_accept *a) { reuse(a); a->version = CLC_V1; memset(a->eid, 0, 32); }
static void other_eid(struct clc_accept *a) { clc_eid_from_text("OTHER", a->eid); }
static void foreign_gid(struct clc_accept *a) { a->gid[15] = 9; }
static void conns_15(struct clc_accept *a) { a->max_conns = 15; }
static void links_0(struct clc_accept *a) { a->max_links = 0; }
static void links_3(struct clc_accept *a) { a->max_links = 3; }
static void release_2(struct clc_accept *a) { a->release = 2; }

static void accept__is_checked(void)
{
	static const struct {
		void (*change)(struct clc_accept *a);
		uint32_t diagnosis, reason;
		uint8_t version;
	} t[] = {
		{ reuse, SMC_RSN_SYNCERR, SMC_RSN_SYNCERR, 2 }, { as_v1, SMC_RSN_MODEUNSUPP, SMC_RSN_MODEUNSUPP, 1 },
		{ other_eid, SMC_RSN_MODEUNSUPP, SMC_RSN_MODEUNSUPP, 2 },
		{ foreign_gid, SMC_RSN_NOSMCRDEV, SMC_RSN_OWN_UNBOUND, 2 },
		{ conns_15, SMC_RSN_MAXCONNERR, SMC_RSN_MAXCONNERR, 2 },
		{ links_0, SMC_RSN_MAXLINKERR, SMC_RSN_MAXLINKERR, 2 },
		{ links_3, SMC_RSN_MAXLINKERR, SMC_RSN_MAXLINKERR, 2 },
		{ release_2, SMC_RSN_RELEASEERR, SMC_RSN_RELEASEERR, 2 },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++)
		for (unsigned singly = 0; singly < 2; singly++) {
			uint8_t buf[CLC_MAX_LEN], msg[CLC_MAX_LEN];
			struct clc_proposal p;
			struct clc_decline d;
			struct clc_accept a;
			uint32_t peer_reason;
			unsigned len;
			int n;

			world_start(&w, NULL);
			proposed(&p);
			a = peer_accept(p.eids[0], true);
			t[i].change(&a);
			n = clc_encode_accept(&a, buf);
			CU_ASSERT_TRUE_FATAL(n > 0);
			world_send(&w, buf, (unsigned)n, singly);
			CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_DECLINE);
			CU_ASSERT_EQUAL(clc_decode_decline(msg, len, &d), 0);
			CU_ASSERT_EQUAL(d.diagnosis, t[i].diagnosis);
			CU_ASSERT_EQUAL(d.version, t[i].version);
			CU_ASSERT_EQUAL(d.out_of_sync, t[i].diagnosis == SMC_RSN_SYNCERR);
			CU_ASSERT_STRING_EQUAL(w.seen, "C");
			CU_ASSERT_EQUAL(world_reason(&w, &peer_reason), t[i].reason);
			world_check_data(&w);
			world_stop(&w);
		}
}

/* First contact as far as a peer without RDMA can come: CONFIRM, 4 s without
 * CONFIRM LINK, 1 s for the peer's DECLINE, ours. */
static void confirm_link__times_out(void)
{
	for (unsigned peer_declines = 0; peer_declines < 2; peer_declines++) {
		uint8_t buf[CLC_MAX_LEN], msg[CLC_MAX_LEN];
		struct clc_proposal p;
		struct clc_decline d;
		struct clc_accept a, c;
		unsigned len;

		world_start(&w, NULL);
		proposed(&p);
		a = peer_accept(p.eids[0], true);
		a.mtu_code = 1;
		world_send(&w, buf, (unsigned)clc_encode_accept(&a, buf), false);
		CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_CONFIRM);
		CU_ASSERT_EQUAL(len, 180);
		CU_ASSERT_EQUAL(clc_decode_accept(msg, len, &c), 0);
		CU_ASSERT_TRUE(c.first_contact);
		CU_ASSERT_EQUAL(c.mtu_code, 1); /* the smaller one */
		CU_ASSERT_EQUAL(c.max_conns, 255);
		CU_ASSERT_EQUAL(c.release, 1);
		CU_ASSERT_EQUAL(memcmp(c.eid, a.eid, 32), 0);
		world_run(&w, 3800000);
		CU_ASSERT_EQUAL(w.in_len, 0);
		CU_ASSERT_STRING_EQUAL(w.seen, "");
		if (peer_declines == 1)
			world_send(&w, buf, (unsigned)clc_encode_decline(&(struct clc_decline){
				.version = CLC_V2, .diagnosis = SMC_RSN_TIMEOUT_CL }, buf), false);
		else
			world_run(&w, 1500000);
		CU_ASSERT_STRING_EQUAL(w.seen, "C");
		if (peer_declines == 0) {
			CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_DECLINE);
			CU_ASSERT_EQUAL(clc_decode_decline(msg, len, &d), 0);
			CU_ASSERT_EQUAL(d.diagnosis, SMC_RSN_TIMEOUT_CL);
		}
		world_check_data(&w);
		world_stop(&w);
	}
}

static void decline__instead_of_accept(void)
{
	uint8_t buf[CLC_MAX_LEN];
	struct clc_proposal p;
	uint32_t peer_reason;
	int n;

	world_start(&w, NULL);
	proposed(&p);
	n = clc_encode_decline(&(struct clc_decline){ .version = CLC_V2, .diagnosis = 0x12345678 }, buf);
	memcpy(buf + n, "hello", 5);
	world_send(&w, buf, (unsigned)n + 5, false);
	CU_ASSERT_STRING_EQUAL(w.seen, "C");
	CU_ASSERT_EQUAL(world_reason(&w, &peer_reason), SMC_RSN_PEERDECL);
	CU_ASSERT_EQUAL(peer_reason, 0x12345678);
	world_check_data(&w);
	world_stop(&w);
}

/* A middlebox that reflects the option (RFC 7609 has no protection): whatever is
 * not CLC, or silence, and we connect again without the option; and so does the
 * next one at once. Not an octet of the application went to the first. */
static void middlebox__connects_again(void)
{
	enum { HTTP, GARBAGE, SILENCE, FIN, RST, CASES };

	for (unsigned i = 0; i < CASES; i++) {
		struct clc_proposal p;
		uint32_t peer_reason;

		world_start(&w, NULL);
		proposed(&p);
		if (i == HTTP)
			world_send(&w, "HTTP/1.0 400 Bad Request\r\n\r\n", 28, false);
		else if (i == GARBAGE)
			world_send(&w, "\xe2\xd4\xc3\xd9\x09\x00\x08\x20", 8, false);
		else if (i == FIN || i == RST)
			world_peer_ends(&w, i == RST);
		world_run(&w, 6100000);
		CU_ASSERT_EQUAL(w.accepted, 2);
		CU_ASSERT_TRUE(w.opt[0]);
		CU_ASSERT_FALSE(w.opt[1]);
		CU_ASSERT_STRING_EQUAL(w.seen, "C");
		CU_ASSERT_EQUAL(world_reason(&w, &peer_reason),
				i == SILENCE ? SMC_RSN_OWN_NOANSWER : SMC_RSN_OWN_REFLECTED);
		world_check_data(&w);
		CU_ASSERT_EQUAL(sock_stats(sim_smc_socks(w.ours))->reconnected, 1);
		sock_abort(w.s);
		world_we_connect(&w);
		CU_ASSERT_EQUAL(w.accepted, 3);
		CU_ASSERT_FALSE(w.opt[2]);
		CU_ASSERT_EQUAL(world_reason(&w, &peer_reason), SMC_RSN_OWN_REMEMBERED);
		world_stop(&w);
	}
}

/* After a valid ACCEPT there is no connecting again: the end is the end. */
static void peer__ends_after_accept(void)
{
	uint8_t buf[CLC_MAX_LEN];
	struct clc_proposal p;
	struct clc_accept a;

	world_start(&w, NULL);
	proposed(&p);
	a = peer_accept(p.eids[0], true);
	world_send(&w, buf, (unsigned)clc_encode_accept(&a, buf), false);
	world_peer_ends(&w, true);
	CU_ASSERT_STRING_EQUAL(w.seen, "X");
	CU_ASSERT_EQUAL(w.error, ECONNRESET);
	CU_ASSERT_EQUAL(w.accepted, 1);
	world_stop(&w);
}

static void user__closes_in_each_state(void)
{
	for (unsigned state = 0; state < 2; state++)
		for (unsigned abortive = 0; abortive < 2; abortive++) {
			uint8_t buf[CLC_MAX_LEN];
			struct clc_proposal p;
			struct clc_accept a;

			world_start(&w, NULL);
			proposed(&p);
			a = peer_accept(p.eids[0], true);
			if (state == 1)
				world_send(&w, buf, (unsigned)clc_encode_accept(&a, buf), false);
			(abortive ? sock_abort : sock_close)(w.s);
			w.s = NULL;
			world_run(&w, 1000000);
			CU_ASSERT_TRUE(w.eof || w.reset);
			CU_ASSERT_STRING_EQUAL(w.seen, "");
			world_stop(&w);
		}
}

static void no_eid(struct sim_smc_conf *conf) { conf->smc.n_eids = 0; }
static void no_device(struct sim_smc_conf *conf) { conf->no_device = true; }
static void disabled(struct sim_smc_conf *conf) { conf->smc.enabled = false; }
static void no_handshakes(struct sim_smc_conf *conf) { conf->smc.handshakes_max = 0; }

static void peer_policy(struct sim_smc_conf *conf)
{
	conf->smc.n_policies = 2;
	conf->smc.policies[0] = (struct smc_policy){ .port = 1, .smc = true };
	conf->smc.policies[1] = (struct smc_policy){ .peer = sim_addr(0x0a000000), .prefix_len = 24, .port = WORLD_PORT };
}

/* Nothing of SMC leaves when it cannot come to anything. */
static void option__is_left_out(void)
{
	static const struct { void (*change)(struct sim_smc_conf *conf); uint32_t reason; } t[] = {
		{ no_eid, SMC_RSN_NOSMCDEV }, { no_device, SMC_RSN_NOSMCDEV }, { disabled, SMC_RSN_OWN_DISABLED },
		{ no_handshakes, SMC_RSN_OWN_LIMIT }, { peer_policy, SMC_RSN_OWN_POLICY },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		uint32_t peer_reason;

		world_start(&w, t[i].change);
		world_we_connect(&w);
		CU_ASSERT_EQUAL(w.accepted, 1);
		CU_ASSERT_FALSE(w.opt[0]);
		CU_ASSERT_STRING_EQUAL(w.seen, "C");
		CU_ASSERT_EQUAL(world_reason(&w, &peer_reason), t[i].reason);
		world_check_data(&w);
		CU_ASSERT_EQUAL(smc_stats(sim_smc_stack(w.ours))->role[SMC_CLIENT].fallbacks, 1);
		world_stop(&w);
	}
}

static void drop_eids(struct smc_stack *ss)
{
	CU_ASSERT_EQUAL(smc_set_eids(ss, NULL, 0), 0);
}

/* The device is gone between SYN and SYN-ACK: a DECLINE of version 1 comes first. */
static void decline__first_without_a_device(void)
{
	uint8_t msg[CLC_MAX_LEN];
	struct clc_decline d;
	unsigned len;

	world_start(&w, NULL);
	w.after_syn = drop_eids;
	world_we_connect(&w);
	CU_ASSERT_EQUAL(world_take(&w, msg, &len), CLC_DECLINE);
	CU_ASSERT_EQUAL(len, 28);
	CU_ASSERT_EQUAL(clc_decode_decline(msg, len, &d), 0);
	CU_ASSERT_EQUAL(d.diagnosis, SMC_RSN_NOSMCDEV);
	CU_ASSERT_STRING_EQUAL(w.seen, "C");
	world_check_data(&w);
	world_stop(&w);
}

static const struct test_case cases[] = {
	TEST_CASE(proposal__says_what_we_are),
	TEST_CASE(accept__is_checked),
	TEST_CASE(confirm_link__times_out),
	TEST_CASE(decline__instead_of_accept),
	TEST_CASE(middlebox__connects_again),
	TEST_CASE(peer__ends_after_accept),
	TEST_CASE(user__closes_in_each_state),
	TEST_CASE(option__is_left_out),
	TEST_CASE(decline__first_without_a_device),
};

int main(int argc, char **argv)
{
	test_eal_init();
	return test_run("smc-peer-client", cases, RTE_DIM(cases), argc > 1 ? argv[1] : NULL);
}
