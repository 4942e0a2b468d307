/* SPDX-License-Identifier: BSD-3-Clause */
/* LLC against a scripted peer: links are confirmed, tested, added and deleted. */
#include "tests/unit/smc_link/fixture.h"

/* A group as far as the connected queue pair; held. */
static void connected(struct lf *f, enum smc_role role)
{
	f->lgr = lf_create(f, role);
	f->l = smc_lgr_link(f->lgr);
	lf_connect(f, f->l, &f->peer);
}

static void give_up(struct lf *f)
{
	smc_lgr_unhold(f->lgr);
	lf_fini(f);
}

/* ---- CONFIRM LINK, server ----------------------------------------------------- */

/* Item 31: the request, and not before a millisecond. */
static void smc_link_confirm__server_request(void)
{
	struct llc_msg msg, rsp;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	connected(&f, SMC_SERVER);
	smc_link_confirm(f.l, lf_wait(&w));
	lf_advance(&f, 900);
	LF_NONE(&f, &f.peer);
	lf_advance(&f, 100);
	lf_settle(&f);
	CU_ASSERT_EQUAL(f.peer.msgs[0].len, 44);
	CU_ASSERT_EQUAL(f.peer.msgs[0].b[0], 0x21);
	CU_ASSERT_EQUAL(f.peer.msgs[0].b[1], 0x2c);
	CU_ASSERT_EQUAL(f.peer.msgs[0].b[3], 0x03);
	lf_expect(&f, &f.peer, LLC_CONFIRM_LINK, false, &msg);
	CU_ASSERT_EQUAL(msg.confirm_link.link_id, 1);
	CU_ASSERT_EQUAL(msg.confirm_link.link_uid, 0x101);
	CU_ASSERT_EQUAL(msg.confirm_link.max_links, 2);
	CU_ASSERT_EQUAL(msg.confirm_link.max_conns, 0);
	CU_ASSERT_EQUAL(msg.confirm_link.qpn, rd_qp_num(f.l->qp));
	CU_ASSERT(memcmp(msg.confirm_link.gid, lf_gid_us.b, 16) == 0);
	CU_ASSERT_EQUAL(w.calls, 0);
	llc_respond(&msg, &rsp);
	rsp.confirm_link.link_uid = 0x77;
	lf_send_llc(&f, &f.peer, &rsp);
	LF_ENDED(w, 0);
	CU_ASSERT_EQUAL(f.l->peer_uid, 0x77);
	give_up(&f);
}

/* A Linux client may miss the first one: once more after 500 ms, no third. */
static void smc_link_confirm__server_repeats_once(void)
{
	struct llc_msg msg;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	connected(&f, SMC_SERVER);
	smc_link_confirm(f.l, lf_wait(&w));
	lf_advance(&f, 1000);
	lf_expect(&f, &f.peer, LLC_CONFIRM_LINK, false, &msg);
	lf_advance(&f, 499900);
	LF_NONE(&f, &f.peer);
	lf_advance(&f, 100);
	lf_expect(&f, &f.peer, LLC_CONFIRM_LINK, false, &msg);
	lf_advance(&f, 1499800);
	LF_NONE(&f, &f.peer);
	CU_ASSERT_EQUAL(w.calls, 0);
	/* Item 34: 2 s. */
	lf_advance(&f, 300);
	LF_ENDED(w, SMC_RSN_TIMEOUT_CL);
	CU_ASSERT_EQUAL(f.ss.stats.llc_timeouts, 1);
	CU_ASSERT_NOT_EQUAL(f.lgr->state, SMC_LGR_ACTIVE);
	give_up(&f);
}

