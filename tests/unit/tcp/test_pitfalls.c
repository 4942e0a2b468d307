/* SPDX-License-Identifier: BSD-3-Clause */
/* Bugs other stacks had (reference, section 11), as far as no other table covers them. */
#include "tests/unit/tcp/scenarios.h"

/* 14: close in every state, then every combination of flags. The sanitizer watches. */
static void after_close(struct script *sc)
{
	for (unsigned state = 0; state < 5; state++)
		for (unsigned flags = 0; flags < 64 && !script_failed(sc); flags += state == 0 ? 1 : 3) {
			static unsigned port;
			unsigned f = 1 + port++ % 30;
			struct wire_build b = {
				.smac = sim_mac(2), .dmac = sim_mac(1), .saddr = SCRIPT_P, .daddr = SCRIPT_U,
					.frag = 0x4000,
				.sport = (uint16_t)(39999 + f), .dport = 80, .flags = (uint8_t)flags,
					.win = 100,
			};

			script_step(sc, "P%u> S 0 w65535 mss1460", f);
			script_step(sc, "U%u> SA 0 a1", f);
			if (state > 0)
				script_step(sc, "P%u> A 1 a1", f);
			if (state == 2)
				script_step(sc, "P%u> FA 1 a1", f);
			if (state >= 3)
				script_step(sc, "P%u> A 11:21 a1", f);
			script_step(sc, "discard");
			if (state > 0)
				script_step(sc, "app%u %s", f, state == 4 ? "abort" : "close");
			script_step(sc, "discard");
			b.seq = script_p_isn(sc, f - 1) + 1;
			b.ack = script_u_isn(sc, f - 1) + 1;
			script_inject(sc, wire_tcp_build(&b));
			script_step(sc, "discard");
			b.flags = WIRE_RST | WIRE_ACK;
			b.seq = script_p_isn(sc, f - 1) + 1 + (state == 2) + ((flags & WIRE_FIN) != 0);
			script_inject(sc, wire_tcp_build(&b));
			script_step(sc, "discard");
			script_step(sc, "wait 70s");
			script_step(sc, "discard");
			script_forget(sc, f - 1);
		}
}

/* 36: a flow that never fills its window does not earn a larger one. */
static void application_limited(struct script *sc)
{
	for (unsigned i = 0; i < 1000; i++) {
		script_step(sc, "app write 100");
		script_step(sc, "U> A %u:%u", 1 + i * 100, 101 + i * 100);
		script_step(sc, "wait 1ms");
		script_step(sc, "P> A 1 a%u", 101 + i * 100);
	}
	script_step(sc, "info cwnd <= 29200");
}

/* 11: a flood of RSTs: nothing but a few challenge ACKs comes back. */
static void rst_flood(struct script *sc)
{
	for (unsigned i = 0; i < 500; i++) {
		script_step(sc, "P> R %u", 2 + i * 7 % 60000);
		script_step(sc, "U?> A 1 a1");
	}
	script_step(sc, "state ESTABLISHED");
	script_step(sc, "stat challenge_acks = 1");
	script_step(sc, "stat out_rsts = 0");
}

/* 41: out-of-order data must not keep the segment at RCV.NXT out. */
static void holes_in_small_buffer(struct script *sc)
{
	int edge = (int)script_edge(sc, 0);

	for (int at = 1461; at + 1460 <= edge + 1460; at += 1460) {
		script_step(sc, "P> A %d:%d a1", at, at + 1460 < edge ? at + 1460 : edge);
		script_step(sc, "discard");
	}
	script_step(sc, "P> A 1:1461 a1");
	script_step(sc, "discard");
	script_step(sc, "info readable >= 1460");
	script_step(sc, "app read 1460");
	script_step(sc, "discard");
}

static const struct scenario list[] = {
	{ "p11_rst_flood", "E", .fn = rst_flood },
	{ "p14_after_close", "L", .fn = after_close },
	{ "p31_ack_all_after_retransmissions", "ER", .steps = {
		"app write 14600", "U> A 1:14601 n10", "U> A 1:1461 @300ms", "P> A 1 a2921", "discard",
		"wait 1s", "discard",
		"P> A 1 a14601", "info unacked = 0", "app write 100", "U> A 14601:14701", "P> A 1 a14701",
		"info unacked = 0" } },
	{ "p36_application_limited", "E", .fn = application_limited },
	{ "p41_holes_in_small_buffer", "E", "rcvbuf_initial=8192 rcvbuf_max=8192",
		.fn = holes_in_small_buffer },
	{ "p43_write_larger_than_buffer", "E", "sndbuf_max=20000", .steps = {
		"app write 200000 =20000", "sink 20001", "ev writable", "app write 20000", "sink 40001" } },
	{ "p45_rst_numbers", "L", .steps = {
		"P> A 100:200 a77", "U> R 77 w0", "P2> FA 5:9 a3", "U2> R 3 w0", "P3> A 0 a0",
		"U3> R 0 w0" } },
	{ "p47_window_of_another", "E", .steps = { /* strange segments in the same burst */
		"app write 100", "U> A 1:101", "P2+ A 9 a9 w1", "P+ A 1 a101 w40000", "P3+ S 5 w2",
		"P4> A 7:17 a3 w3",
		"U2> R 9", "U3> SA 0 a6", "U4> R 3", "info snd_wnd = 40000", "P3> R 6" } },
	{ "p49_close_in_timeout_callback", "E", "retries=2", .steps = {
		"app oneof close", "app write 10", "U> A 1:11", "wait 30s", "discard", "state -" } },
	{ "p49_close_in_keepalive_callback", "E", "keepalive_idle_ms=1000 keepalive_interval_ms=100",
		.steps = {
		"app oneof close", "app keepalive on", "wait 30s", "discard", "state -" } },
	{ "p55_acks_of_large_segments", "L", "mtu=65000 multi_seg=1",
		.steps = { /* half a window at once is worth an ACK */
		"P> S 0 w65535 mss64960", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app onread read",
		"P> A 1:30001 a1 gso1460",
		"U> A 1 a30001 <41ms", "P> A 30001:60001 a1 gso1460", "U> A 1 a60001 <41ms" } },
	{ "p58_zero_window_in_flight", "L", .steps = {
		"P> S 0 w4380 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 8000",
		"U> A 1:4381 n3",
		"P> A 1 a1461 w0", "wait 2s", "discard", "P> A 1 a4381 w0", "wait 2s", "discard",
		"P> A 1 a4381 w20000",
		"sink 8001", "info unacked = 0" } },
	{ "p17_fin_in_three_parts", "E", .steps = {
		"P> FA 21:31 a1", "U> A 1 a1", "P> A 11:21 a1", "U> A 1 a1", "P> A 1:11 a1", "U> A 1 a32",
		"app read 30",
		"ev eof" } },
	{ "p19_fin_with_data_lost", "ER", .steps = {
		"app write 100", "app shutdown", "U> A 1:101 a1", "U> FA 101 a1", "U> A|FA 1:101 a1 @300ms",
		"discard",
		"P> A 1 a102", "state FIN_WAIT_2" } },
	{ "p42_accepts_by_promise", "EX", "rcvbuf_initial=100000 rcvbuf_max=100000", .steps = {
		"P> A 40001:44001 a1 gso1448", "U> A 1 a1", "P> A 1449:40001 a1 gso1448", "U> A 1 a1",
		"P> A 1:1449 a1",
		"U> A 1 a44001", "app read 44000", "discard" } },
};

RUN_TABLE(pitfalls, list)
