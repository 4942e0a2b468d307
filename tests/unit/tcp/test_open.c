/* SPDX-License-Identifier: BSD-3-Clause */
/* Passive opening: LISTEN, half-open entries, options. */
#include "tests/unit/tcp/scenarios.h"

/* 36: addresses that must not be answered. */
static void to_many(struct script *sc)
{
	static const struct { uint32_t saddr, daddr; bool ether_broadcast; } cases[] = {
		{ SCRIPT_P, 0x0a0000ff, true }, { SCRIPT_P, 0xffffffff, true },
			{ SCRIPT_P, 0xe0000005, false },
		{ 0xe0000001, SCRIPT_U, false }, { 0x0a0000ff, SCRIPT_U, false },
			{ 0xffffffff, SCRIPT_U, false },
		{ 0, SCRIPT_U, false }, { 0x7f000001, SCRIPT_U, false }, { SCRIPT_U, SCRIPT_U, false },
		{ 0xf0000001, SCRIPT_U, false }, { SCRIPT_P, 0x0a000009, false },
			{ SCRIPT_P, SCRIPT_U, true },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct wire_build b = {
			.smac = sim_mac(2), .dmac = sim_mac(1), .saddr = cases[i].saddr,
				.daddr = cases[i].daddr,
			.sport = 40000, .dport = 80, .flags = WIRE_SYN, .win = 1000, .frag = 0x4000,
		};
		uint64_t before = script_drops(sc);

		if (cases[i].ether_broadcast)
			memset(&b.dmac, 0xff, 6);
		script_inject(sc, wire_tcp_build(&b));
		script_step(sc, "U> -");
		if (script_drops(sc) == before)
			script_fail(sc, "case %u was counted under no reason", i);
	}
	script_step(sc, "stat half_open = 0");
	script_step(sc, "stat out_rsts = 0");
}

/* Pitfall 1: every kind with every bad length at every offset of a SYN. */
static void option_walk(struct script *sc)
{
	static const uint8_t lengths[] = { 0, 1, 2, 3, 4, 10, 40, 41, 255 };

	for (unsigned kind = 2; kind < 256 && !script_failed(sc); kind += kind < 10 ? 1 : 49)
		for (unsigned off = 0; off < 40; off += 3)
			for (unsigned i = 0; i < RTE_DIM(lengths); i++) {
				struct wire_build b = {
					.smac = sim_mac(2), .dmac = sim_mac(1), .saddr = SCRIPT_P,
						.daddr = SCRIPT_U,
					.sport = 40000, .dport = 80, .flags = WIRE_RST | WIRE_ACK,
						.opt_len = 40,
				};

				memset(b.opt, 1, 40);
				b.opt[off] = (uint8_t)kind;
				if (off + 1 < 40)
					b.opt[off + 1] = lengths[i];
				b.flags = WIRE_SYN;
				script_inject(sc, wire_tcp_build(&b));
				script_step(sc, "U?> SA");
				b.flags = WIRE_RST;
				b.opt_len = 0;
				b.seq = 1;
				script_inject(sc, wire_tcp_build(&b));
			}
	script_step(sc, "stat half_open = 0");
}

static void port_zero(struct script *sc)
{
	for (unsigned i = 0; i < 2; i++) {
		struct wire_build b = {
			.smac = sim_mac(2), .dmac = sim_mac(1), .saddr = SCRIPT_P, .daddr = SCRIPT_U,
			.sport = i == 0 ? 0 : 40000, .dport = i == 0 ? 80 : 0, .flags = WIRE_SYN,
		};

		script_inject(sc, wire_tcp_build(&b));
		script_step(sc, "U> -");
	}
	script_step(sc, "drop tcp_port_zero = 2");
}

