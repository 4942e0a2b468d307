/* SPDX-License-Identifier: BSD-3-Clause */
/* Recovery with SACK: RFC 6675, PRR, DSACK, tail loss probe. */
#include <stdio.h>

#include "tests/unit/tcp/scenarios.h"

#define MSS 1460
#define BASE 14601 /* where the twenty units in flight begin */

#define TWENTY_IN_FLIGHT "app write 14600", "U> A 1:14601 n10", "P> A 1 a14601", "app write 29200", \
	"U> A 14601:43801 n20", "info cwnd = 29200"

#define RTT_20MS "P> S 0 w65535 mss1460 sackok", "U> SA 0 a1 sackok", "wait 20ms", "P> A 1 a1", "ev accept"

static int unit(int n) { return BASE + (n - 1) * MSS; }

static void expect_new(struct script *sc, int *next, unsigned n)
{
	for (; n > 0; n--, *next += MSS)
		script_step(sc, "U> A %d:%d a1", *next, *next + MSS);
	script_step(sc, "U> -");
}

/*
 * PRR of 5.7: units 1..lost are gone, SACKs for the others come one by one.
 * sends[i]: how many segments the SACK of unit lost + 1 + i lets out.
 */
static void prr(struct script *sc, int lost, const char *sends)
{
	int new_data = unit(21), rtx = 1;

	for (int k = lost + 1; k <= 20; k++) {
		int n = *sends++ - '0';

		if (k == lost + 3) { /* no new data before: the vector is without limited transmit */
			script_step(sc, "app+ write 29200");
			script_step(sc, "U> -");
		}
		script_step(sc, "P> A 1 a%d sack%d:%d", unit(1), unit(lost + 1), unit(k + 1));
		for (; n > 0 && rtx <= lost; n--, rtx++)
			script_step(sc, "U> A %d:%d a1", unit(rtx), unit(rtx + 1));
		expect_new(sc, &new_data, (unsigned)n);
	}
}

/* ssthresh 10: on SACKs 4 (retransmission), 5, 7, 9, 11, 13, 14, 16, 19, 20. */
static void prr_half(struct script *sc)
{
	prr(sc, 1, "0011010101011010011");
	script_step(sc, "info ssthresh = 14600");
	script_step(sc, "P> A 1 a%d", unit(21));
	script_step(sc, "info cwnd = 14600");
	script_step(sc, "info recovery = open");
	script_step(sc, "discard");
}

static void sack_every_other(struct script *sc)
{
	for (int i = 0; i < 200; i++) {
		int at = BASE + 1 + i * 8;

		script_step(sc, "P> A 1 a%d sack%d:%d,%d:%d,%d:%d,%d:%d", BASE, at, at + 1, at + 2, at + 3,
			at + 4, at + 5,
			    at + 6, at + 7);
		script_step(sc, "discard");
	}
	script_step(sc, "info fast_recoveries = 0");
	script_step(sc, "P> A 1 a%d", unit(21));
	script_step(sc, "info unacked = 0");
}

/* Pitfall 32: blocks of any kind; the connection must come out alive. */
static void random_blocks(struct script *sc)
{
	for (int i = 0; i < 300; i++) {
		char text[160];
		int n = 0;

		n = snprintf(text, sizeof(text), "P> A 1 a%d sack", BASE);
		for (int b = 0; b < 3; b++)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%d:%d", b > 0 ? "," : "",
				      (int)(sim_random(script_sim(sc)) % 100000) - 20000,
				      (int)(sim_random(script_sim(sc)) % 100000) - 20000);
		script_step(sc, "%s", text);
		script_step(sc, "discard");
	}
	script_step(sc, "state ESTABLISHED");
	script_step(sc, "wait 3s");
	script_step(sc, "discard");
	script_step(sc, "P> A 1 a%d", unit(21));
	script_step(sc, "info unacked = 0");
	script_step(sc, "app write 100");
	script_step(sc, "U> A 43801:43901");
}

