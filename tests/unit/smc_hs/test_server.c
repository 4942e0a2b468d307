/* SPDX-License-Identifier: BSD-3-Clause */
/* The passive side's handshake against a scripted peer. */
#include <errno.h>

#include "tests/unit/smc_hs/fixture.h"

/* The ACCEPT that went out, first contact or reuse. */
static void
accept_of_ours(struct clc_accept *a)
{
	uint8_t buf[CLC_MAX_LEN];
	int len = hx_sent(buf);

	CU_ASSERT_EQUAL_FATAL(clc_type(buf), CLC_ACCEPT);
	CU_ASSERT_EQUAL_FATAL(clc_decode_accept(buf, (size_t)len, a), 0);
	CU_ASSERT_EQUAL(len, a->first_contact ? 160 : 108);
	CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
}

/* A proposal in, up to our ACCEPT. */
static void
to_accept(struct clc_accept *a)
{
	struct clc_proposal p;

	hx_open(NULL);
	hx_accept();
	hx_proposal(&p);
	hx_say_proposal(&p);
	while (hx.wait != NULL)
		hx_done(0);
	accept_of_ours(a);
}

/* Items 11, 13, 14, 15, 18, 19, 31: a client of Linux, whose Peer ID is zero. */
static void server__first_contact(void)
{
	static const uint8_t zero[8];
	struct clc_accept a, confirm;

	to_accept(&a);
	CU_ASSERT_EQUAL(hx.creates, 1);
	CU_ASSERT_EQUAL(memcmp(hx.created_for, zero, 8), 0);
	CU_ASSERT(a.version == CLC_V2 && a.first_contact && a.release == CLC_RELEASE_V21);
	CU_ASSERT_EQUAL(memcmp(a.eid, hx.ss.conf.eids[0].b, 32), 0);
	CU_ASSERT(a.token == 11 && a.qpn == 0x12 && a.psn == 0xabcdef && a.rmbe_idx == 1);
	CU_ASSERT(a.rkey == 0x1234 && a.rmb_addr == 0x7f0000010000 && a.size_code == 2 && a.mtu_code == 3);
	CU_ASSERT(a.direct && a.os == CLC_OS_LINUX && a.max_conns == 255 && a.max_links == 1);
	CU_ASSERT_STRING_EQUAL(a.hostname, "gw1");
	CU_ASSERT_EQUAL(hx.connects, 0);

	hx_confirm_msg(&confirm, &a);
	hx_say_accept(&confirm);
	CU_ASSERT_EQUAL_FATAL(hx.waits_for, HX_CONNECT);
	CU_ASSERT(hx.connected_to.qpn == 0x99 && hx.connected_to.psn == 0x123456);
	CU_ASSERT_EQUAL(hx.connected_to.mtu, 3); /* the smaller one */
	hx_done(0);
	CU_ASSERT_EQUAL_FATAL(hx.waits_for, HX_LINK);
	CU_ASSERT_EQUAL(hx.decided, 0);
	hx_done(0);
	HX_DECIDED(SMC_OUT_SMC, 0, 0);
	CU_ASSERT(hx.active && hx.c->rmb->announced);
	CU_ASSERT(hx.c->peer_token == 5 && hx.c->peer_rkey == 0x777);
	CU_ASSERT(hx.c->peer_size == 32768 && hx.c->peer_addr == 0x10000);
	CU_ASSERT_STRING_EQUAL(hx.lgr.terms.hostname, "peer");
	CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
	hx_close();
}

/* Items 38, 74: the key is confirmed before ACCEPT; the queue pair is left alone. */
static void server__reuse(void)
{
	struct clc_accept a, confirm;
	struct clc_proposal p;

	hx_open(NULL);
	hx_reuse();
	hx_accept();
	hx_proposal(&p);
	hx_say_proposal(&p);
	hx_until(HX_RKEY);
	CU_ASSERT_EQUAL(hx.tcp.out_len, 0);
	hx_done(0);
	accept_of_ours(&a);
	CU_ASSERT(!a.first_contact && hx.creates == 0);
	hx_confirm_msg(&confirm, &a);
	confirm.psn = 0xffffff;
	hx_say_accept(&confirm);
	HX_DECIDED(SMC_OUT_SMC, 0, 0);
	CU_ASSERT_EQUAL(hx.connects, 0);
	hx_close();
}

