/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN cookies and limits. */
#include "tests/unit/tcp/scenarios.h"

/* 42: the cookie of one connection does not fit another, nor with a bit changed. */
static void foreign_cookie(struct script *sc)
{
	uint32_t cookie;

	script_step(sc, "P> S 0 w65535 mss1460");
	script_step(sc, "U> SA 0 a1");
	cookie = script_u_isn(sc, 0) - script_u_isn(sc, 1) + 1;
	script_step(sc, "P2> A %d a%d", (int)(script_p_isn(sc, 0) - script_p_isn(sc, 1)) + 1, (int)cookie);
	script_step(sc, "U2> R %d", (int)cookie);
	for (unsigned bit = 3; bit < 32; bit += 4) /* the lower ones choose the MSS */ {
		int ack = (int)(((script_u_isn(sc, 0) + 1) ^ (1u << bit)) - script_u_isn(sc, 0));

		script_step(sc, "P> A 1 a%d", ack);
		script_step(sc, "U> R %d", ack);
	}
	script_step(sc, "P> A 1 a1");
	script_step(sc, "ev accept");
	script_step(sc, "stat syn_cookies_failed >= 7");
}

static void rotate(struct script *sc)
{
	struct tcp_secrets *s = sim_secrets(script_host(sc));

	memcpy(s->cookie[1], s->cookie[0], sizeof(s->cookie[0]));
	for (unsigned i = 0; i < 2; i++)
		s->cookie[0][i] = (struct siphash_key){ sim_random(script_sim(sc)),
			sim_random(script_sim(sc)) };
}

/* 44 */
static void key_rotation(struct script *sc)
{
	script_step(sc, "P> S 0 w65535 mss1460");
	script_step(sc, "U> SA 0 a1");
	script_step(sc, "P2> S 0 w65535 mss1460");
	script_step(sc, "U2> SA 0 a1");
	rotate(sc);
	script_step(sc, "P> A 1 a1");
	script_step(sc, "ev accept");
	rotate(sc);
	script_step(sc, "P2> A 1 a1");
	script_step(sc, "U2> R 1");
}

/* 45: an ACK flood at a listener that issued no cookie. */
static void ack_flood(struct script *sc)
{
	for (unsigned i = 0; i < 200; i++) {
		script_step(sc, "P> A %u a%u", i, i * 3);
		script_step(sc, "U?> R %u", i * 3);
	}
	script_step(sc, "stat out_rsts < 40");
	script_step(sc, "drop tcp_rst_rate_limited > 160");
	script_step(sc, "stat syn_cookies_failed = 0");
}

/* More SYNs than half-open entries: nobody is turned away, nothing grows. */
static void syn_flood(struct script *sc)
{
	for (unsigned i = 1; i <= 30; i++) {
		script_step(sc, "P%u> S 0 w65535 mss1460", i);
		script_step(sc, "U%u> SA 0 a1", i);
	}
	script_step(sc, "stat half_open <= 4");
	script_step(sc, "stat syn_cookies_sent >= 26");
	for (unsigned i = 1; i <= 30; i++) {
		script_step(sc, "P%u> A 1 a1", i);
		script_step(sc, "ev%u accept", i);
	}
	script_step(sc, "stat half_open = 0");
}