static const struct scenario list[] = {
	{ "1_syn_mss", "L", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1 w>0 mss1460 nows nots nosackok nosmc", "U> -",
		"state SYN_RECEIVED", "stat half_open = 1",
		"P> A 1 a1", "U> -", "ev accept", "state ESTABLISHED", "info snd_wnd = 1000",
		"stat half_open = 0",
		"stat passive_opens = 1", "stat curr_estab = 1" } },
	{ "2_syn_all_options", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460 sackok ts1000:0 ws7 smc",
		"U> SA 0 a1 w>0 mss1460 sackok tsecr1000 ws7 smc",
		"P> A 1 a1 w512", "ev accept", "info opt_received = 1", "info opt_sent = 1",
		"info snd_wscale = 7",
		"info sack = 1", "info timestamps = 1", "info snd_wnd = 65536" } },
	{ "2_syn_smc_listener_without", "L", .steps = {
		"P> S 0 w65535 mss1460 smc", "U> SA 0 a1 nosmc", "P> A 1 a1", "ev accept",
		"info opt_sent = 0" } },
	{ "2_syn_without_smc_listener_with", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1 nosmc", "P> A 1 a1", "ev accept",
		"info opt_received = 0" } },
	{ "2_syn_smc_longer", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460 opt=fe08e2d4c3d90102", "U> SA 0 a1 smc", "P> A 1 a1", "ev accept",
		"info opt_received = 1", "info opt_sent = 1" } },
	{ "2_syn_smc_longest", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460 opt=fe0ee2d4c3d90102030405060708 opt=0101", "U> SA 0 a1 smc",
		"P> A 1 a1", "ev accept", "info opt_received = 1" } },
	{ "2_syn_smc_odd", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460 opt=fe07e2d4c3d90101", "U> SA 0 a1 nosmc", "P> A 1 a1", "ev accept",
		"info opt_received = 0" } },
	{ "2_syn_smc_other_identifier", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460 opt=fe08e2d4c3d80102", "U> SA 0 a1 nosmc", "P> A 1 a1", "ev accept",
		"info opt_received = 0" } },
	{ "2_syn_smc_other_kind", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460 opt=fd06e2d4c3d90101", "U> SA 0 a1 nosmc", "P> A 1 a1", "ev accept",
		"info opt_received = 0" } },
	{ "2_syn_smc_first_syn_decides", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460 smc", "U> SA 0 a1 smc", "P> S 0 w65535 mss1460", "U> SA 0 a1 smc",
		"P> A 1 a1", "ev accept", "info opt_received = 1", "info opt_sent = 1" } },
	{ "2_syn_smc_comes_too_late", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1 nosmc", "P> S 0 w65535 mss1460 smc", "U> SA 0 a1 nosmc",
		"P> A 1 a1", "ev accept", "info opt_received = 0", "info opt_sent = 0" } },
	{ "2_smc_on_no_other_segment", "L", "smc=1", .steps = {
		"P> S 0 w65535 mss1460 smc", "U> SA 0 a1 smc", "P> A 1 a1", "ev accept",
		"app write 100", "U> A 1:101 a1 nosmc", "P> A 1:101 a101", "U> A 101 a101 nosmc",
		"app shutdown", "U> FA 101 a101 nosmc" } },
	{ "2_options_switched_off", "L", "timestamps=0 sack=0 window_scaling=0", .steps = {
		"P> S 0 w65535 mss1460 sackok ts1000:0 ws7", "U> SA 0 a1 mss1460 nosackok nots nows",
		"P> A 1 a1", "ev accept" } },
	{ "3_no_mss_option", "L", .steps = {
		"P> S 0 w65535", "U> SA 0 a1 mss1460", "P> A 1 a1", "ev accept", "info snd_mss = 536",
		"app write 3000", "U> A 1:537 a1", "U> A 537:1073", "U> A 1073:3001 n4", "U> -" } },
	{ "4_mss_100", "L", .steps = {
		"P> S 0 w65535 mss100", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 300",
		"U> A 1:101 a1", "U> A 101:201", "U> A 201:301" } },
	{ "4_mss_0", "L", .steps = {
		"P> S 0 w65535 mss0", "U> SA 0 a1", "P> A 1 a1", "ev accept", "info snd_mss >= 48",
		"info snd_mss <= 536", "app write 1000", "sink 1001" } },
	{ "4_mss_1", "L", .steps = {
		"P> S 0 w65535 mss1", "U> SA 0 a1", "P> A 1 a1", "ev accept", "info snd_mss = 48",
		"app write 1000", "sink 1001" } },
	{ "4_mss_12_with_timestamps", "L", .steps = {
		"P> S 0 w65535 mss12 ts1:0", "U> SA 0 a1", "P> A 1 a1", "ev accept", "info snd_mss >= 36",
		"app write 1000", "sink 1001" } },
	{ "4_mss_65535", "L", .steps = {
		"P> S 0 w65535 mss65535", "U> SA 0 a1", "P> A 1 a1", "ev accept", "info snd_mss = 1460",
		"app write 3000", "U> A 1:1461", "U> A 1461:2921", "U> A 2921:3001" } },
	{ "5_wscale_15", "L", .steps = {
		"P> S 0 w65535 mss1460 ws15", "U> SA 0 a1 ws7", "P> A 1 a1 w1", "ev accept",
		"info snd_wscale = 14",
		"info snd_wnd = 16384" } },
	{ "5_wscale_255", "L", .steps = {
		"P> S 0 w65535 mss1460 ws255", "U> SA 0 a1 ws7", "P> A 1 a1 w2", "ev accept",
		"info snd_wscale = 14",
		"info snd_wnd = 32768" } },
	{ "5_wscale_14_window_65535", "L", .steps = { /* pitfall 27: 32 bits */
		"P> S 0 w65535 mss1460 ws14", "U> SA 0 a1 ws7", "P> A 1 a1 w65535", "ev accept",
		"info snd_wnd = 1073725440", "app write 100", "U> A 1:101" } },
	{ "5_wscale_0", "L", .steps = {
		"P> S 0 w65535 mss1460 ws0", "U> SA 0 a1 ws7", "P> A 1 a1 w500", "ev accept",
		"info snd_wnd = 500" } },
	{ "6_syn_with_data", "L", .steps = {
		"P> S 0:100 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "U> -", "ev accept", "noev readable",
		"P> A 1:101 a1", "U> A 1 a101 <41ms", "ev readable", "app read 100" } },
	{ "7_odd_flags_to_listener", "L", .steps = {
		"P> SF 0", "U> -", "P> SR 0", "U> -", "P> null 0", "U> -", "P> F 0", "U> -", "P> FPU 0 urg1",
		"U> -",
		"drop tcp_bad_flags = 2", "drop tcp_listen_ignored = 3", "stat half_open = 0" } },
	{ "7_odd_flags_to_closed_port", NULL, .steps = {
		"P> SF 0", "U> -", "P> SR 0", "U> -", "P2> null 0", "U2> RA 0 a0", "P3> FPU 5 urg1",
		"U3> RA 0 a6",
		"drop tcp_bad_flags = 2" } },
	{ "8_listen_ack", "L", .steps = {
		"P> A 5 a9", "U> R 9 w0", "stat out_rsts = 1", "P2> FA 5 a9", "U2> R 9 w0", "P3> A 5:50 a9",
		"U3> R 9" } },
	{ "9_listen_rst", "L", .steps = {
		"P> R 5", "U> -", "P> RA 5 a1", "U> -", "P> R 5:10", "U> -", "stat out_rsts = 0" } },
	{ "10_closed_port", NULL, .steps = {
		"P> S 7", "U> RA 0 a8 w0", "P2> S 7:17", "U2> RA 0 a18", "P3> F 7", "U3> RA 0 a8",
		"drop tcp_no_listener >= 3" } },
	{ "11_closed_port_ack", NULL, .steps = {
		"P> A 5:15 a9", "U> R 9", "P> A 5 a9", "U> R 9", "P> FA 5 a0", "U> R 0" } },
	{ "11_closed_port_dscp", NULL, .steps = { /* answered in kind */
		"P> S 0 w65535 mss1460 dscp46", "U> RA 0 a1 dscp46" } },
	{ "11_closed_port_rst", NULL, .steps = { "P> R 5", "U> -", "P> RA 5 a9", "U> -",
		"stat out_rsts = 0" } },
	{ "12_synack_retries", "L", .steps = {
		"P> S 0 w65535 mss1460 ws7", "U> SA 0 a1 mss1460 ws7", "U> SA 0 a1 mss1460 ws7 @1s",
		"U> SA 0 a1 mss1460 ws7 @2s", "U> SA 0 a1 @4s", "U> SA 0 a1 @8s", "U> SA 0 a1 @16s",
		"state SYN_RECEIVED", "U> - 31s", "wait 2s", "state -", "stat half_open = 0" } },
	{ "13_syn_repeated", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1 mss1460", "wait 100ms", "P> S 0 w65535 mss1460",
		"U?> SA 0 a1 mss1460", "wait 600ms", "P> S 0 w65535 mss1460", "U> SA 0 a1 mss1460",
		"stat half_open = 1",
		"P> A 1 a1", "ev accept", "stat half_open = 0" } },
	{ "14_syn_received_bad_ack", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a2", "U> R 2", "P> A 1 a0", "U> R 0",
		"state SYN_RECEIVED", "P> A 1 a1", "ev accept", "state ESTABLISHED" } },
	{ "15_syn_received_rst", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> R 1", "U> -", "state -", "noev",
		"stat half_open = 0",
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept" } },
	{ "15_syn_received_rst_in_window", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> R 2", "U> A 1 a1", "state SYN_RECEIVED",
		"P> R 700000", "U> -", "state SYN_RECEIVED", "P> A 1 a1", "ev accept" } },
	{ "16_syn_received_data_fin", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> FA 1:11 a1", "U> A 1 a12", "ev accept",
		"ev readable",
		"app read 10", "ev eof", "state CLOSE_WAIT" } },
	{ "17_syn_received_out_of_order", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 11:21 a1", "U> A 1 a1", "ev accept",
		"noev readable",
		"P> A 1:11 a1", "U> A 1 a21", "app read 20" } },
	{ "18_accept_refused", "L", .steps = {
		"app refuse 1", "P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "U> -", "noev accept",
		"state SYN_RECEIVED", "stat accept_overflows = 1", "P> A 1:11 a1", "U> A 1 a11 <41ms",
		"ev accept",
		"app read 10" } },
	{ "18_accept_refused_rst", "L", "abort_on_overflow=1", .steps = {
		"app refuse 1", "P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "U> R|RA 1",
		"noev accept", "state -" } },
	{ "18_accept_writes", "L", .steps = { /* pitfall 44 */
		"app onaccept write 100", "P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept",
		"U> A 1:101 a1 psh", "U> -" } },
	{ "36_broadcast_multicast", "L", .fn = to_many },
	{ "37_option_lengths", "L", .steps = {
		"P> S 0 w65535 mss1400 opt=4d00", "U> SA 0 a1", "P> A 1 a1", "ev accept",
		"info snd_mss = 1400",
		"P2> S 0 w65535 mss1400 opt=4d01", "U2> SA 0 a1", "P2> A 1 a1", "ev2 accept",
		"info2 snd_mss = 1400",
		"P3> S 0 w65535 mss1400 opt=4d29", "U3> SA 0 a1", "P3> A 1 a1", "ev3 accept",
		"info3 snd_mss = 1400",
		"P4> S 0 w65535 opt=4d0302040578", "U4> SA 0 a1" } },
	{ "37_option_walk", "L", .fn = option_walk },
	{ "37_options_unaligned", "L", .steps = { /* MUST-64 */
		"P> S 0 w65535 opt=0102040578010303020104020101", "U> SA 0 a1 ws7 sackok", "P> A 1 a1 w100",
		"ev accept",
		"info snd_mss = 1400", "info snd_wnd = 400" } },
	{ "37_mss_after_end_of_options", "L", .steps = {
		"P> S 0 w65535 opt=0002040578000000", "U> SA 0 a1", "P> A 1 a1", "ev accept",
		"info snd_mss = 536" } },
	{ "37_length_cuts_the_list", "L", .steps = {
		"P> S 0 w65535 opt=020405784d000000", "U> SA 0 a1", "P> A 1 a1", "ev accept", "info snd_mss = 1400",
		"stat bad_options = 1" } },
	{ "37_data_offset", "L", .steps = {
		"P> S 0 doff0", "U> -", "P> S 0 doff4", "U> -", "P> S 0 doff6", "U> -", "P> S 0 doff15",
		"U> -",
		"drop tcp_data_offset = 4", "stat half_open = 0" } },
	{ "37_port_zero", "L", .fn = port_zero },
	{ "37_bad_checksum", "L", .steps = { "P> S 0 mss1460 badsum", "U> -", "drop tcp_checksum = 1" } },
	{ "37_listener_gone", "L", .steps = { /* half-open entries go with the listener */
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "app unlisten", "state -", "P> A 1 a1", "U> R 1",
		"stat half_open = 0" } },
	{ "37_listen_twice", "L", .steps = { "app listen =EADDRINUSE" } },
};

RUN_TABLE(open, list)