/* Item 12: an octet a segment; what follows a DECLINE of ours is left for TCP. */
static void server__octet_by_octet(void)
{
	uint8_t buf[CLC_MAX_LEN];
	struct clc_proposal p;
	int len;

	hx_open(NULL);
	hx_accept();
	hx_proposal(&p);
	p.n_eids = 1;           /* not ours */
	len = clc_encode_proposal(&p, buf);
	for (int i = 0; i + 1 < len; i++) {
		hx_says(buf + i, 1);
		CU_ASSERT_EQUAL(hx.decided, 0);
		CU_ASSERT_EQUAL(hx.tcp.out_len, 0);
	}
	buf[len] = 'G';
	buf[len + 1] = 'E';
	hx_says(buf + len - 1, 3);
	HX_DECIDED(SMC_OUT_TCP, SMC_RSN_NOSMCDEV, 0);
	CU_ASSERT_EQUAL(hx.tcp.in_len - hx.tcp.in_at, 2);
	CU_ASSERT(hx.last.tcp == &hx.tcp && hx.last.declined && (hx.last.tcp_events & TCP_EV_READABLE));
	hx_close();
}

/* Items 10, 16, 17, 20, 28: what each proposal is declined for. */
static void server__declines(void)
{
	static const struct {
		uint32_t reason, wire;
		uint8_t version;
	} cases[] = {
		{ SMC_RSN_NOSMCDEV, 0x03030000, 2 },    /* no EID in common */
		{ SMC_RSN_NOUEID, 0x03030008, 2 },      /* none at all */
		{ SMC_RSN_OWN_UNBOUND, 0x03030002, 2 }, /* another's RDMA address */
		{ SMC_RSN_MAXCONNERR, 0x0303000a, 2 },  /* 15 connections */
		{ SMC_RSN_MAXLINKERR, 0x0303000b, 2 },  /* no link */
		{ SMC_RSN_NOSMCDEV, 0x03030000, 2 },    /* version 1, same subnet */
		{ SMC_RSN_DIFFPREFIX, 0x03070000, 2 },  /* another network */
		{ SMC_RSN_DIFFPREFIX, 0x03070000, 2 },  /* another length */
		{ SMC_RSN_NOSMCDEV, 0x03030000, 1 },    /* of RFC 7609 */
	};
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct clc_proposal p;

		hx_open(NULL);
		hx_accept();
		hx_proposal(&p);
		switch (i) {
		case 0:
			p.n_eids = 1;
			break;
		case 1:
			p.n_eids = 0;
			break;
		case 2:
			p.gid2[15] = 3;
			break;
		case 3:
			p.max_conns = 15;
			break;
		case 4:
			p.max_links = 0;
			break;
		default:
			p.v1 = true;
			p.v2 = false;
			p.subnet4 = i == 6 ? 0x0a000100 : 0x0a000000;
			p.prefix4_len = i == 7 ? 23 : 24;
			if (i == 8) {
				p.version = CLC_V1;
				p.smcd_area = false;
			}
		}
		hx_say_proposal(&p);
		HX_DECIDED(SMC_OUT_TCP, cases[i].reason, 0);
		hx_declined(cases[i].version, cases[i].wire, false);
		CU_ASSERT(hx.last.tcp == &hx.tcp && !hx.tcp.closed && !hx.tcp.aborted);
		hx_close();
	}
}

/* Item 28: the smaller of both limits; 29: none with release 0. */
static void server__limits(void)
{
	static const struct {
		uint8_t release, conns, links;
		uint8_t agreed_release, agreed_conns, agreed_links;
	} cases[] = {
		{ 1, 255, 2, 1, 255, 1 }, { 1, 16, 1, 1, 16, 1 }, { 9, 100, 2, 1, 100, 1 }, { 0, 0, 0, 0, 0, 0 },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct clc_proposal p;
		struct clc_accept a;

		hx_open(NULL);
		hx_accept();
		hx_proposal(&p);
		p.release = cases[i].release;
		p.max_conns = cases[i].conns;
		p.max_links = cases[i].links;
		hx_say_proposal(&p);
		while (hx.wait != NULL)
			hx_done(0);
		accept_of_ours(&a);
		CU_ASSERT_EQUAL(a.release, cases[i].agreed_release);
		CU_ASSERT_EQUAL(a.max_conns, cases[i].agreed_conns);
		CU_ASSERT_EQUAL(a.max_links, cases[i].agreed_links);
		hx_close();
	}
}

/* Item 28: a CONFIRM that does not repeat what was agreed on. */
static void server__confirm_differs(void)
{
	for (unsigned i = 0; i < 5; i++) {
		static const uint32_t wire[] = { 0x03030009, 0x0303000a, 0x0303000b, 0x03030002, 0x09990001 };
		struct clc_accept a, confirm;

		to_accept(&a);
		hx_confirm_msg(&confirm, &a);
		confirm.release -= i == 0;
		confirm.max_conns -= i == 1;
		confirm.max_links += i == 2;
		confirm.gid[15] += i == 3;
		hx.rkey_rc = i == 4 ? -ENOSPC : 0;
		hx_say_accept(&confirm);
		CU_ASSERT_EQUAL(hx.decided, 1);
		CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_TCP);
		hx_declined(CLC_V2, wire[i], false);
		CU_ASSERT_EQUAL(hx.connects, 0);
		hx_close();
	}
}

