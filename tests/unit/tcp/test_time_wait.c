/* SPDX-License-Identifier: BSD-3-Clause */
/* TIME-WAIT and the FIN-WAIT-2 of a closed socket. */
#include "tests/unit/tcp/scenarios.h"

/* From an E set-up to TIME-WAIT, RCV.NXT 2, SND.NXT 2. */
#define TIME_WAIT "app shutdown", "U> FA 1 a1", "P> A 1 a2", "P> FA 1 a2", "U> A 2 a2", "app close", \
	"state TIME_WAIT"
#define ORPHAN_FIN_WAIT_2 "app close", "U> FA 1 a1", "P> A 1 a2", "state FIN_WAIT_2"

/* 20,000 connections a second from one address come back to our entries. */
static void reuse_again_and_again(struct script *sc)
{
	for (unsigned i = 0; i < 5; i++) {
		script_step(sc, "P> S 0 w65535 mss1460");
		script_step(sc, "U> SA 0 a1");
		if (i > 0)
			script_step(sc, "isn new");
		script_step(sc, "P> A 1 a1");
		script_step(sc, "ev accept");
		script_step(sc, "app close");
		script_step(sc, "U> FA 1 a1");
		script_step(sc, "P> FA 1 a2");
		script_step(sc, "U> A 2 a2");
		script_step(sc, "state TIME_WAIT");
		script_step(sc, "wait 3s");
		script_step(sc, "rebase 1000000");
	}
	script_step(sc, "stat tw_reused = 4");
	script_step(sc, "stat time_wait = 1");
}

/* More than time_wait_max: the oldest goes. */
static void limit(struct script *sc)
{
	for (unsigned i = 1; i <= 6; i++) {
		script_step(sc, "P%u> S 0 w65535 mss1460", i);
		script_step(sc, "U%u> SA 0 a1", i);
		script_step(sc, "P%u> A 1 a1", i);
		script_step(sc, "app%u close", i);
		script_step(sc, "U%u> FA 1 a1", i);
		script_step(sc, "P%u> FA 1 a2", i);
		script_step(sc, "U%u> A 2 a2", i);
	}
	script_step(sc, "stat time_wait = 4");
	script_step(sc, "state1 -");
	script_step(sc, "state2 -");
	script_step(sc, "state6 TIME_WAIT");
	script_step(sc, "stat tw_recycled_early = 2");
}

static const struct scenario list[] = {
	{ "92_fin_again", "E", .steps = {
		TIME_WAIT, "wait 50s", "P> FA 1 a2", "U> A 2 a2", "wait 50s", "state TIME_WAIT", "wait 11s",
			"state -" } },
	{ "92_bare_ack", "E", .steps = { TIME_WAIT, "P> A 2 a2", "U> -", "state TIME_WAIT" } },
	{ "92_old_data", "E", .steps = { TIME_WAIT, "wait 600ms", "P> A 1:2 a2", "U> A 2 a2",
		"state TIME_WAIT" } },
	{ "92_answers_limited", "E", .steps = {
		TIME_WAIT, "wait 600ms", "P> FA 1 a2", "U> A 2 a2", "P> FA 1 a2", "U> -", "P> FA 1 a2",
			"U> -" } },
	{ "93_new_syn_higher_sequence", "E", .steps = {
		TIME_WAIT, "rebase 100000", "P> S 0 w65535 mss1460", "U> SA 0 a1", "isn new", "P> A 1 a1",
			"ev accept",
		"state ESTABLISHED", "stat tw_reused = 1", "stat time_wait = 0", "P> A 1:11 a1",
		"U> A 1 a11 <41ms",
		"app read 10" } },
	{ "93_new_syn_next_sequence", "E", .steps = {
		TIME_WAIT, "rebase 3", "P> S 0 w65535 mss1460", "U> SA 0 a1", "isn new" } },
	{ "93_new_syn_lower_with_newer_timestamp", "ET", .steps = {
		TIME_WAIT, "rebase -50000", "P> S 0 w65535 mss1460 ts90000:0", "U> SA 0 a1 tsecr90000",
			"isn new" } },
	{ "93_new_syn_lower_without_timestamp", "E", .steps = {
		TIME_WAIT, "wait 600ms", "P> S -50000 w65535 mss1460", "U> A 2 a2", "state TIME_WAIT" } },
	{ "93_new_syn_older_timestamp", "ET", .steps = {
		TIME_WAIT, "wait 600ms", "P> S -50000 w65535 mss1460 ts5:0", "U> A 2 a2",
			"state TIME_WAIT" } },
	{ "93_client_answers_rst", "E", .steps = { /* an honest client recovers */
		TIME_WAIT, "wait 600ms", "P> S -50000 w65535 mss1460", "U> A 2 a2", "P> R 2", "U> -" } },
	{ "93_no_listener_left", "E", .steps = {
		TIME_WAIT, "app unlisten", "wait 600ms", "P> S 100000 w65535 mss1460", "U> A 2 a2",
			"state TIME_WAIT" } },
	{ "93_reused_again_and_again", "L", .fn = reuse_again_and_again },
	{ "94_rst_exact", "E", .steps = { TIME_WAIT, "P> R 2", "U> -", "state TIME_WAIT" } },
	{ "94_rst_elsewhere", "E", .steps = { TIME_WAIT, "P> R 500", "U> -", "P> R 1", "U> -",
		"state TIME_WAIT" } },
	{ "95_two_syns_in_a_burst", "E", .steps = {
		TIME_WAIT, "rebase 100000", "P+ S 0 w65535 mss1460", "P> S 0 w65535 mss1460", "U> SA 0 a1",
			"U?> SA 0 a1",
		"isn new", "stat half_open = 1", "stat time_wait = 0", "P> A 1 a1", "ev accept" } },
	{ "95_entries_limited", "L", "time_wait_max=4", .fn = limit },
	{ "96_fin_wait_2_ends", "E", .steps = {
		ORPHAN_FIN_WAIT_2, "U> - 59s", "state FIN_WAIT_2", "wait 2s", "state -", "P> FA 1 a2",
			"U> R 2" } },
	{ "96_fin_wait_2_fin", "E", .steps = {
		ORPHAN_FIN_WAIT_2, "wait 30s", "P> FA 1 a2", "U> A 2 a2", "state TIME_WAIT", "wait 59s",
		"state TIME_WAIT", "wait 2s", "state -" } },
	{ "96_fin_wait_2_data", "E", .steps = { ORPHAN_FIN_WAIT_2, "P> A 1:11 a2", "U> R|RA 2", "state -" } },
	{ "96_fin_wait_2_rst", "E", .steps = { ORPHAN_FIN_WAIT_2, "P> R 1", "U> -", "state -" } },
	{ "96_fin_wait_2_with_owner_stays", "E", .steps = {
		"app shutdown", "U> FA 1 a1", "P> A 1 a2", "wait 300s", "state FIN_WAIT_2", "P> FA 1 a2",
		"U> A 2 a2",
		"ev eof" } },
	{ "57_last_ack_lost", "E", .steps = { /* pitfall 57: the peer's FIN comes again */
		TIME_WAIT, "wait 600ms", "P> FA 1 a2", "U> A 2 a2", "stat out_rsts = 0" } },
};

RUN_TABLE(time_wait, list)
