/* SPDX-License-Identifier: BSD-3-Clause */
/* What would stand still for ever: data in flight without a timer, limits of one that hold up all. */
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
