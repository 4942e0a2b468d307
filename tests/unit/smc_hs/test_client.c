/* SPDX-License-Identifier: BSD-3-Clause */
/* The active side's handshake against a scripted peer, and crossing DECLINEs. */
#include <errno.h>

#include "tests/unit/smc_hs/fixture.h"

/* The PROPOSAL that went out. */
static void
proposal_of_ours(struct clc_proposal *p)
{
	uint8_t buf[CLC_MAX_LEN];
	int len = hx_sent(buf);

	CU_ASSERT_EQUAL_FATAL(clc_type(buf), CLC_PROPOSAL);
	CU_ASSERT_EQUAL_FATAL(clc_decode_proposal(buf, (size_t)len, p), 0);
	CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
}

static void
confirm_of_ours(struct clc_accept *a)
{
	uint8_t buf[CLC_MAX_LEN];
	int len = hx_sent(buf);

	CU_ASSERT_EQUAL_FATAL(clc_type(buf), CLC_CONFIRM);
	CU_ASSERT_EQUAL_FATAL(clc_decode_accept(buf, (size_t)len, a), 0);
	CU_ASSERT_EQUAL(len, a->first_contact ? 180 : 108);
	CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
}

static void
begin(struct clc_proposal *p)
{
	hx_open(NULL);
	hx_connect();
	proposal_of_ours(p);
}

/* Items 13, 14, 15, 18, 32: the queue pair is ready before CONFIRM leaves. */
static void client__first_contact(void)
{
	struct clc_proposal p;
	struct clc_accept a, ours;

	begin(&p);
	CU_ASSERT(p.v2 && !p.v1 && p.release == CLC_RELEASE_V21 && p.n_eids == 1);
	CU_ASSERT_EQUAL(memcmp(p.peer_id, hx.ss.conf.peer_id, 8), 0); /* Linux's are zero, ours not */
	CU_ASSERT(p.gid[15] == 1 && p.gid2[15] == 1 && p.mac[5] == 1);
	CU_ASSERT(p.max_conns == 255 && p.max_links == 1);

	hx_accept_msg(&a, true);
	a.mtu_code = 2;
	hx_say_accept(&a);
	hx_until(HX_CONNECT);
	CU_ASSERT_EQUAL(memcmp(hx.created_for, a.peer_id, 8), 0);
	CU_ASSERT(hx.connected_to.qpn == 0x99 && hx.connected_to.psn == 0x123456 && hx.connected_to.mtu == 2);
	CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
	hx_done(0);
	confirm_of_ours(&ours);
	CU_ASSERT(ours.first_contact && ours.mtu_code == 2 && ours.release == CLC_RELEASE_V21);
	CU_ASSERT(ours.max_conns == 255 && ours.max_links == 1 && ours.n_gids == 1);
	CU_ASSERT_EQUAL(memcmp(ours.eid, a.eid, CLC_EID_LEN), 0);
	CU_ASSERT_EQUAL(memcmp(ours.gids[0], ours.gid, 16), 0);
	CU_ASSERT_EQUAL_FATAL(hx.waits_for, HX_LINK);
	hx_done(0);
	HX_DECIDED(SMC_OUT_SMC, 0, 0);
	CU_ASSERT(hx.active && hx.c->peer_size == 32768);
	hx_close();
}

/* Items 38, 74. */
static void client__reuse(void)
{
	struct clc_proposal p;
	struct clc_accept a, ours;

	begin(&p);
	hx_accept_msg(&a, false);
	a.rmbe_idx = 3;
	hx_say_accept(&a);
	hx_until(HX_RKEY);
	CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
	hx_done(0);
	confirm_of_ours(&ours);
	CU_ASSERT(!ours.first_contact);
	HX_DECIDED(SMC_OUT_SMC, 0, 0);
	CU_ASSERT(hx.creates == 0 && hx.connects == 0);
	CU_ASSERT_EQUAL(hx.c->peer_addr, 0x10000 + 2 * 32768);
	hx_close();
}

