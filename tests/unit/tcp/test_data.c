/* SPDX-License-Identifier: BSD-3-Clause */
/* Receiving: order, overlap, window, urgent data. */
#include "tests/unit/tcp/scenarios.h"

/* ---- 53: the 13 relations of two ranges -------------------------------- */

static const struct { const char *name; int a0, a1, b0, b1; } relations[] = {
	{ "before", 20, 30, 40, 50 }, { "after", 40, 50, 20, 30 }, { "meets", 20, 30, 30, 40 },
	{ "met by", 30, 40, 20, 30 }, { "overlaps", 20, 35, 30, 45 }, { "overlapped by", 30, 45, 20, 35 },
	{ "starts", 20, 30, 20, 45 }, { "started by", 20, 45, 20, 30 }, { "during", 25, 35, 20, 45 },
	{ "contains", 20, 45, 25, 35 }, { "finishes", 35, 45, 20, 45 }, { "finished by", 20, 45, 35, 45 },
	{ "equals", 20, 45, 20, 45 },
};

/* First-arrived octets count, whatever a later copy says. */
static void overlap(struct script *sc)
{
	for (unsigned r = 0; r < RTE_DIM(relations) && !script_failed(sc); r++) {
		uint8_t got[64] = { 0 };
		unsigned f = r + 1;

		script_step(sc, "P%u> S 0 w65535 mss1460", f);
		script_step(sc, "U%u> SA 0 a1", f);
		script_step(sc, "P%u> A 1 a1", f);
		script_step(sc, "P%u> A %d:%d a1 fillaa", f, relations[r].a0, relations[r].a1);
		script_step(sc, "U%u> A 1 a1", f);
		script_step(sc, "P%u> A %d:%d a1 fillbb", f, relations[r].b0, relations[r].b1);
		script_step(sc, "U%u> A 1 a1", f);
		script_step(sc, "P%u> A 1:61 a1 fillcc", f);
		script_step(sc, "U%u> A 1 a61", f);
		if (script_failed(sc) || tcp_read(script_conn(sc, r), got, 60) != 60) {
			script_fail(sc, "%s: 60 octets should be readable", relations[r].name);
			return;
		}
		for (int i = 0; i < 60; i++) {
			uint8_t want = i + 1 >= relations[r].a0 && i + 1 < relations[r].a1 ? 0xaa :
				       i + 1 >= relations[r].b0 && i + 1 < relations[r].b1 ? 0xbb : 0xcc;

			if (got[i] != want)
				script_fail(sc, "%s: octet %d is %02x, expected %02x", relations[r].name, i,
					got[i], want);
		}
	}
}

/* ---- 55, 56: the window's edge ----------------------------------------- */

static void beyond_the_window(struct script *sc)
{
	int64_t edge = script_edge(sc, 0);

	script_step(sc, "P> A 1:%d a1 gso1460", (int)edge - 100);
	script_step(sc, "U> A 1 a%d", (int)edge - 100);
	edge = script_edge(sc, 0);
	script_step(sc, "P> FPA %d:%d a1", (int)edge - 100, (int)edge + 400);
	script_step(sc, "U> A 1 a%d", (int)edge);
	script_step(sc, "noev eof");
	script_step(sc, "info readable = %d", (int)edge - 1);
	script_step(sc, "app read %d", (int)edge - 1);
	script_step(sc, "U> A 1 a%d w>1460", (int)edge);
}

static void at_the_edge(struct script *sc)
{
	int edge = (int)script_edge(sc, 0);

	script_step(sc, "P> A %d a1", edge);
	script_step(sc, "U> -");
	script_step(sc, "P> A %d a1", edge + 1);
	script_step(sc, "U> A 1 a1");
	script_step(sc, "P> A %d:%d a1", edge, edge + 10);
	script_step(sc, "U> A 1 a1");
	script_step(sc, "P> A %d:%d a1", edge + 100000, edge + 100010);
	script_step(sc, "U> A 1 a1");
	script_step(sc, "info readable = 0");
	script_step(sc, "info out_of_order = 0");
	script_step(sc, "drop tcp_out_of_window >= 3");
}