/* What does not answer the request leaves it open; eyecatchers end it (33). */
static void smc_link_confirm__server_wrong_answers(void)
{
	static const struct { bool resp, no_eyecatcher; uint8_t id; bool ends; } t[] = {
		{ false, true, 1, false }, { true, true, 2, false }, { true, true, 0, false },
		{ true, false, 1, true },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct llc_msg msg, rsp;
		struct lf_wait w;
		struct lf f;

		lf_init(&f, NULL);
		connected(&f, SMC_SERVER);
		smc_link_confirm(f.l, lf_wait(&w));
		lf_advance(&f, 1000);
		lf_expect(&f, &f.peer, LLC_CONFIRM_LINK, false, &msg);
		rsp = msg;
		rsp.resp = t[i].resp;
		rsp.confirm_link.link_id = t[i].id;
		rsp.confirm_link.no_eyecatcher = t[i].no_eyecatcher;
		lf_send_llc(&f, &f.peer, &rsp);
		if (t[i].ends) {
			LF_ENDED(w, SMC_RSN_RMBE_EC);
		} else {
			CU_ASSERT_EQUAL(w.calls, 0);
			CU_ASSERT_EQUAL(f.ss.stats.llc_unexpected, 1);
			smc_wait_cancel(&f.ss, &w.w);
		}
		CU_ASSERT_EQUAL(f.l->state, SMC_LINK_ACTIVATING);
		give_up(&f);
	}
}

/* An answer to nothing: the request was not sent yet. */
static void smc_link_confirm__server_answer_too_early(void)
{
	struct llc_msg rsp;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	connected(&f, SMC_SERVER);
	smc_link_confirm(f.l, lf_wait(&w));
	lf_msg(LLC_CONFIRM_LINK, &rsp);
	rsp.resp = true;
	rsp.confirm_link.link_id = 1;
	rsp.confirm_link.no_eyecatcher = true;
	lf_send_llc(&f, &f.peer, &rsp);
	CU_ASSERT_EQUAL(w.calls, 0);
	CU_ASSERT_EQUAL(f.ss.stats.llc_unexpected, 1);
	smc_wait_cancel(&f.ss, &w.w);
	give_up(&f);
}

/* ---- CONFIRM LINK, client ------------------------------------------------------- */

static void confirm_request(struct llc_msg *msg)
{
	lf_msg(LLC_CONFIRM_LINK, msg);
	msg->confirm_link.link_id = 5;
	msg->confirm_link.link_uid = 0x505;
	msg->confirm_link.no_eyecatcher = true;
}

/* Item 32: also when it comes before it is waited for, and again when it is
 * repeated. */
static void smc_link_confirm__client_answers(void)
{
	for (unsigned early = 0; early < 2; early++) {
		struct llc_msg req, rsp;
		struct lf_wait w;
		struct lf f;

		lf_init(&f, NULL);
		connected(&f, SMC_CLIENT);
		confirm_request(&req);
		if (early) {
			lf_send_llc(&f, &f.peer, &req);
			LF_NONE(&f, &f.peer);
		}
		smc_link_confirm(f.l, lf_wait(&w));
		CU_ASSERT_EQUAL(w.calls, 0);
		if (!early)
			lf_send_llc(&f, &f.peer, &req);
		lf_expect(&f, &f.peer, LLC_CONFIRM_LINK, true, &rsp);
		LF_ENDED(w, 0);
		CU_ASSERT_EQUAL(rsp.confirm_link.link_id, 5);
		CU_ASSERT_EQUAL(rsp.confirm_link.link_uid, 0x105);
		CU_ASSERT(rsp.confirm_link.no_eyecatcher);
		CU_ASSERT_EQUAL(f.l->peer_uid, 0x505);
		CU_ASSERT_EQUAL(f.l->id, 5);
		CU_ASSERT_EQUAL(f.lgr->state, SMC_LGR_ACTIVE);
		lf_send_llc(&f, &f.peer, &req);
		lf_expect(&f, &f.peer, LLC_CONFIRM_LINK, true, &rsp);
		CU_ASSERT_EQUAL(w.calls, 1);
		give_up(&f);
	}
}

static void smc_link_confirm__client_times_out(void)
{
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	connected(&f, SMC_CLIENT);
	smc_link_confirm(f.l, lf_wait(&w));
	lf_advance(&f, 3999000);
	CU_ASSERT_EQUAL(w.calls, 0);
	lf_advance(&f, 2000);
	LF_ENDED(w, SMC_RSN_TIMEOUT_CL);
	LF_NONE(&f, &f.peer);
	give_up(&f);
}

static void smc_link_confirm__client_eyecatcher(void)
{
	struct llc_msg req;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	connected(&f, SMC_CLIENT);
	smc_link_confirm(f.l, lf_wait(&w));
	confirm_request(&req);
	req.confirm_link.no_eyecatcher = false;
	lf_send_llc(&f, &f.peer, &req);
	LF_ENDED(w, SMC_RSN_RMBE_EC);
	LF_NONE(&f, &f.peer);
	give_up(&f);
}