/* Items 15, 26, 27, 28: what an ACCEPT is declined for. */
static void client__declines(void)
{
	enum { EID, GID, RELEASE, CONNS, NO_LINK, LINKS, NO_GROUP, UNKNOWN_LINK, NO_KEYS, V1, N };
	static const uint32_t wire[N] = {
		0x03040000, 0x03030002, 0x03030009, 0x0303000a, 0x0303000b, 0x0303000b, 0x04000000, 0x030b0000,
		0x09990001, 0x03040000,
	};

	for (unsigned i = 0; i < N; i++) {
		struct clc_proposal p;
		struct clc_accept a;

		begin(&p);
		hx_accept_msg(&a, i != NO_GROUP && i != UNKNOWN_LINK);
		if (i == EID)
			clc_eid_from_text("OTHER", a.eid);
		a.gid[15] += i == GID;
		a.release += i == RELEASE;
		if (i == CONNS)
			a.max_conns = 15;
		if (i == NO_LINK || i == LINKS)
			a.max_links = i == LINKS ? 3 : 0;
		if (i == V1)
			a.version = CLC_V1;
		hx.accept_reason = i == NO_GROUP ? SMC_RSN_SYNCERR : i == UNKNOWN_LINK ? SMC_RSN_NOSRVLINK : 0;
		hx.rkey_rc = i == NO_KEYS ? -ENOSPC : 0;
		hx_say_accept(&a);
		CU_ASSERT_EQUAL(hx.decided, 1);
		CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_TCP);
		hx_declined(i == V1 ? CLC_V1 : CLC_V2, wire[i], i == NO_GROUP);
		CU_ASSERT(hx.last.declined && hx.last.tcp == &hx.tcp);
		hx_close();
	}
}

/* The least that may be agreed on, and the most. */
static void client__limits(void)
{
	static const uint8_t limits[][2] = { { 16, 1 }, { 255, 2 } };

	for (unsigned i = 0; i < RTE_DIM(limits); i++) {
		struct clc_proposal p;
		struct clc_accept a, ours;

		begin(&p);
		hx_accept_msg(&a, true);
		a.max_conns = limits[i][0];
		a.max_links = limits[i][1];
		hx_say_accept(&a);
		hx_until(HX_CONNECT);
		CU_ASSERT(hx.lgr.terms.max_conns == a.max_conns && hx.lgr.terms.max_links == a.max_links);
		hx_done(0);
		confirm_of_ours(&ours);
		CU_ASSERT(ours.max_conns == a.max_conns && ours.max_links == a.max_links);
		hx_close();
	}
}

/* Item 29. */
static void client__release_0(void)
{
	struct clc_proposal p;
	struct clc_accept a, ours;

	begin(&p);
	hx_accept_msg(&a, true);
	a.release = CLC_RELEASE_V20;
	a.max_conns = a.max_links = 0;
	hx_say_accept(&a);
	hx_until(HX_CONNECT);
	CU_ASSERT(hx.lgr.terms.max_conns == 255 && hx.lgr.terms.max_links == 2);
	hx_done(0);
	confirm_of_ours(&ours);
	CU_ASSERT(ours.release == 0 && ours.max_conns == 0 && ours.max_links == 0 && ours.features == 0);
	hx_close();
}

/* No device any more: a DECLINE is the first message, told later. */
static void client__no_device(void)
{
	hx_open(NULL);
	hx.no_device = true;
	hx_connect();
	CU_ASSERT_EQUAL(hx.decided, 0);
	hx_declined(CLC_V1, 0x03030000, false);
	hx_advance(1000);
	HX_DECIDED(SMC_OUT_TCP, SMC_RSN_NOSMCDEV, 0);
	hx_close();
}

