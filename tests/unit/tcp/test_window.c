/* SPDX-License-Identifier: BSD-3-Clause */
/* Windows of both sides: persist, shrinking, silly windows. */
#include "tests/unit/tcp/scenarios.h"

/* Established with a peer window of N. */
#define PEER_WINDOW(n) "P> S 0 w" #n " mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept"

/* 104: ten minutes of answered probes. */
static void probes_answered(struct script *sc)
{
	for (unsigned i = 0; i < 20; i++) {
		script_step(sc, "U> A 1000 a1 <121s");
		script_step(sc, "P> A 1 a1001 w0");
	}
	if (sim_now(script_sim(sc)) < 600000000)
		script_fail(sc, "20 probes took %.0f s only", (double)sim_now(script_sim(sc)) / 1e6);
	script_step(sc, "state ESTABLISHED");
	script_step(sc, "noev closed");
	script_step(sc, "P> A 1 a1001 w65535");
	script_step(sc, "U> A 1001:2461 a1");
	script_step(sc, "U> A 2461:3001 a1");
}

/* Fill U's window to the last octet; returns the edge. */
static int fill_window(struct script *sc)
{
	int last = 1, edge = (int)script_edge(sc, 0);

	for (unsigned i = 0; i < 100 && last < edge && !script_failed(sc); i++) {
		script_step(sc, "P> A %d:%d a1 gso1460", last, edge);
		last = edge;
		script_step(sc, "discard");
		script_step(sc, "wait 50ms");
		script_step(sc, "discard");
		edge = (int)script_edge(sc, 0);
	}
	return edge;
}

/* 107, pitfalls 21, 22: updates only for steps worth it. */
static void drain_slowly(struct script *sc)
{
	int edge = fill_window(sc);
	struct tcp_info info;

	tcp_get_info(script_conn(sc, 0), &info);
	script_step(sc, "app read 1");
	script_step(sc, "U> - 1s");
	script_step(sc, "app read 1000");
	script_step(sc, "U> - 1s");
	script_step(sc, "app read %u", info.readable - 1001);
	script_step(sc, "U> A 1 a%d w>1460", edge);
	script_step(sc, "U> - 1s");
}

/* 108: probes of either form are answered, with the window still closed. */
static void probed(struct script *sc)
{
	int edge = fill_window(sc);

	script_step(sc, "stat zero_window_out = 1");
	script_step(sc, "wait 600ms");
	script_step(sc, "P> A %d a1", edge - 1);
	script_step(sc, "U> A 1 a%d w0", edge);
	script_step(sc, "wait 600ms");
	script_step(sc, "P> A %d:%d a1", edge, edge + 1);
	script_step(sc, "U> A 1 a%d w0", edge);
	script_step(sc, "app read 1");
	script_step(sc, "wait 600ms");
	script_step(sc, "P> A %d:%d a1", edge, edge + 1);
	script_step(sc, "U> A 1 a%d w0", edge); /* no silly window through the back door */
	script_step(sc, "drop tcp_zero_window >= 1");
}

/* 109: with the window closed ACK, URG and RST are still honoured. */
static void closed_but_listening(struct script *sc)
{
	int edge;

	script_step(sc, "app write 100");
	script_step(sc, "U> A 1:101 a1");
	edge = fill_window(sc);
	script_step(sc, "P> A %d a101", edge);
	script_step(sc, "info unacked = 0");
	script_step(sc, "P> A %d:%d a101 urg1", edge, edge + 10);
	script_step(sc, "discard");
	script_step(sc, "P> R %d", edge);
	script_step(sc, "ev closed");
}

/* The edge that was promised is kept whatever happens; the runner checks each segment. */
static void edge_never_left(struct script *sc)
{
	int last = 1;

	for (unsigned i = 0; i < 60 && !script_failed(sc); i++) {
		int edge = (int)script_edge(sc, 0), to = last + 1 + (int)(i * 997 % 1460);

		if (to > edge)
			to = edge;
		if (to > last)
			script_step(sc, "P> A %d:%d a1", last, to);
		last = to;
		script_step(sc, "discard");
		script_step(sc, "wait 45ms");
		script_step(sc, "discard");
		if (i % 3 == 0) {
			uint32_t n = tcp_readable(script_conn(sc, 0));

			script_step(sc, "app read %u", n > 700 ? 700 : n);
			script_step(sc, "discard");
		}
	}
}

static void scaled_edge_never_left(struct script *sc)
{
	edge_never_left(sc);
}

