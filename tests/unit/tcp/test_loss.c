/* SPDX-License-Identifier: BSD-3-Clause */
/* Round-trip time, timeouts, recovery without SACK. */
#include "tests/unit/tcp/scenarios.h"

/* 112: the vector of 4.1; the handshake of ER is the first sample of 100 ms. */
static void rtt_vector(struct script *sc)
{
	static const struct { unsigned rtt_ms, srtt_us, rto_us; } samples[] = {
		{ 100, 100000, 250000 }, { 200, 112500, 325000 }, { 100, 110938, 282800 },
			{ 50, 103320, 293200 },
		{ 50, 96655, 292400 },
	};
	unsigned at = 1;

	script_step(sc, "info srtt_us ~ 100000");
	script_step(sc, "info rto_us ~ 300000");
	for (unsigned i = 0; i < RTE_DIM(samples); i++, at += 10) {
		script_step(sc, "app write 10");
		script_step(sc, "U> A %u:%u a1", at, at + 10);
		script_step(sc, "wait %ums", samples[i].rtt_ms);
		script_step(sc, "P> A 1 a%u", at + 10);
		script_step(sc, "info srtt_us ~ %u", samples[i].srtt_us);
		script_step(sc, "info rto_us ~ %u", samples[i].rto_us);
	}
}

static void rtt_constant(struct script *sc)
{
	unsigned at = 1;

	for (unsigned i = 0; i < 30; i++, at += 10) {
		script_step(sc, "app write 10");
		script_step(sc, "U> A %u:%u a1", at, at + 10);
		script_step(sc, "wait 100us");
		script_step(sc, "P> A 1 a%u", at + 10);
	}
	script_step(sc, "info srtt_us <= 110");
	script_step(sc, "info rto_us >= 200000");
	script_step(sc, "info rto_us <= 201000");
}

/* 125, pitfall 30. */
static void many_duplicates(struct script *sc)
{
	for (unsigned i = 0; i < 300; i++) {
		script_step(sc, "P> A 1 a1");
		script_step(sc, "discard");
	}
	script_step(sc, "info cwnd <= 64000");
	script_step(sc, "info fast_recoveries = 1");
	script_step(sc, "P> A 1 a%d", (int)14601);
	script_step(sc, "discard");
	script_step(sc, "wait 10s");
	script_step(sc, "discard");
}

#define TWENTY_IN_FLIGHT "app write 14600", "U> A 1:14601 n10", "P> A 1 a14601", "app write 29200", \
	"U> A 14601:43801 n20", "info cwnd = 29200"