static const struct scenario list[] = {
	{ "38_backlog_full", "L", "backlog=4", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P2> S 0 w65535 mss1460", "U2> SA 0 a1",
		"P3> S 0 w65535 mss1460", "U3> SA 0 a1", "P4> S 0 w65535 mss1460", "U4> SA 0 a1",
		"P5> S 0 w65535 mss1460", "U5> SA 0 a1", "stat half_open <= 4", "stat syn_cookies_sent >= 1",
		"state5 -",
		"P5> A 1 a1", "ev5 accept", "info5 from_cookie = 1", "info5 snd_mss = 1460", "P2> A 1 a1",
		"ev2 accept" } },
	{ "38_mss_from_table", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1400", "U> SA 0 a1", "P> A 1 a1", "ev accept", "info snd_mss = 1300",
		"P2> S 0 w65535 mss100", "U2> SA 0 a1", "P2> A 1 a1", "ev2 accept",
		"info2 snd_mss <= 536" } },
	{ "38_flood", "L", "backlog=4", .fn = syn_flood },
	{ "38_cookies_off", "L", "backlog=4 cookies=off", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P2> S 0 w65535 mss1460", "U2?> SA 0 a1",
		"P3> S 0 w65535 mss1460", "U3?> SA 0 a1", "P4> S 0 w65535 mss1460", "U4?> SA 0 a1",
		"P5> S 0 w65535 mss1460", "U5> -", "stat syn_cookies_sent = 0" } },
	{ "39_with_timestamps", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460 sackok ts100:0 ws7", "U> SA 0 a1 sackok tsecr100 ws7",
		"stat half_open = 0",
		"P> A 1 a1 w512", "ev accept", "info sack = 1", "info timestamps = 1", "info snd_wscale = 7",
		"info rcv_wscale = 7", "info snd_wnd = 65536", "P> A 1:101 a1", "U> A 1 a101 <41ms" } },
	{ "39_with_timestamps_no_scale", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460 ts100:0", "U> SA 0 a1 nosackok nows tsecr100", "P> A 1 a1",
		"ev accept",
		"info sack = 0", "info snd_wscale = 0", "info rcv_wscale = 0", "P> A 1:101 a1",
		"U> A 1 a101 <41ms" } },
	{ "39_without_timestamps", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460 sackok ws7", "U> SA 0 a1 nosackok nows nots", "P> A 1 a1", "ev accept",
		"info sack = 0", "info snd_wscale = 0", "info snd_wnd = 65535" } },
	{ "40_smc_dropped", "L", "cookies=always smc=1", .steps = {
		"P> S 0 w65535 mss1460 smc", "U> SA 0 a1 nosmc", "stat opt_dropped_cookie = 1", "P> A 1 a1",
		"ev accept",
		"info opt_received = 0" } },
	{ "41_after_59s", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "wait 59s", "P> A 1 a1", "ev accept" } },
	{ "41_after_121s", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "wait 121s", "P> A 1 a1", "U> R 1", "noev accept" } },
	{ "41_after_121s_others_recent", "L", "cookies=always", .steps = { /* by its count, not only by the pause */
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "wait 100s", "P2> S 0 w65535 mss1460", "U2> SA 0 a1", "wait 25s",
		"P> A 1 a1", "U> R 1", "noev accept", "P2> A 1 a1", "ev2 accept" } },
	{ "42_foreign_cookie", "L", "cookies=always", .fn = foreign_cookie },
	{ "43_ack_and_data_in_a_burst", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P+ A 1 a1", "P> A 1:101 a1", "U> A 1 a101 <41ms",
		"ev accept",
		"app read 100", "stat curr_estab = 1" } },
	{ "43_data_carries_the_ack", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1:101 a1", "U> A 1 a101 <41ms", "ev accept",
		"app read 100" } },
	{ "43_cookie_and_fin", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> FA 1:101 a1", "U> A 1 a102", "ev accept",
		"app read 100",
		"ev eof" } },
	{ "43_cookie_rtt", "L", "cookies=always", .steps = { /* no sample from a cookie: RTO 1 s */
		"P> S 0 w65535 mss1460 ts100:0", "U> SA 0 a1", "wait 20ms", "P> A 1 a1", "ev accept",
		"info srtt_us = 0",
		"info rto_us = 1000000" } },
	{ "43_cookie_rst", "L", "cookies=always", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> R 1", "U> -", "stat half_open = 0" } },
	{ "43_cookie_not_from_the_middle", "L", "cookies=always", .steps = { /* both numbers moved on alike */
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1449 a1449", "U> R 1449", "P> A 2897:3000 a2897",
		"U> R 2897", "noev accept", "P> A 1 a1", "ev accept" } },
	{ "44_key_rotation", "L", "cookies=always", .fn = key_rotation },
	{ "45_ack_flood", "L", "rst_rate=20", .fn = ack_flood },
	{ "45_no_cookie_issued", "L", .steps = { "P> A 1 a1", "U> R 1", "stat syn_cookies_failed = 0" } },
};

RUN_TABLE(cookie, list)