static const struct scenario list[] = {
	{ "116_prr_one_lost", "ES", "congestion=newreno", .steps = { TWENTY_IN_FLIGHT }, .fn = prr_half },
	{ "116_first_retransmit_always", "ES", "congestion=newreno", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:17521", "U> -", "P> A 1 a14601 sack16061:18981",
			"U> -",
		"P> A 1 a14601 sack16061:20441", "U> A 14601:16061 a1", "info recovery = recovery" } },
	{ "117_by_octets", "ES", "congestion=newreno", .steps = { /* one ACK for three units: enough */
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:20441", "U> A 14601:16061 a1",
			"stat fast_recoveries = 1",
		"discard" } },
	{ "117_two_units_are_not_enough", "ES", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:18981", "U> -", "stat fast_recoveries = 0",
		"P> A 1 a43801", "info recovery = open" } },
	{ "117_short_last_segment", "ES", .steps = { /* "> 2 x SMSS", not ">= 3 x SMSS" */
		"app write 4500", "U> A 1:4501 n4", "P> A 1 a1 sack1461:4501", "U> A 1:1461 a1" } },
	{ "117_three_ranges_above", "ES", .steps = {
		"app nodelay on", "app write 1460", "U> A 1:1461", "app write 100", "U> A 1461:1561",
		"app write 100",
		"U> A 1561:1661", "app write 100", "U> A 1661:1761", "app write 100", "U> A 1761:1861",
		"app write 100",
		"U> A 1861:1961", "P> A 1 a1 sack1461:1561", "U> -", "P> A 1 a1 sack1661:1761,1461:1561",
		"U> -",
		"P> A 1 a1 sack1861:1961,1661:1761,1461:1561", "U> A 1:1461 a1", "discard" } },
	{ "117_old_blocks_are_no_duplicates", "ES", .steps = { /* no new information */
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:17521", "P> A 1 a14601 sack16061:17521",
		"P> A 1 a14601 sack16061:17521", "P> A 1 a14601 sack16061:17521", "U> -",
		"stat fast_recoveries = 0" } },
	{ "117_two_holes", "ES", "congestion=newreno", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:20441", "U> A 14601:16061 a1", "discard",
		"P> A 1 a14601 sack21901:27741,16061:20441", "U> A 20441:21901 a1", "discard",
		"P> A 1 a43801",
		"info recovery = open" } },
	{ "118_tail_loss_probe", "L", .steps = {
		RTT_20MS, "app write 4380", "U> A 1:4381 n3", "wait 20ms", "P> A 1 a1461",
			"U> A 2921:4381 a1 @42ms",
		"info tlp_probes = 1", "info rto_count = 0", "stat tlp_probes = 1", "P> A 1 a4381",
		"info unacked = 0" } },
	{ "118_tail_loss_probe_single", "L", .steps = { /* never later than the timeout: 200 ms */
		RTT_20MS, "app write 1000", "U> A 1:1001", "U> A 1:1001 a1 @200ms", "info tlp_probes = 1",
		"info rto_count = 0", "info cwnd = 14600", "P> A 1 a1001" } },
	{ "118_probe_with_new_data", "L", "initial_window=2", .steps = {
		RTT_20MS, "app write 5840", "U> A 1:2921 n2", "U> A 2921:4381 a1 @42ms",
			"stat tlp_probes = 1" } },
	{ "118_one_probe_then_timeout", "L", .steps = {
		RTT_20MS, "app write 4380", "U> A 1:4381 n3", "wait 20ms", "P> A 1 a1461",
			"U> A 2921:4381 a1 @42ms",
		"U> A 1461:2921 a1 <300ms", "info rto_count = 1" } },
	{ "118_no_probe_without_sack", "ER", .steps = {
		"app write 4380", "U> A 1:4381 n3", "wait 100ms", "P> A 1 a1461", "U> - 145ms",
		"U> A 1461:2921 <10ms",
		"stat tlp_probes = 0" } },
	{ "119_retransmission_lost", "ESR", .steps = { /* 6675 alone cannot see it: timeout */
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:20441", "U> A 14601:16061 a1", "discard",
		"P> A 1 a14601 sack16061:43801", "discard", "U> A 14601:16061 a1 <1s", "P> A 1 a43801",
		"discard" } },
	{ "120_reordering_by_two", "ES", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:17521", "P> A 1 a14601 sack16061:18981", "U> -",
			"P> A 1 a18981",
		"U> -", "stat fast_recoveries = 0", "info retransmits = 0" } },
	{ "120_dsack_counted", "ES", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:20441", "U> A 14601:16061 a1", "discard",
			"P> A 1 a20441",
		"discard", "P> A 1 a20441 sack14601:16061", "discard", "stat dsack_in = 1" } },
	{ "122_reneging", "ESR", .steps = {
		"app write 14600", "U> A 1:14601 n10", "P> A 1 a1 sack1461:2921", "P> A 1 a1461",
		"U> A 1461:2921 a1 <400ms",
		"wait 3s", "discard", "P> A 1 a14601", "info unacked = 0" } },
	{ "123_end_beyond_next", "ES", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:60000", "U> -", "P> A 1 a14601 sack43801:45261",
			"U> -",
		"stat bad_sack = 2", "stat fast_recoveries = 0" } },
	{ "123_start_after_end", "ES", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack20441:16061", "U> -", "P> A 1 a14601 sack16061:16061",
			"U> -",
		"stat bad_sack = 2", "stat fast_recoveries = 0" } },
	{ "123_below_una", "ES", .steps = { TWENTY_IN_FLIGHT, "P> A 1 a14601 sack1:1461", "U> -",
		"info recovery = open" } },
	{ "123_bad_length", "ES", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 opt=0509aabbccddeeff11", "U> -", "P> A 1 a14601 opt=0502",
			"U> -",
		"stat fast_recoveries = 0" } },
	{ "123_sack_without_negotiation", "E", .steps = {
		TWENTY_IN_FLIGHT, "P> A 1 a14601 sack16061:40000", "U> -", "stat fast_recoveries = 0" } },
	{ "123_random_blocks", "ES", .steps = { TWENTY_IN_FLIGHT }, .fn = random_blocks },
	{ "124_every_other_octet", "ES", .steps = { TWENTY_IN_FLIGHT }, .fn = sack_every_other },
	{ "124_edge_inside_a_unit", "ES", .steps = { /* rounded inwards: the unit is sent again */
		"app write 14600", "U> A 1:14601 n10", "P> A 1 a1 sack2000:14601", "U> A 1:1461 a1",
		"discard",
		"P> A 1 a1461 sack2000:14601", "U?> A 1461:2921", "wait 2s", "discard", "P> A 1 a14601",
		"info unacked = 0" } },
	{ "124_ack_inside_a_unit", "ES", .steps = { /* the octets before it are gone from the queue */
		"app write 14600", "U> A 1:14601 n10", "P> A 1 a1 sack1461:5841", "U> A 1:1461 a1", "discard",
		"P> A 1 a701 sack1461:5841", "discard", "U> A 701:1461 a1 <1s", "P> A 1 a14601",
		"info unacked = 0" } },
	{ "124_ack_inside_a_unit_timeout", "E", .steps = {
		"app write 5840", "U> A 1:5841 n4", "P> A 1 a2000", "U> A 2000:2921 a1 @200ms",
		"P> A 1 a5841",
		"info unacked = 0" } },
	{ "34_reordering_without_loss", "EX", .steps = { /* pitfall 34: counters */
		"app write 14480", "U> A 1:14481 n10", "P> A 1 a1 sack1449:2897", "P> A 1 a2897", "discard",
		"P> A 1 a2897 sack4345:5793", "P> A 1 a5793", "discard", "P> A 1 a14481", "info unacked = 0",
		"app write 14480", "sink 28961", "info retransmits = 0" } },
	{ "35_once_only", "ES", .steps = { /* pitfall 35 */
		TWENTY_IN_FLIGHT, "P+ A 1 a14601 sack16061:17521", "P+ A 1 a14601 sack16061:18981",
		"P> A 1 a14601 sack16061:20441", "U> A 14601:16061 a1", "U> -", "info retransmits = 1" } },
	{ "37_sack_panic", "L", .steps = { /* CVE-2019-11477 */
		"P> S 0 w65535 mss48 sackok ws7", "U> SA 0 a1", "P> A 1 a1 w1000", "ev accept",
		"app write 30000",
		"U> A 1:481 n10", "P> A 1 a1 sack49:97", "discard", "P> A 1 a1 sack145:193,49:97", "discard",
		"P> A 1 a1 sack241:289,145:193,49:97", "discard", "wait 1s", "discard", "P> A 1 a481",
		"discard" } },
};

RUN_TABLE(sack, list)