/* Pitfall 42: out-of-order segments that exactly fill the promised window. */
static void fill_exactly(struct script *sc)
{
	int edge = (int)script_edge(sc, 0), cut = edge / 2;

	script_step(sc, "P> A %d:%d a1 gso1460", cut, edge);
	script_step(sc, "U> A 1 a1");
	script_step(sc, "P> A 1461:%d a1 gso1460", cut);
	script_step(sc, "U> A 1 a1");
	script_step(sc, "P> A 1:1461 a1");
	script_step(sc, "U> A 1 a%d", edge);
	script_step(sc, "app read %d", edge - 1);
	script_step(sc, "U> A 1 a%d w>1460", edge);
}

/* What is beyond the edge is dropped as a segment of its own. */
static void run_beyond_the_window(struct script *sc)
{
	int edge = (int)script_edge(sc, 0), third = (edge - 1) / 3;

	script_step(sc, "P+ A 1:%d a1", 1 + third);
	script_step(sc, "P+ A %d:%d a1", 1 + third, 1 + 2 * third);
	script_step(sc, "P+ A %d:%d a1", 1 + 2 * third, 1 + 3 * third);
	script_step(sc, "P> A %d:%d a1", 1 + 3 * third, 1 + 4 * third);
	script_step(sc, "U> A 1 a%d", edge);
	script_step(sc, "stat merged_in = 2");
	script_step(sc, "app read %d", edge - 1);
	script_step(sc, "U> A 1 a%d w>1460", edge);
}

/* ---- 66, 67: tiny segments --------------------------------------------- */

static void tiny_in_order(struct script *sc)
{
	for (unsigned i = 1; i <= 1000; i++) {
		script_step(sc, "P> A %u:%u a1", i, i + 1);
		script_step(sc, "discard");
	}
	script_step(sc, "wait 50ms");
	script_step(sc, "discard");
	script_step(sc, "info readable = 1000");
	script_step(sc, "info charged <= 16384");
	script_step(sc, "app read 1000");
	script_step(sc, "info charged = 0");
}

static void tiny_out_of_order(struct script *sc)
{
	for (unsigned i = 0; i < 3000; i++) {
		unsigned at = 3 + (i * 7919) % 15000 * 2;

		script_step(sc, "P> A %u:%u a1", at, at + 1);
		script_step(sc, "discard");
	}
	script_step(sc, "info out_of_order <= 64");
	script_step(sc, "info charged <= 300000");
	script_step(sc, "P> A 1:2 a1");
	script_step(sc, "U> A 1 a2 <41ms");
	script_step(sc, "app read 1");
}

/* ---- 68: urgent -------------------------------------------------------- */

static void expect_mark(struct script *sc, int64_t want)
{
	int64_t got = tcp_urgent_mark(script_conn(sc, 0));

	if (got != want)
		script_fail(sc, "urgent mark is %lld, expected %lld", (long long)got, (long long)want);
}

static void urgent(struct script *sc)
{
	script_step(sc, "P> A 1:11 a1 urg5");
	script_step(sc, "U> A 1 a11 <41ms");
	script_step(sc, "ev urgent");
	expect_mark(sc, 5);
	script_step(sc, "app read 3");
	expect_mark(sc, 2);
	script_step(sc, "P> A 11:21 a1 urg3");
	script_step(sc, "U> A 1 a21 <41ms");
	script_step(sc, "ev urgent");
	expect_mark(sc, 10);
	script_step(sc, "app read 17");
	expect_mark(sc, -1);
}

static void urgent_useless(struct script *sc)
{
	script_step(sc, "P> A 1:11 a1 urg0");
	script_step(sc, "U> A 1 a11 <41ms");
	script_step(sc, "noev urgent");
	expect_mark(sc, -1);
	script_step(sc, "app read 10");
}

