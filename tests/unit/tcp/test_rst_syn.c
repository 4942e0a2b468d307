/* SPDX-License-Identifier: BSD-3-Clause */
/* RST and SYN on live connections, RFC 5961. */
#include "tests/unit/tcp/scenarios.h"

/* Pitfall 10: a peer that answers each challenge ACK by the same wrong RST. */
static void rst_ping_pong(struct script *sc)
{
	for (unsigned i = 0; i < 100; i++) {
		script_step(sc, "P> R 100");
		script_step(sc, "U?> A 1 a1");
		script_step(sc, "wait 20ms");
	}
	script_step(sc, "stat challenge_acks <= 5");
	script_step(sc, "stat challenge_limited >= 90");
	script_step(sc, "state ESTABLISHED");
}

/* Pitfall 12: the limit of one connection tells nothing about another. */
static void independent_limits(struct script *sc)
{
	for (unsigned i = 1; i <= 3; i++) {
		script_step(sc, "P%u> S 0 w65535 mss1460", i);
		script_step(sc, "U%u> SA 0 a1", i);
		script_step(sc, "P%u> A 1 a1", i);
	}
	for (unsigned i = 1; i <= 3; i++) {
		script_step(sc, "P%u> R 100", i);
		script_step(sc, "U%u> A 1 a1", i);
		script_step(sc, "P%u> R 100", i);
		script_step(sc, "U%u> -", i);
	}
}

static const struct scenario list[] = {
	{ "69_rst_exact", "E", .steps = {
		"P> R 1", "U> -", "ev closed", "info error = 104", "state CLOSED",
		"drop tcp_rst_accepted = 1",
		"stat estab_resets = 1", "stat in_rsts = 1", "app write 10 =ECONNRESET" } },
	{ "69_rst_ack_exact", "E", .steps = { "P> RA 1 a1", "U> -", "ev closed", "info error = 104" } },
	{ "70_rst_in_window", "E", .steps = {
		"P> R 2", "U> A 1 a1", "wait 600ms", "P> R 30000", "U> A 1 a1", "state ESTABLISHED",
		"noev closed",
		"stat challenge_acks = 2" } },
	{ "71_rst_out_of_window", "E", .steps = {
		"P> R 0", "U> -", "P> R 200000", "U> -", "P> R -1000", "U> -", "state ESTABLISHED",
		"stat challenge_acks = 0" } },
	{ "72_rst_at_sack_edge", "ES", .steps = {
		"P> A 101:201 a1", "U> A 1 a1 sack101:201", "P> R 201", "U> -", "ev closed",
		"info error = 104" } },
	{ "73_rst_at_fin", "E", .steps = {
		"P> FA 1 a1", "U> A 1 a2", "ev eof", "P> R 1", "U> -", "ev closed" } },
	{ "73_rst_before_next_in_established", "E", .steps = { "P> R 0", "U> -", "state ESTABLISHED" } },
	{ "74_syn_in_established", "E", .steps = {
		"P> S 0", "U> A 1 a1", "wait 600ms", "P> S 1", "U> A 1 a1", "wait 600ms", "P> S 500000",
		"U> A 1 a1",
		"wait 600ms", "P> SA 0 a1", "U> A 1 a1", "state ESTABLISHED", "stat out_rsts = 0",
		"P> A 1:11 a1",
		"U> A 1 a11 <41ms" } },
	{ "74_syn_limited", "E", .steps = {
		"P> S 1", "U> A 1 a1", "P> S 1", "U> -", "P> S 1", "U> -", "stat challenge_limited >= 2" } },
	{ "75_challenge_answered", "E", .steps = {
		"P> R 2", "U> A 1 a1", "P> R 1", "U> -", "ev closed" } },
	{ "76_rst_with_ancient_timestamp", "ET", .steps = { "P> R 1 ts1", "U> -", "ev closed",
		"info error = 104" } },
	{ "77_rst_with_data", "E", .steps = { "P> R 1:11 opt=fd04aaaa", "U> -", "ev closed",
		"info readable = 0" } },
	{ "77_rst_window_unused", "E", .steps = { /* pitfall 46 */
		"info snd_wnd = 65535", "P> R 100 w0", "U> A 1 a1", "info snd_wnd = 65535", "app write 10",
		"U> A 1:11 a1" } },
	{ "77_unread_data_lost_on_reset", "E", .steps = {
		"P> A 1:11 a1", "U> A 1 a11 <41ms", "P> R 11", "ev closed", "info error = 104" } },
	{ "10_rst_ping_pong", "E", .fn = rst_ping_pong },
	{ "12_independent_limits", "L", .fn = independent_limits },
};

RUN_TABLE(rst_syn, list)