/* Items 9, 15, 30: nonsense ends the connection without a DECLINE. */
static void server__malformed(void)
{
	for (unsigned i = 0; i < 6; i++) {
		struct clc_accept a, confirm;
		uint8_t buf[CLC_MAX_LEN];
		struct clc_proposal p;
		int len;

		hx_open(NULL);
		hx_accept();
		hx_proposal(&p);
		if (i < 3) {
			len = clc_encode_proposal(&p, buf);
			buf[i == 0 ? 0 : i == 1 ? 6 : len - 1] -= 1; /* eyecatcher, length, trailer */
			hx_says(buf, (size_t)len);
		} else {
			hx_say_proposal(&p);
			while (hx.wait != NULL)
				hx_done(0);
			accept_of_ours(&a);
			hx_confirm_msg(&confirm, &a);
			if (i == 3)
				confirm.type = CLC_ACCEPT;
			else if (i == 4)
				confirm.eid[0] = 'X';
			else
				confirm.first_contact = false;
			hx_say_accept(&confirm);
		}
		CU_ASSERT_EQUAL(hx.decided, 1);
		CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_FAILED);
		CU_ASSERT_EQUAL(hx.last.error, EPROTO);
		CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
		CU_ASSERT(hx.tcp.closed || hx.tcp.aborted);
		hx_close();
	}
}

/* Item 21: a DECLINE at any step, the very first message included. */
static void server__declined(void)
{
	for (unsigned step = 0; step < 8; step++) {
		struct clc_accept a, confirm;
		struct clc_proposal p;
		uint32_t sent;

		hx_open(NULL);
		hx_accept();
		if (step > 0) {
			hx_proposal(&p);
			hx_say_proposal(&p);
		}
		for (unsigned i = 1; i < step && hx.wait != NULL; i++)
			hx_done(0);
		if (step > 4) {
			accept_of_ours(&a);
			hx_confirm_msg(&confirm, &a);
			hx_say_accept(&confirm);
			if (step > 5)
				hx_done(0);
		}
		sent = hx.tcp.out_len;
		if (step == 7) { /* LATE: CONFIRM LINK timed out */
			hx_done(SMC_RSN_TIMEOUT_CL);
			CU_ASSERT_EQUAL(hx.decided, 0);
		}
		hx_say_decline(0x03030000, false);
		HX_DECIDED(SMC_OUT_TCP, SMC_RSN_PEERDECL, 0x03030000);
		CU_ASSERT(!hx.last.declined);
		CU_ASSERT_EQUAL(hx.tcp.out_len, sent);
		hx_close();
	}
}

/* What comes before it is due is left alone, unless it is a DECLINE. */
static void server__too_early(void)
{
	static const enum hx_kind at[] = { HX_GROUP, HX_SNDBUF, HX_RMB };

	for (unsigned i = 0; i < RTE_DIM(at); i++) {
		struct clc_accept a;
		struct clc_proposal p;

		hx_open(NULL);
		hx_accept();
		hx_proposal(&p);
		hx_say_proposal(&p);
		hx_until(at[i]);
		hx_says("HTTP/1.1 200", 12);
		CU_ASSERT_EQUAL(hx.decided, 0);
		CU_ASSERT_EQUAL(tcp_readable(&hx.tcp), 12);
		while (hx.wait != NULL)
			hx_done(0);
		accept_of_ours(&a);
		hx_says(" OK", 3);
		CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_FAILED);
		CU_ASSERT_EQUAL(hx.ss.stats.clc_bad, 1);
		hx_close();
	}
}

/* Item 34: no answer to CONFIRM LINK; the peer's DECLINE has a second. */
static void server__no_confirm_link(void)
{
	struct clc_accept a, confirm;

	to_accept(&a);
	hx_confirm_msg(&confirm, &a);
	hx_say_accept(&confirm);
	hx_until(HX_LINK);
	hx_done(SMC_RSN_TIMEOUT_CL);
	hx_advance(999000);
	CU_ASSERT_EQUAL(hx.decided, 0);
	hx_advance(2000);
	HX_DECIDED(SMC_OUT_TCP, SMC_RSN_TIMEOUT_CL, 0);
	hx_declined(CLC_V2, 0x02010000, false);
	CU_ASSERT(hx.last.declined);
	hx_close();
}