/* Item 21. */
static void client__declined(void)
{
	static const enum hx_kind at[] = { HX_NOTHING, HX_GROUP, HX_SNDBUF, HX_RMB, HX_CONNECT, HX_LINK };

	for (unsigned i = 0; i < RTE_DIM(at); i++) {
		struct clc_proposal p;
		struct clc_accept a;
		uint32_t sent;

		begin(&p);
		if (at[i] != HX_NOTHING) {
			hx_accept_msg(&a, true);
			hx_say_accept(&a);
			hx_until(at[i]);
		}
		sent = hx.tcp.out_len;
		hx_say_decline(0x99990000, false);
		HX_DECIDED(SMC_OUT_TCP, SMC_RSN_PEERDECL, 0x99990000);
		CU_ASSERT(!hx.last.declined && hx.tcp.out_len == sent);
		hx_close();
	}
}

/* A DECLINE and data in one segment: the data is left. */
static void client__declined_with_data_behind(void)
{
	uint8_t buf[CLC_MAX_LEN];
	struct clc_decline d = { .version = CLC_V1, .diagnosis = 0x03030000 };
	struct clc_proposal p;
	int len;

	begin(&p);
	len = clc_encode_decline(&d, buf);
	memcpy(buf + len, "data", 4);
	hx_says(buf, (size_t)len + 4);
	HX_DECIDED(SMC_OUT_TCP, SMC_RSN_PEERDECL, 0x03030000);
	CU_ASSERT_EQUAL(hx.tcp.in_len - hx.tcp.in_at, 4);
	CU_ASSERT(hx.last.tcp_events & TCP_EV_READABLE);
	hx_close();
}

/* A middlebox that reflects the option, or a server that keeps silent: nothing
 * of the application was sent, so TCP can begin anew; the peer is remembered. */
static void client__no_clc_behind_the_option(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct net_addr peer = net_addr_v4(rte_cpu_to_be_32(0x0a000002));
		struct clc_proposal p;
		uint32_t sent, reason;

		begin(&p);
		sent = hx.tcp.out_len;
		if (i == 0) {
			hx_says("H", 1);
		} else if (i == 1) {
			hx_says("\xe2\xd4\xc3\xd9\x02\xff", 6);
			hx_says("\xff\x28", 2);
		} else if (i == 2) {
			hx_advance(6001000);
		} else {
			hx.tcp.error = ECONNRESET;
			smc_tcp_event(hx.tcp.user, TCP_EV_CLOSED);
		}
		CU_ASSERT_EQUAL(hx.decided, 1);
		CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_RECONNECT);
		CU_ASSERT_EQUAL(hx.tcp.out_len, sent);
		CU_ASSERT(hx.tcp.aborted || hx.tcp.closed);
		CU_ASSERT_FALSE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
		CU_ASSERT_EQUAL(reason, SMC_RSN_OWN_REMEMBERED);
		hx_advance(60001000);
		CU_ASSERT_TRUE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
		hx_close();
	}
}

/* What cannot come to anything is not begun: neither SYN nor SYN-ACK say SMC. */
static void offer__room(void)
{
	static const struct { bool memory, groups; uint32_t reason; } rows[] = {
		{ true, true, 0 }, { false, true, SMC_RSN_MEM }, { true, false, SMC_RSN_OWN_LIMIT },
		{ false, false, SMC_RSN_MEM },
	};
	const struct net_addr peer = net_addr_v4(rte_cpu_to_be_32(0x0a000002));
	struct net_flow flow = { .family = NET_IPV4 };

	memcpy(flow.raddr, peer.b, sizeof(flow.raddr));
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint32_t reason = 1;

		hx_open(NULL);
		hx.no_memory = !rows[i].memory;
		hx.no_groups = !rows[i].groups;
		CU_ASSERT_EQUAL(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason), rows[i].reason == 0);
		CU_ASSERT_EQUAL(reason, rows[i].reason);
		CU_ASSERT_EQUAL(smc_answer(&hx.ss, &flow, "", &reason), rows[i].reason == 0);
		CU_ASSERT_EQUAL(reason, rows[i].reason);
		CU_ASSERT_EQUAL(hx.ss.stats.refused_memory, rows[i].memory ? 0 : 2);
		hx_close();
	}
}