/* ---- ADD LINK ---------------------------------------------------------------------- */

/* Item 36: sent after the response, refused, and then keys are told. */
static void smc_link_confirm__server_offers_nothing(void)
{
	static const struct { uint8_t release, max_links; bool offers; } t[] = {
		{ 0, 2, true }, { 1, 2, true }, { 1, 1, false },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct llc_msg msg, rsp;
		struct lf_wait w;
		struct lf f;

		lf_init(&f, NULL);
		connected(&f, SMC_SERVER);
		f.lgr->terms.release = t[i].release;
		f.lgr->terms.max_links = t[i].max_links;
		smc_link_confirm(f.l, lf_wait(&w));
		lf_advance(&f, 1000);
		lf_expect(&f, &f.peer, LLC_CONFIRM_LINK, false, &msg);
		CU_ASSERT_EQUAL(msg.confirm_link.max_conns, t[i].release ? 255 : 0);
		LF_NONE(&f, &f.peer);
		llc_respond(&msg, &rsp);
		lf_send_llc(&f, &f.peer, &rsp);
		LF_ENDED(w, 0);
		if (t[i].offers) {
			lf_expect(&f, &f.peer, LLC_ADD_LINK, false, &msg);
			CU_ASSERT_EQUAL(msg.add_link.mtu_code, 0);
			CU_ASSERT_EQUAL(msg.add_link.link_id, 2);
			CU_ASSERT_EQUAL(f.lgr->llc->flow, SMC_FLOW_ADD_LINK);
			llc_reject(&msg, &rsp);
			lf_send_llc(&f, &f.peer, &rsp);
		}
		LF_NONE(&f, &f.peer);
		CU_ASSERT_EQUAL(f.lgr->llc->flow, SMC_FLOW_NONE);
		CU_ASSERT_EQUAL(f.ss.stats.llc_unexpected, 0);
		give_up(&f);
	}
}

static void smc_llc_add_link__no_answer(void)
{
	struct llc_msg msg, rsp;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	connected(&f, SMC_SERVER);
	smc_link_confirm(f.l, lf_wait(&w));
	lf_advance(&f, 1000);
	lf_expect(&f, &f.peer, LLC_CONFIRM_LINK, false, &msg);
	llc_respond(&msg, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	lf_expect(&f, &f.peer, LLC_ADD_LINK, false, &msg);
	lf_advance(&f, 2000100);
	CU_ASSERT_EQUAL(f.lgr->llc->flow, SMC_FLOW_NONE);
	CU_ASSERT_EQUAL(f.lgr->state, SMC_LGR_ACTIVE);
	/* And too late. */
	llc_reject(&msg, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	CU_ASSERT_EQUAL(f.ss.stats.llc_unexpected, 1);
	give_up(&f);
}

/* Items 35, 45: every form of it is refused at once by a client. */
static void smc_llc_add_link__client_rejects(void)
{
	static const struct { bool v2; unsigned keys; uint32_t len; uint8_t mtu; } t[] = {
		{ false, 0, 44, 3 }, { true, 1, 88, 3 }, { true, 255, 4152, 5 }, { true, 0, 72, 0 },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		static uint8_t keys[255 * LLC_KEY_LEN], buf[LLC_MAX_LEN];
		struct llc_msg msg, rsp;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, SMC_CLIENT);
		lf_msg(LLC_ADD_LINK, &msg);
		msg.v2 = t[i].v2;
		msg.add_link = (struct llc_add_link){ .qpn = 77, .link_id = 2, .mtu_code = t[i].mtu, .psn = 5,
						      .extended = t[i].v2, .n_keys = (uint16_t)t[i].keys,
						      .keys = keys };
		CU_ASSERT_EQUAL(llc_encode(&msg, buf, sizeof(buf)), (int)t[i].len);
		lf_send(&f, &f.peer, buf, t[i].len);
		CU_ASSERT_EQUAL(f.peer.msgs[0].len, 44);
		CU_ASSERT_EQUAL(f.peer.msgs[0].b[3], 0xc0);
		CU_ASSERT_EQUAL(f.peer.msgs[0].b[2], t[i].v2 ? 0 : 1);
		lf_expect(&f, &f.peer, LLC_ADD_LINK, true, &rsp);
		CU_ASSERT_EQUAL(rsp.add_link.link_id, 2);
		LF_NONE(&f, &f.peer);
		lf_fini(&f);
	}
}

static void smc_llc_req_add_link__answered_by_server(void)
{
	static const uint8_t gids[16 * 2];

	for (enum smc_role role = SMC_CLIENT; role <= SMC_SERVER; role++) {
		struct llc_msg msg, rsp;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, role);
		lf_msg(LLC_REQ_ADD_LINK, &msg);
		msg.req_add_link.n_gids = 2;
		msg.req_add_link.gids = gids;
		lf_send_llc(&f, &f.peer, &msg);
		if (role == SMC_SERVER) {
			lf_expect(&f, &f.peer, LLC_REQ_ADD_LINK, true, &rsp);
			CU_ASSERT_EQUAL(rsp.req_add_link.n_gids, 0);
		}
		LF_NONE(&f, &f.peer);
		lf_fini(&f);
	}
}