/* Item 33, and what else links and memory can answer. */
static void server__set_up_fails(void)
{
	static const struct {
		enum hx_kind at;
		uint32_t reason;
	} cases[] = {
		{ HX_GROUP, SMC_RSN_MEM }, { HX_GROUP, SMC_RSN_NOSMCDEV }, { HX_SNDBUF, SMC_RSN_ERR_REGBUF },
		{ HX_RMB, SMC_RSN_ERR_REGBUF }, { HX_CONNECT, SMC_RSN_ERR_RDYLNK }, { HX_LINK, SMC_RSN_RMBE_EC },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct clc_accept a, confirm;
		struct clc_proposal p;

		hx_open(NULL);
		hx_accept();
		hx_proposal(&p);
		hx_say_proposal(&p);
		if (cases[i].at >= HX_CONNECT) {
			while (hx.wait != NULL)
				hx_done(0);
			accept_of_ours(&a);
			hx_confirm_msg(&confirm, &a);
			hx_say_accept(&confirm);
		}
		hx_until(cases[i].at);
		hx_done(cases[i].reason);
		HX_DECIDED(SMC_OUT_TCP, cases[i].reason, 0);
		hx_declined(CLC_V2, cases[i].reason, false);
		hx_close();
	}
}

/* Item 23: silence. */
static void server__silence(void)
{
	struct clc_accept a;

	hx_open(NULL);
	hx_accept();
	hx_advance(5999000);
	CU_ASSERT_EQUAL(hx.decided, 0);
	hx_advance(2000);
	CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_FAILED);
	CU_ASSERT(hx.tcp.closed || hx.tcp.aborted);
	CU_ASSERT_EQUAL(hx.tcp.out_len, 0);
	hx_close();

	to_accept(&a);
	hx_advance(6001000);
	CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_FAILED);
	CU_ASSERT_EQUAL(hx.tcp.out_at, hx.tcp.out_len);
	hx_close();
}

/* A client that has many under way confirms one after the other: while others succeed its
 * CONFIRM is waited for, not for ever. */
static void server__client_is_busy(void)
{
	const struct net_addr addr = net_addr_v4(rte_cpu_to_be_32(0x0a000002));
	struct clc_accept a;
	unsigned s;

	to_accept(&a);
	for (s = 0; s < 60 && hx.decided == 0; s++) {
		smc_peer_find(&hx.ss, &addr)->ok_us = hx.now_us;
		hx_advance(1000000);
	}
	CU_ASSERT(s >= 30 && s <= 37);
	CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_FAILED);
	hx_close();
	/* They have stopped. */
	to_accept(&a);
	smc_peer_find(&hx.ss, &addr)->ok_us = hx.now_us + 1000000;
	hx_advance(1000000);
	hx_advance(5100000);
	CU_ASSERT_EQUAL(hx.decided, 0);
	hx_advance(6000000);
	CU_ASSERT_EQUAL(hx.last.outcome, SMC_OUT_FAILED);
	hx_close();
}

/* Item 25: the client does not know the group we reused. */
static void server__out_of_sync(void)
{
	struct clc_accept a;
	struct clc_proposal p;

	hx_open(NULL);
	hx_reuse();
	hx_accept();
	hx_proposal(&p);
	hx_say_proposal(&p);
	hx_until(HX_RKEY);
	hx_done(0);
	accept_of_ours(&a);
	hx_say_decline(SMC_RSN_SYNCERR, true);
	HX_DECIDED(SMC_OUT_TCP, SMC_RSN_PEERDECL, SMC_RSN_SYNCERR);
	CU_ASSERT_EQUAL(hx.ended, 1);
	hx_close();

	/* Of a group just being made there is nothing to end. */
	to_accept(&a);
	hx_say_decline(SMC_RSN_SYNCERR, true);
	CU_ASSERT_EQUAL(hx.ended, 0);
	hx_close();
}

static const struct test_case cases[] = {
	TEST_CASE(server__first_contact),
	TEST_CASE(server__reuse),
	TEST_CASE(server__octet_by_octet),
	TEST_CASE(server__declines),
	TEST_CASE(server__limits),
	TEST_CASE(server__confirm_differs),
	TEST_CASE(server__malformed),
	TEST_CASE(server__declined),
	TEST_CASE(server__too_early),
	TEST_CASE(server__no_confirm_link),
	TEST_CASE(server__set_up_fails),
	TEST_CASE(server__silence),
	TEST_CASE(server__client_is_busy),
	TEST_CASE(server__out_of_sync),
};
TEST_MAIN("server", cases)