/* The answer to one of whom nothing is known is remembered, until something changes. */
static void offer__strangers(void)
{
	const struct net_addr peer = net_addr_v4(rte_cpu_to_be_32(0x0a000002));
	const struct smc_policy no = { .peer = { .family = NET_UNSPEC }, .port = 80 };
	struct smc_eid eid;
	uint32_t reason;

	hx_open(NULL);
	eid = hx.ss.conf.eids[0];
	for (unsigned i = 0; i < 3; i++) {
		reason = 1;
		CU_ASSERT_TRUE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
		CU_ASSERT_EQUAL(reason, 0);
		CU_ASSERT_TRUE(hx.ss.strangers_may);
	}
	CU_ASSERT_EQUAL(smc_set_eids(&hx.ss, NULL, 0), 0);
	CU_ASSERT_FALSE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
	CU_ASSERT_EQUAL(reason, SMC_RSN_NOSMCDEV);
	CU_ASSERT_EQUAL(smc_set_eids(&hx.ss, &eid, 1), 0);
	CU_ASSERT_TRUE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
	CU_ASSERT_EQUAL(smc_set_policies(&hx.ss, &no, 1), 0);
	CU_ASSERT_FALSE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
	CU_ASSERT_EQUAL(reason, SMC_RSN_OWN_POLICY);
	/* With policies it depends on who asks. */
	CU_ASSERT_TRUE(smc_offer(&hx.ss, &peer, RTE_BE16(81), "", &reason));
	CU_ASSERT_FALSE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
	CU_ASSERT_EQUAL(smc_set_policies(&hx.ss, NULL, 0), 0);
	CU_ASSERT_TRUE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
	/* What is in use counts again. */
	hx.ss.lgrs.used = 1;
	hx.no_memory = true;
	CU_ASSERT_FALSE(smc_offer(&hx.ss, &peer, RTE_BE16(80), "", &reason));
	hx.ss.lgrs.used = 0;
	hx_close();
}

/* A set-up that fails counts against the peer, but for one that fails with our device. */
static void client__device_off_meanwhile(void)
{
	for (unsigned on = 0; on < 2; on++) {
		const struct net_addr addr = net_addr_v4(rte_cpu_to_be_32(0x0a000002));
		struct clc_proposal p;
		struct clc_accept a;

		begin(&p);
		hx_accept_msg(&a, true);
		hx_say_accept(&a);
		hx_until(HX_RMB);
		hx_device(on);
		hx_done(SMC_RSN_ERR_REGBUF);
		HX_DECIDED(SMC_OUT_TCP, SMC_RSN_ERR_REGBUF, 0);
		CU_ASSERT_EQUAL(smc_peer_find(&hx.ss, &addr)->failures, on);
		CU_ASSERT_EQUAL(smc_peer_find(&hx.ss, &addr)->reason, SMC_RSN_ERR_REGBUF);
		hx_device(true);
		hx_close();
	}
}

/* Once it spoke CLC it is no middlebox: failing is final. */
static void client__silence_after_accept(void)
{
	struct clc_proposal p;
	struct clc_accept a;

	begin(&p);
	hx_accept_msg(&a, true);
	hx_say_accept(&a);
	hx_until(HX_LINK);
	hx_done(SMC_RSN_TIMEOUT_CL);
	hx_advance(1001000);
	HX_DECIDED(SMC_OUT_TCP, SMC_RSN_TIMEOUT_CL, 0);
	hx_close();
}