/* ---- TEST LINK ------------------------------------------------------------------------ */

/* Item 41: in every state, with the same octets. */
static void smc_llc_test_link__answered(void)
{
	struct llc_msg msg, rsp;
	struct lf_wait w;
	struct lf f;

	lf_init(&f, NULL);
	connected(&f, SMC_SERVER);
	lf_msg(LLC_TEST_LINK, &msg);
	memcpy(msg.test_data, "0123456789abcdef", 16);
	lf_send_llc(&f, &f.peer, &msg);
	lf_expect(&f, &f.peer, LLC_TEST_LINK, true, &rsp);
	smc_link_confirm(f.l, lf_wait(&w));
	lf_send_llc(&f, &f.peer, &msg);
	lf_expect(&f, &f.peer, LLC_TEST_LINK, true, &rsp);
	CU_ASSERT(memcmp(rsp.test_data, msg.test_data, 16) == 0);
	smc_wait_cancel(&f.ss, &w.w);
	give_up(&f);
}

/* Item 42: after 30 s of silence, then 2 s. */
static void smc_link_test__silence(void)
{
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	lf_advance(&f, 29900000);
	LF_NONE(&f, &f.peer);
	lf_advance(&f, 200000);
	lf_expect(&f, &f.peer, LLC_TEST_LINK, false, &msg);
	lf_advance(&f, 1800000);
	CU_ASSERT_EQUAL(lf_seen.lost, 0);
	lf_advance(&f, 200000);
	CU_ASSERT_EQUAL(lf_seen.lost, 1);
	CU_ASSERT_EQUAL(f.ss.stats.links_lost, 1);
	lf_fini(&f);
}

static void smc_link_test__answer_and_traffic(void)
{
	struct llc_msg msg, rsp;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_CLIENT);
	/* Traffic puts it off. */
	lf_advance(&f, 20000000);
	lf_msg(LLC_TEST_LINK, &msg);
	lf_send_llc(&f, &f.peer, &msg);
	lf_expect(&f, &f.peer, LLC_TEST_LINK, true, &rsp);
	lf_advance(&f, 29000000);
	LF_NONE(&f, &f.peer);
	lf_advance(&f, 1100000);
	lf_expect(&f, &f.peer, LLC_TEST_LINK, false, &msg);
	llc_respond(&msg, &rsp);
	lf_send_llc(&f, &f.peer, &rsp);
	lf_advance(&f, 10000000);
	CU_ASSERT_EQUAL(lf_seen.lost, 0);
	/* One that nobody asked for. */
	lf_send_llc(&f, &f.peer, &rsp);
	CU_ASSERT_EQUAL(f.ss.stats.llc_unexpected, 1);
	lf_fini(&f);
}

/* ---- DELETE LINK ----------------------------------------------------------------------- */