static const struct scenario list[] = {
	{ "46_data", "E", .steps = { "P> A 1:101 a1", "U> A 1 a101 <41ms", "U> - 1s", "ev readable",
		"app read 100" } },
	{ "46_one_octet", "E", .steps = { "P> A 1:2 a1", "U> A 1 a2 <41ms", "ev readable", "app read 1" } },
	{ "46_peek_consume", "E", .steps = {
		"P> A 1:1461 a1", "U> A 1 a1461 <41ms", "app consume 700", "app consume 760",
		"info readable = 0" } },
	{ "46_take", "E", .steps = {
		"P> A 1:1461 a1", "U> A 1 a1461 <41ms", "P> A 1461:1561 a1", "U> A 1 a1561 <41ms",
		"app take 1000",
		"app take 560", "info charged = 0" } },
	{ "49_out_of_order", "E", .steps = {
		"P> A 1461:2921 a1", "U> A 1 a1", "noev readable", "info out_of_order = 1460",
		"P> A 1:1461 a1",
		"U> A 1 a2921", "ev readable", "app read 2920", "info out_of_order = 0" } },
	{ "53_overlap", "L", .fn = overlap },
	{ "54_partly_known", "E", .steps = {
		"P> A 1:51 a1", "U> A 1 a51 <41ms", "P> A 1:101 a1", "U> A 1 a101 <41ms", "app read 100" } },
	{ "54_known_with_other_octets", "E", .steps = {
		"P> A 1:51 a1", "U> A 1 a51 <41ms", "P> A 1:51 a1 fillff", "U> A 1 a51", "app read 50" } },
	{ "55_beyond_the_window", "E", "rcvbuf_initial=16384 rcvbuf_max=16384", .wrap_back = 3000,
		.fn = beyond_the_window },
	{ "56_at_the_edge", "E", .fn = at_the_edge },
	{ "56_fill_exactly", "E", "rcvbuf_initial=16384 rcvbuf_max=16384", .fn = fill_exactly },
	{ "61_no_ack_flag", "E", .steps = {
		"P> null 1:11", "U> -", "info readable = 0", "drop tcp_no_ack = 1", "P> F 1", "U> -",
		"state ESTABLISHED" } },
	{ "62_wrap", "ES", .wrap_back = 5, .steps = {
		"P> A 21:41 a1", "U> A 1 a1 sack21:41", "P> A 1:21 a1", "U> A 1 a41 nosack", "app read 40",
		"app write 100", "U> A 1:101 a41", "P> A 41 a101", "app shutdown", "U> FA 101 a41",
		"P> FA 41 a102",
		"U> A 102 a42" } },
	{ "63_bad_checksum", "E", .steps = {
		"P> A 1:11 a1 badsum", "U> -", "P> R 1 badsum", "U> -", "P> S 1 badsum", "U> -",
		"state ESTABLISHED",
		"info readable = 0", "drop tcp_checksum = 3" } },
	{ "64_unknown_options", "E", .steps = {
		"P> A 1:11 a1 opt=fd04aaaa", "U> A 1 a11 <41ms", "P> A 11:21 a1 opt=fe06deadbeef",
		"U> A 1 a21 <41ms",
		"P> A 21:31 a1 opt=4c04aaaa", "U> A 1 a31 <41ms", "P> A 31:41 a1 opt=fe06e2d4c3d9",
		"U> A 1 a41 <41ms", "app read 40" } },
	{ "64_options_of_syn_in_data", "E", .steps = { /* MUST-5, MUST-65 */
		"P> A 1:11 a1 mss100 ws3 sackok", "U> A 1 a11 <41ms", "info snd_mss = 1460",
		"info snd_wscale = 0",
		"info sack = 0", "app read 10" } },
	{ "65_super_segment", "E", .steps = {
		"P> A 1:45001 a1 gso1460", "U> A 1 a45001 <41ms", "ev readable", "app read 45000",
		"U> A 1 a45001 w65535" } },
	{ "65_super_segment_partly_known", "E", .steps = {
		"P> A 1:1461 a1", "U> A 1 a1461 <41ms", "P> A 1:29201 a1 gso1460", "U> A 1 a29201 <41ms",
		"app read 29200" } },
	{ "65_super_segment_over_held_range", "E", .steps = {
		"P> A 2921:4381 a1", "U> A 1 a1", "P> A 1:14601 a1 gso1460", "U> A 1 a14601 <41ms",
		"app read 14600" } },
	{ "65_run_is_one", "E", .skip = SCRIPT_SLOW, .steps = {
		"P+ A 1:1461 a1", "P+ A 1461:2921 a1", "P> PA 2921:3021 a1", "U> A 1 a3021", "stat merged_in = 2",
		"ev readable", "app read 3020", "info charged = 0" } },
	{ "65_run_of_small_units", "E", .skip = SCRIPT_SLOW, .steps = { /* a segment is the unit */
		"P+ A 1:701 a1", "P+ A 701:1401 a1", "P> A 1401:2101 a1", "U> A 1 a2101 <41ms", "stat merged_in = 2",
		"info rcv_mss = 700", "app read 2100" } },
	{ "65_run_segment_by_segment", "E", .skip = SCRIPT_OFFLOAD, .steps = {
		"P+ A 1:1461 a1", "P+ A 1461:2921 a1", "P> PA 2921:3021 a1", "U> A 1 a3021", "app read 3020" } },
	{ "65_run_ends_at_push", "E", .skip = SCRIPT_SLOW, .steps = {
		"P+ A 1:101 a1", "P+ PA 101:201 a1", "P> A 201:301 a1", "U> A 1 a301 <41ms", "stat merged_in = 1",
		"app read 300" } },
	{ "65_run_ends_at_shorter", "E", .skip = SCRIPT_SLOW, .steps = {
		"P+ A 1:101 a1", "P+ A 101:151 a1", "P> A 151:201 a1", "U> A 1 a201 <41ms", "stat merged_in = 1",
		"app read 200" } },
	{ "65_run_with_other_things", "ET", .skip = SCRIPT_SLOW, .steps = {
		"app write 200", "U> A 1:201", "P+ A 1:101 a101", "P+ A 101:201 a201", "P> A 201:301 a201 w9",
		"U> A 201 a301 <41ms", "P+ A 301:401 a201 w9", "P> A 401:601 a201 w9", "U> A 201 a601 <41ms",
		"P+ A 601:701 a201 w9 ts5000", "P> A 701:801 a201 w9 ts5001", "U> A 201 a801 <41ms",
		"stat merged_in = 0", "app read 800" } },
	{ "65_run_of_one_dscp", "E", .skip = SCRIPT_SLOW, .steps = { /* other ones queue apart on the way */
		"P+ A 1:101 a1 dscp46", "P+ A 101:201 a1 dscp46", "P+ A 201:301 a1 dscp8", "P> A 301:401 a1",
		"U> A 1 a401", "stat merged_in = 1", "app read 400" } },
	{ "65_run_with_gap", "E", .skip = SCRIPT_SLOW, .steps = {
		"P+ A 1:101 a1", "P+ A 101:201 a1", "P+ A 301:401 a1", "P> A 401:501 a1", "U> A 1 a201",
		"discard", "info out_of_order = 200", "P+ A 201:301 a1", "P> A 501:601 a1", "U> A 1 a601",
		"stat merged_in = 1", "app read 600" } },
	{ "65_run_to_the_fin", "E", .skip = SCRIPT_SLOW, .steps = {
		"P+ A 1:101 a1", "P+ A 101:201 a1", "P> FA 201:301 a1", "U> A 1 a302", "stat merged_in = 1", "ev eof",
		"app read 300" } },
	{ "65_run_beyond_the_window", "E", "rcvbuf_initial=4380 rcvbuf_max=4380", .skip = SCRIPT_SLOW,
		.fn = run_beyond_the_window },
	{ "66_tiny_in_order", "E", .fn = tiny_in_order },
	{ "67_tiny_out_of_order", "ES", .fn = tiny_out_of_order },
	{ "68_urgent", "E", .fn = urgent },
	{ "68_urgent_pointer_zero", "E", .fn = urgent_useless },
	{ "68_ethernet_padding", "E", .steps = { /* pitfall 4 */
		"P> A 1:2 a1 pad20", "U> A 1 a2 <41ms", "info readable = 1", "P> A 2 a1 pad6", "U> -",
		"app read 1" } },
};

RUN_TABLE(data, list)