static const struct scenario list[] = {
	{ "112_rtt_vector", "ER", .fn = rtt_vector },
	{ "112_rtt_constant", "E", .fn = rtt_constant },
	{ "113_all_lost", "ER", "congestion=newreno", .steps = {
		"app write 14600", "U> A 1:14601 n10", "U> A 1:1461 a1 @300ms", "info cwnd = 1460",
		"info ssthresh = 7300",
		"U> A 1:1461 a1 @600ms", "U> A 1:1461 a1 @1.2s", "info cwnd = 1460", "info ssthresh = 7300",
		"info recovery = loss", "info backoff = 3", "P> A 1 a14601", "info unacked = 0",
		"app write 10", "U> A 14601:14611", "wait 50ms", "P> A 1 a14611", "info backoff = 0" } },
	{ "113_rto_cap", "E", "rto_max_ms=1000", .steps = {
		"app write 10", "U> A 1:11", "U> A 1:11 @200ms", "U> A 1:11 @400ms", "U> A 1:11 @800ms",
		"U> A 1:11 @1s",
		"U> A 1:11 @1s" } },
	{ "113_r2", "E", "retries=3", .steps = {
		"app write 10", "U> A 1:11", "U> A 1:11 @200ms", "U> A 1:11 @400ms", "U> A 1:11 @800ms",
		"wait 2s", "discard",
		"ev closed", "info error = 110", "stat abort_on_timeout = 1" } },
	{ "113_slow_start_after_timeout", "ER", "congestion=newreno", .steps = {
		"app write 14600", "U> A 1:14601 n10", "U> A 1:1461 a1 @300ms", "P> A 1 a1461",
		"U> A 1461:4381 n2",
		"P> A 1 a4381", "U> A 4381:10221 n4", "P> A 1 a10221", "U> A 10221:14601 n3", "P> A 1 a14601",
		"info unacked = 0" } },
	{ "113_timer_from_oldest", "ER", .steps = { /* steady sending does not push the timeout away */
		"app nodelay on", "app write 10", "U> A 1:11", "wait 100ms", "app write 10", "U> A 11:21",
		"wait 100ms",
		"app write 10", "U> A 21:31", "U> A 1:11 @100ms" } },
	{ "114_karn", "ER", .steps = {
		"app write 100", "U> A 1:101", "U> A 1:101 @300ms", "wait 10ms", "P> A 1 a101",
		"info srtt_us ~ 100000" } },
	{ "114_timestamp_tells", "EXR", .steps = {
		"app write 100", "U> A 1:101", "U> A 1:101 a1 <700ms", "wait 100ms", "P> A 1 a101",
		"info srtt_us <= 101000" } },
	{ "114_waited_behind_a_hole", "ER", .steps = { /* the second one's age is the loss's, not the path's */
		"app write 1460", "U> A 1:1461", "app write 1460", "U> A 1461:2921", "U> A 1:1461 a1 <700ms",
		"U> A 1:1461 a1 @600ms", "wait 10ms", "P> A 1 a2921", "info srtt_us <= 110000" } },
	{ "115_fast_retransmit", "E", "congestion=newreno", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601", "U> -", "P> A 1 a14601", "U> -", "P> A 1 a14601",
			"U> A 14601:16061 a1",
		"U> -", "info ssthresh = 14600", "info recovery = recovery", "stat fast_recoveries = 1" } },
	{ "115_partial_ack", "E", "congestion=newreno", .steps = { /* two lost: 1 and 5 of twenty */
		TWENTY_IN_FLIGHT, "P> A 1 a14601", "P> A 1 a14601", "P> A 1 a14601", "U> A 14601:16061 a1",
			"P> A 1 a20441",
		"U> A 20441:21901 a1", "info recovery = recovery", "P> A 1 a43801", "info recovery = open",
		"info unacked = 0", "info retransmits = 2" } },
	{ "115_full_ack", "E", "congestion=newreno", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601", "P> A 1 a14601", "P> A 1 a14601", "U> A 14601:16061 a1",
			"P> A 1 a43801",
		"info recovery = open", "info cwnd <= 14600", "info cwnd >= 1460" } },
	{ "115_no_second_entry", "E", "congestion=newreno", .steps = { /* duplicates of the same window */
		TWENTY_IN_FLIGHT, "P> A 1 a14601", "P> A 1 a14601", "P> A 1 a14601", "U> A 14601:16061 a1",
			"P> A 1 a14601",
		"P> A 1 a14601", "P> A 1 a14601", "U> -", "stat fast_recoveries = 1",
		"info retransmits = 1" } },
	{ "115_window_change_is_no_duplicate", "E", .steps = {
		"app write 14600", "U> A 1:14601 n10", "P> A 1 a1461 w30000", "P> A 1 a1461 w30001",
		"P> A 1 a1461 w30002",
		"P> A 1 a1461 w30003", "P> A 1 a1461 w30004", "U> -", "stat fast_recoveries = 0" } },
	{ "115_data_is_no_duplicate", "E", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1:11 a14601", "U?> A 43801 a11", "P> A 11:21 a14601",
			"U?> A 43801 a21",
		"P> A 21:31 a14601", "U?> A 43801 a31", "P> A 31:41 a14601", "U?> A 43801 a41",
		"stat fast_recoveries = 0" } },
	{ "115_nothing_outstanding", "E", .steps = {
		"P> A 1 a1", "P> A 1 a1", "P> A 1 a1", "P> A 1 a1", "U> -", "stat fast_recoveries = 0" } },
	{ "121_late_ack_after_timeout", "ER",
		.steps = { /* no go-back-N for what was acknowledged meanwhile */
		"app write 14600", "U> A 1:14601 n10", "U> A 1:1461 a1 @300ms", "P> A 1 a14601", "U> - 5s",
		"info unacked = 0", "info retransmits = 1" } },
	{ "125_300_duplicates", "E", .steps = { "app write 29200", "U> A 1:14601 n10" },
		.fn = many_duplicates },
	{ "126_limited_transmit", "E", .steps = {
		"app write 29200", "U> A 1:14601 n10", "P> A 1 a1", "U> A 14601:16061", "U> -", "P> A 1 a1",
		"U> A 16061:17521", "U> -", "P> A 1 a1", "U> A 1:1461 a1" } },
	{ "126_limited_transmit_needs_window", "L", .steps = {
		"P> S 0 w14600 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 29200",
		"U> A 1:14601 n10",
		"P> A 1 a1", "U> -", "P> A 1 a1", "U> -", "P> A 1 a1", "U> A 1:1461" } },
	{ "127_idle_restart", "ER", .steps = {
		"app write 60000", "sink 60001", "info cwnd > 14600", "wait 20s", "app write 60000",
		"U> A 60001:74601 n10",
		"U> -" } },
	{ "127_short_pause_keeps_cwnd", "ER", .steps = {
		"app write 14600", "U> A 1:14601 n10", "P> A 1 a14601", "wait 50ms", "app write 29200",
		"U> A 14601:43801 n20" } },
	{ "128_cubic_reduction", "E", "congestion=cubic", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601", "P> A 1 a14601", "P> A 1 a14601", "U> A 14601:16061 a1",
		"info ssthresh ~ 20440" } },
	{ "29_tiny_rtt", "E", .steps = { /* pitfall 29: RTT of 0 us, all retransmissions lost */
		"app write 2920", "U> A 1:2921 n2", "P> A 1 a1461", "info rto_us >= 200000",
		"U> A 1461:2921 <450ms",
		"U> A 1461:2921 <900ms", "U> A 1461:2921 <1.8s", "P> A 1 a2921", "info unacked = 0" } },
	{ "29_duplicates_do_not_reset_timer", "ER", .steps = {
		"app write 1460", "U> A 1:1461", "wait 150ms", "P> A 1 a1", "wait 100ms", "P> A 1 a1",
		"U> A 1:1461 @50ms" } },
};

RUN_TABLE(loss, list)