/* Items 43, 44 and section 3.7: who, what; what we answer, whether it is the end. */
static void smc_llc_delete_link__table(void)
{
	static const struct {
		enum smc_role role;
		bool all;
		uint8_t id;
		int answer;              /* -1 none; 0 response; 1 request of our own */
		uint32_t reason;
		bool over;
	} t[] = {
		{ SMC_CLIENT, true, 0, -1, 0, true },
		{ SMC_SERVER, true, 0, 1, LLC_DEL_OPERATOR, true },
		{ SMC_CLIENT, false, 1, 0, LLC_DEL_NONE, true },
		{ SMC_CLIENT, false, 9, 0, LLC_DEL_UNKNOWN_LINK, false },
		{ SMC_SERVER, false, 9, 0, LLC_DEL_UNKNOWN_LINK, false },
		{ SMC_SERVER, false, 1, 1, LLC_DEL_LOST_PATH, false },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct llc_msg msg, got;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, t[i].role);
		lf_msg(LLC_DELETE_LINK, &msg);
		msg.all = t[i].all;
		msg.orderly = true;
		msg.delete_link.link_id = t[i].id;
		msg.delete_link.reason = LLC_DEL_LOST_PATH;
		lf_send_llc(&f, &f.peer, &msg);
		if (t[i].answer >= 0) {
			lf_expect(&f, &f.peer, LLC_DELETE_LINK, t[i].answer == 0, &got);
			CU_ASSERT_EQUAL(got.delete_link.reason, t[i].reason);
			CU_ASSERT_EQUAL(got.delete_link.link_id, t[i].id);
			CU_ASSERT_EQUAL(got.all, t[i].all);
			CU_ASSERT(got.orderly);
		}
		LF_NONE(&f, &f.peer);
		CU_ASSERT_EQUAL(lf_seen.lost, t[i].over);
		if (t[i].over) {
			lf_advance(&f, 1000000);
			CU_ASSERT_EQUAL(f.ss.lgrs.used, 0);
		}
		lf_fini(&f);
	}
}

/* The queue pair stays for a moment, so that the message is acknowledged. */
static void smc_llc_delete_link__acknowledged(void)
{
	struct rd_info info;
	struct llc_msg msg;
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_CLIENT);
	lf_msg(LLC_DELETE_LINK, &msg);
	msg.all = true;
	lf_send_llc(&f, &f.peer, &msg);
	lf_settle(&f);
	CU_ASSERT_EQUAL(lf_seen.lost, 1);
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.qps, 1);
	lf_advance(&f, 5100);
	rd_query(f.us, &info);
	CU_ASSERT_EQUAL(info.qps, 0);
	lf_fini(&f);
}

/* A server runs the deletion a client asked for: no new connections, the end
 * with the response or after 2 s. */
static void smc_llc_delete_link__server_runs_it(void)
{
	for (unsigned answered = 0; answered < 2; answered++) {
		struct llc_msg msg, got, rsp;
		struct lf f;

		lf_init(&f, NULL);
		lf_first_contact(&f, SMC_SERVER);
		lf_msg(LLC_DELETE_LINK, &msg);
		msg.delete_link.link_id = 1;
		lf_send_llc(&f, &f.peer, &msg);
		lf_expect(&f, &f.peer, LLC_DELETE_LINK, false, &got);
		CU_ASSERT_PTR_NULL(smc_lgr_find(&f.ss, lf_peer_id, &lf_gid_them, &lf_addr_them, 2));
		/* Said twice. */
		lf_send_llc(&f, &f.peer, &msg);
		LF_NONE(&f, &f.peer);
		CU_ASSERT_EQUAL(lf_seen.lost, 0);
		llc_respond(&got, &rsp);
		rsp.delete_link.reason = LLC_DEL_UNKNOWN_LINK;
		if (answered)
			lf_send_llc(&f, &f.peer, &rsp);
		else
			lf_advance(&f, 2000100);
		CU_ASSERT_EQUAL(lf_seen.lost, 1);
		lf_fini(&f);
	}
}

/* ---- what is nothing ------------------------------------------------------------------------ */