static const struct scenario list[] = {
	{ "102_zero_window", "L", .steps = {
		PEER_WINDOW(1000), "app write 3000", "U> A 1:1001 a1", "P> A 1 a1001 w0", "U> -",
		"U> A 1000 a1 @200ms", "U> A 1000 a1 @400ms", "U> A 1000 a1 @800ms", "stat window_probes = 3",
		"P> A 1 a1001 w5000", "U> A 1001:2461 a1", "U> A 2461:3001 a1", "U> -" } },
	{ "102_zero_window_in_flight", "L", .steps = { /* 3.4: data in flight is retransmitted */
		PEER_WINDOW(5000), "app write 4000", "U> A 1:4001 n3", "P> A 1 a1461 w0", "U> A <500ms",
			"P> A 1 a1461 w5000", "wait 3s", "discard", "P> A 1 a4001", "info unacked = 0" } },
	{ "103_update_lost", "L", .steps = {
		PEER_WINDOW(1000), "app write 3000", "U> A 1:1001 a1", "P> A 1 a1001 w0",
			"U> A 1000 a1 @200ms",
		"P> A 1 a1001 w0", "U> A 1000 a1 @400ms", "P> A 1 a1001 w5000", "U> A 1001:2461 a1",
		"U> A 2461:3001" } },
	{ "104_probes_answered", "L", .steps = {
		PEER_WINDOW(1000), "app write 3000", "U> A 1:1001 a1", "P> A 1 a1001 w0" },
			.fn = probes_answered },
	{ "104_probes_unanswered", "L", "retries=4", .steps = {
		PEER_WINDOW(1000), "app write 3000", "U> A 1:1001 a1", "P> A 1 a1001 w0", "wait 60s",
			"discard",
		"ev closed", "info error = 110" } },
	{ "105_window_100", "L", .steps = {
		PEER_WINDOW(100), "app write 300", "U> A 1:101 a1 <250ms", "P> A 1 a101",
			"U> A 101:201 a1 <250ms",
		"P> A 1 a201", "U> A 201:301 a1 <250ms", "P> A 1 a301", "info unacked = 0" } },
	{ "105_window_falls_to_100", "E", .steps = { /* pitfall 23: nobody's timer */
		"app write 1460", "U> A 1:1461 a1", "P> A 1 a1461 w100", "app write 3000",
		"U> A 1461:1561 a1 <300ms",
		"P> A 1 a1561", "U> A 1561:1661 a1 <300ms" } },
	{ "106_shrinks", "L", .steps = {
		PEER_WINDOW(5000), "app write 3000", "U> A 1:3001 a1 n3", "P> A 1 a1461 w500",
			"info snd_wnd = 500",
		"app write 5000", "U> -", "U> A 1461:1961 a1 <500ms", "P> A 1 a1961 w20000", "sink 8001" } },
	{ "106_shrinks_grows_again", "L", .steps = {
		PEER_WINDOW(5000), "app write 3000", "U> A 1:3001 a1 n3", "P> A 1 a1461 w100",
			"app write 5000", "U> -",
		"P> A 1 a3001 w10000", "U> A 3001:8001 n0", "P> A 1 a8001" } },
	{ "106_window_update_by_pure_ack", "L", .steps = {
		PEER_WINDOW(1000), "app nodelay on", "app write 3000", "U> A 1:1001 a1", "P> A 1 a1 w3000",
			"U> A 1001:3001 a1 n2" } },
	{ "107_slow_reader", "E", "rcvbuf_initial=16384 rcvbuf_max=16384", .fn = drain_slowly },
	{ "107_edge_never_left", "E", "rcvbuf_initial=8192 rcvbuf_max=8192", .fn = edge_never_left },
	{ "107_edge_never_left_scaled", "EX", "rcvbuf_initial=200000 rcvbuf_max=200000",
		.fn = scaled_edge_never_left },
	{ "107_window_opens_with_reading", "E", "rcvbuf_initial=16384 rcvbuf_max=16384", .steps = {
		"app onread read", "source 300001", "info bytes_in = 300000" } },
	{ "108_probed", "E", "rcvbuf_initial=16384 rcvbuf_max=16384", .fn = probed },
	{ "109_closed_but_listening", "E", "rcvbuf_initial=16384 rcvbuf_max=16384",
		.fn = closed_but_listening },
	{ "3_update_unscaled_syn_ack", "L", .steps = { /* 3.1 */
		"P> S 0 w1000 mss1460 ws7", "U> SA 0 a1 ws7", "P> A 1 a1 w10", "ev accept",
		"info snd_wnd = 1280" } },
	{ "3_update_same_sequence_smaller", "E", .steps = {
		"app write 2920", "U> A 1:2921 n2", "P> A 1 a2921 w8000", "info snd_wnd = 8000" } },
	{ "3_initial_window_unscaled", "C", .steps = {
		"P> SA 0 a1 w65535 mss1460 ws7", "U> A 1 a1", "ev connected", "info snd_wnd = 65535",
		"P> A 1:2 a1 w600",
		"U> A 1 a2 <41ms", "info snd_wnd = 76800" } },
};

RUN_TABLE(window, list)