/* The user leaves at each step: nothing is told, nothing is left. */
static void client__closed_at_any_step(void)
{
	static const enum hx_kind at[] = { HX_NOTHING, HX_GROUP, HX_SNDBUF, HX_RMB, HX_CONNECT, HX_LINK };

	for (unsigned i = 0; i < RTE_DIM(at); i++) {
		struct clc_proposal p;
		struct clc_accept a;

		begin(&p);
		if (at[i] != HX_NOTHING) {
			hx_accept_msg(&a, true);
			hx_say_accept(&a);
			hx_until(at[i]);
		}
		smc_hs_abort(hx.c);
		CU_ASSERT_EQUAL(hx.decided, 0);
		CU_ASSERT(hx.tcp.closed || hx.tcp.aborted);
		hx_close();
	}
}

/* TCP takes no octets: an error, and nothing half said. */
static void client__tcp_is_full(void)
{
	hx_open(NULL);
	hx.tcp.full = true;
	hx_connect();
	hx_advance(1000);
	CU_ASSERT_EQUAL(hx.decided, 1);
	CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_FAILED);
	hx_close();
}

/* Item 22: exactly a DECLINE is swallowed, whole, and nothing else. */
static void swallow__exactly_a_decline(void)
{
	static const uint8_t v1[28] = { 0xe2, 0xd4, 0xc3, 0xd9, 4, 0, 28, 0x10, [16] = 3, 3, [24] = 0xe2, 0xd4, 0xc3, 0xd9 };
	static const uint8_t v2[44] = { 0xe2, 0xd4, 0xc3, 0xd9, 4, 0, 44, 0x20, [16] = 3, 3, [40] = 0xe2, 0xd4, 0xc3, 0xd9 };
	static const uint8_t accept[28] = { 0xe2, 0xd4, 0xc3, 0xd9, 2, 0, 28, 0x10 };
	static const uint8_t wrong[44] = { 0xe2, 0xd4, 0xc3, 0xd9, 4, 0, 44, 0x10 };
	static const struct {
		const void *octets;
		uint32_t len, left;
		int rc;
	} cases[] = {
		{ v1, 28, 0, 0 }, { v2, 44, 0, 0 }, { v1, 27, 27, -EAGAIN }, { v1, 8, 8, -EAGAIN }, { v2, 43, 43, -EAGAIN },
		{ v1, 1, 1, -EAGAIN }, { "GET /", 5, 5, 0 }, { "", 0, 0, 0 }, { accept, 28, 28, 0 }, { wrong, 44, 44, 0 },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		for (unsigned behind = 0; behind < 2; behind++) {
			hx_open(NULL);
			memcpy(hx.tcp.in, cases[i].octets, cases[i].len);
			hx.tcp.in_len = cases[i].len;
			if (behind && cases[i].rc == 0) {
				memcpy(hx.tcp.in + hx.tcp.in_len, "more", 4);
				hx.tcp.in_len += 4;
			}
			CU_ASSERT_EQUAL(smc_swallow(&hx.ss, &hx.tcp), cases[i].rc);
			CU_ASSERT_EQUAL(tcp_readable(&hx.tcp), cases[i].left + (behind && cases[i].rc == 0 ? 4 : 0));
			CU_ASSERT_EQUAL(hx.ss.stats.swallowed_declines, cases[i].len > 0 && cases[i].left == 0);
			hx_close();
		}
	}
}

static const struct test_case cases[] = {
	TEST_CASE(client__first_contact),
	TEST_CASE(client__reuse),
	TEST_CASE(client__declines),
	TEST_CASE(client__limits),
	TEST_CASE(client__release_0),
	TEST_CASE(client__no_device),
	TEST_CASE(client__declined),
	TEST_CASE(client__declined_with_data_behind),
	TEST_CASE(client__no_clc_behind_the_option),
	TEST_CASE(client__device_off_meanwhile),
	TEST_CASE(offer__room),
	TEST_CASE(offer__strangers),
	TEST_CASE(client__silence_after_accept),
	TEST_CASE(client__closed_at_any_step),
	TEST_CASE(client__tcp_is_full),
	TEST_CASE(swallow__exactly_a_decline),
};
TEST_MAIN("client", cases)