/* Item 46: ignored, counted, nothing changes. */
static void smc_llc_input__nonsense(void)
{
	static const struct { uint8_t b[4]; uint32_t len; int counter; } t[] = {
		{ { 0x27, 0x2c, 0, 0 }, 43, 0 }, { { 0x27, 0x2c, 0, 0 }, 1, 0 }, { { 0x2a, 0x2c, 0, 0 }, 44, 1 },
		{ { 0x00, 0x2c, 0, 0 }, 44, 1 }, { { 0xff, 0x2c, 0, 0 }, 44, 1 }, { { 0x28, 0x2c, 0, 0 }, 44, 1 },
		{ { 0x21, 0x2c, 0, 0x83 }, 44, 2 }, { { 0x22, 0x2c, 0, 0x80 }, 44, 2 },
		{ { 0x22, 0x2c, 0, 0xc0 }, 44, 2 }, { { 0x24, 0x2c, 0, 0x80 }, 44, 2 },
		{ { 0x24, 0x2c, 0, 0xc0 }, 44, 2 }, { { 0x26, 0x2c, 0, 0x80 }, 44, 2 },
		{ { 0x27, 0x2c, 0, 0x80 }, 44, 2 }, { { 0x03, 0x2c, 0, 0x80 }, 44, 2 },
		{ { 0x25, 0x2c, 0, 0x80 }, 44, 2 },
	};

	for (enum smc_role role = SMC_CLIENT; role <= SMC_SERVER; role++) {
		for (unsigned i = 0; i < RTE_DIM(t); i++) {
			uint8_t buf[64] = { 0 };
			struct lf f;
			const uint64_t *counters[3] = { &f.ss.stats.llc_short, &f.ss.stats.llc_unknown,
							&f.ss.stats.llc_unexpected };

			lf_init(&f, NULL);
			lf_first_contact(&f, role);
			memcpy(buf, t[i].b, 4);
			lf_send(&f, &f.peer, buf, t[i].len);
			LF_NONE(&f, &f.peer);
			CU_ASSERT_EQUAL(*counters[t[i].counter], 1);
			CU_ASSERT_EQUAL(f.lgr->state, SMC_LGR_ACTIVE);
			CU_ASSERT_EQUAL(f.lgr->llc->flow, SMC_FLOW_NONE);
			CU_ASSERT_EQUAL(lf_seen.lost + lf_seen.cdc, 0);
			lf_fini(&f);
		}
	}
}

static void smc_llc_input__cdc_goes_by(void)
{
	uint8_t buf[44] = { 0xfe, 0x2c };
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	for (unsigned i = 0; i < 200; i++)
		lf_send(&f, &f.peer, buf, sizeof(buf));
	CU_ASSERT_EQUAL(lf_seen.cdc, 200);
	CU_ASSERT_EQUAL(f.l->cdc_in, 200);
	CU_ASSERT_EQUAL(f.ss.stats.llc_in, 1);
	lf_fini(&f);
}

/* More octets than any message has: the queue pair's error, the group's end. */
static void smc_llc_input__too_long(void)
{
	static uint8_t buf[LLC_MAX_LEN + 1] = { 0x22 };
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	lf_send(&f, &f.peer, buf, LLC_MAX_LEN);
	CU_ASSERT_EQUAL(lf_seen.lost, 0);
	lf_send(&f, &f.peer, buf, LLC_MAX_LEN + 1);
	lf_settle(&f);
	CU_ASSERT_EQUAL(lf_seen.lost, 1);
	lf_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(smc_link_confirm__server_request),
	TEST_CASE(smc_link_confirm__server_repeats_once),
	TEST_CASE(smc_link_confirm__server_wrong_answers),
	TEST_CASE(smc_link_confirm__server_answer_too_early),
	TEST_CASE(smc_link_confirm__client_answers),
	TEST_CASE(smc_link_confirm__client_times_out),
	TEST_CASE(smc_link_confirm__client_eyecatcher),
	TEST_CASE(smc_link_confirm__server_offers_nothing),
	TEST_CASE(smc_llc_add_link__no_answer),
	TEST_CASE(smc_llc_add_link__client_rejects),
	TEST_CASE(smc_llc_req_add_link__answered_by_server),
	TEST_CASE(smc_llc_test_link__answered),
	TEST_CASE(smc_link_test__silence),
	TEST_CASE(smc_link_test__answer_and_traffic),
	TEST_CASE(smc_llc_delete_link__table),
	TEST_CASE(smc_llc_delete_link__acknowledged),
	TEST_CASE(smc_llc_delete_link__server_runs_it),
	TEST_CASE(smc_llc_input__nonsense),
	TEST_CASE(smc_llc_input__cdc_goes_by),
	TEST_CASE(smc_llc_input__too_long),
};
TEST_MAIN("smc_llc", cases)
