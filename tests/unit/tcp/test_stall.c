/* SPDX-License-Identifier: BSD-3-Clause */
/* What would stand still for ever: data in flight without a timer, limits of one that hold up all; and segments
 * of the edge that no other table has. */
#include "tests/unit/tcp/scenarios.h"

static unsigned drain(struct rte_mempool *mp, struct rte_mbuf **held, unsigned max)
{
	unsigned n = 0;

	while (n < max && (held[n] = rte_pktmbuf_alloc(mp)) != NULL)
		n++;
	return n;
}

/* A dead connection with octets to take in part, and no buffer for the rest: asked again when
 * there may be memory, and not in each turn. */
static void take_dead_dry(struct script *sc)
{
	static struct rte_mbuf *held[2][65536];
	struct rte_mempool *pools[] = { sim_pools()->payload, sim_pools()->ind };
	struct tcp_conn *c = script_conn(sc, 0);
	struct rte_mbuf *chain;
	unsigned n[2];

	script_step(sc, "ev closed");
	script_step(sc, "ev readable");
	for (unsigned i = 0; i < 2; i++)
		n[i] = drain(pools[i], held[i], RTE_DIM(held[i]));
	if (tcp_take(c, 500, &chain, NULL) != 0 || tcp_busy(sim_tcp(script_host(sc), 0)))
		script_fail(sc, "taken without memory, or told at once");
	script_step(sc, "noev readable");
	for (unsigned i = 0; i < 2; i++)
		rte_pktmbuf_free_bulk(held[i], n[i]);
	script_step(sc, "wait 2ms");
	script_step(sc, "ev readable");
	if (tcp_take(c, 500, &chain, NULL) != 500)
		script_fail(sc, "nothing taken though there is memory");
	rte_pktmbuf_free(chain);
	script_step(sc, "app close");
}

static const struct scenario list[] = {
	{ "syn_mss_0", "L", .steps = { /* segments of the least size, not of none */
		"P> S 0 w65535 mss0", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 480", "U> A 1:49 a1",
		"sink 481", "info unacked = 0" } },
	{ "syn_mss_0_timestamps", "L", .steps = {
		"P> S 0 w65535 mss0 ts1000:0", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 360", "U> A 1:37 a1",
		"sink 361", "info unacked = 0" } },
	{ "syn_ack_again", "CE", .steps = { /* our ACK was lost */
		"P> SA 0 a1 w65535 mss1460", "U> A 1 a1", "state ESTABLISHED", "app write 10", "U> A 1:11 a1",
		"P> A 1 a11", "info unacked = 0" } },
	{ "probe_with_octet", "E", .steps = { /* keepalive of BSD: one octet, received before */
		"P> A 1:11 a1", "U> A 1 a11 <41ms", "app read 10", "P> A 10:11 a1 fillXX", "U> A 1 a11 <1ms",
		"info bytes_in = 10" } },
	{ "urgent_fin", "E", .steps = { /* the pointer names the FIN's number */
		"P> FA 1:11 a1 urg10", "U> A 1 a12", "ev urgent", "app read 10", "ev eof", "state CLOSE_WAIT" } },
	{ "urgent_far_beyond", "E", .steps = { /* farther than the window */
		"P> A 1:11 a1 urg65535", "discard", "app read 10", "P> A 11:21 a1", "discard", "app read 10",
		"state ESTABLISHED" } },
	{ "fin_in_last_ack_again", "E", .steps = {
		"P> FA 1 a1", "U> A 1 a2", "app close", "U> FA 1 a2", "P> FA 1 a1", "discard", "state LAST_ACK",
		"P> A 2 a2", "state -" } },
	{ "data_in_last_ack", "E", .steps = { /* nothing may follow a FIN */
		"P> FA 1 a1", "U> A 1 a2", "app close", "U> FA 1 a2", "P> A 2:12 a1", "discard", "state LAST_ACK",
		"P> A 2 a2", "state -" } },
	{ "window_reopens_with_fin_waiting", "L", .steps = { /* shut, FIN queued, opened by one octet at a time */
		"P> S 0 w10 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 12", "U> A 1:11 a1 <250ms",
		"app shutdown", "P> A 1 a11 w0", "U> A 10 a1 @200ms", "P> A 1 a11 w2", "U> A 11:13 a1 <1s", "P> A 1 a13 w0",
		"U> - 100ms", "P> A 1 a13 w1", "U> FA 13 a1 <1s", "P> A 1 a14", "state FIN_WAIT_2" } },
	{ "rst_syn_sent_with_data", "C", .steps = {
		"P> RA 0:5 a1", "ev closed", "info error = 111" } },
	{ "rst_syn_sent_bad_ack", "C", .steps = {
		"P> RA 0 a2", "noev closed", "P> RA 0 a0", "noev closed", "P> R 0", "noev closed", "state SYN_SENT" } },
	{ "ack_of_syn_only_half_of_window", "E", .steps = { /* an ACK that acknowledges within our flight, twice */
		"app write 4000", "U> A 1:4001 n3", "P> A 1 a1461", "P> A 1 a1461", "P> A 1 a4001", "info unacked = 0" } },
	{ "wscale_option_length_2", "L", .steps = { /* malformed: as if it were not there */
		"P> S 0 w1000 opt=020405b40302010101010101", "U> SA 0 a1", "P> A 1 a1 w1000", "ev accept", "info snd_wnd = 1000" } },
	{ "null_options_in_data", "E", .steps = {
		"P> A 1:11 a1 opt=00000000", "U> A 1 a11 <41ms", "P> A 11:21 a1 opt=01010101", "U> A 1 a21 <41ms" } },
	{ "option_runs_over", "E", .steps = { /* what follows is not read, the data counts */
		"P> A 1:11 a1 opt=08ff0000", "U> A 1 a11 <41ms", "info bytes_in = 10", "stat bad_options = 1" } },
	{ "take_dead_dry", "E", .steps = {
		"app onread nothing", "P> FA 1:1001 a1", "U> A 1 a1002", "app shutdown", "U> FA 1 a1002", "P> A 1002 a2" },
		.fn = take_dead_dry },
	{ "cork_timer_lost_segment", "E", .steps = { /* what the cork's timer sends is retransmitted as all else */
		"app cork on", "app write 100", "U> A 1:101 a1 @200ms", "U> A 1:101 a1 @200ms", "U> A 1:101 a1 @400ms", "P> A 1 a101",
		"info unacked = 0" } },
	{ "cork_timer_again", "E", .steps = {
		"app cork on", "app write 100", "U> A 1:101 a1 @200ms", "P> A 1 a101", "app write 50",
		"U> A 101:151 a1 @200ms", "P> A 1 a151" } },
	{ "accept_refused_does_not_block", "L", .steps = {
		"app refuse 1", "P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "U> -", "stat accept_overflows = 1",
		"P2> S 0 w65535 mss1460", "U2> SA 0 a1", "P2> A 1 a1", "ev2 accept" } },
	{ "accept_refused_no_cookie", "L", "backlog=1", .steps = { /* a cookie would promise too much */
		"app refuse 1", "P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "U> -", "P2> S 0 w65535 mss1460", "U2> -",
		"drop tcp_syn_quota = 1" } },
	{ "bad_ack_repeated_in_syn_sent", "C", .steps = { /* each old ACK must not push the SYN's timer further */
		"P> A 100 a0", "U> R 0", "wait 3ms", "P> A 100 a0", "U> R 0", "wait 2ms", "U> S 0", "discard" } },
};

RUN_TABLE(stall, list)
