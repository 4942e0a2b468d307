/* SPDX-License-Identifier: BSD-3-Clause */
/* Timestamps and PAWS, RFC 7323. */
#include "tests/unit/tcp/scenarios.h"

static const struct scenario list[] = {
	{ "134_older_timestamp", "ET", .steps = {
		"P> A 1:11 a1 ts2000", "U> A 1 a11 tsecr2000 <41ms", "P> A 11:21 a1 ts1990",
		"U> A 1 a11 tsecr2000",
		"info readable = 10", "drop tcp_paws = 1", "stat paws_drops = 1", "P> A 11:21 a1 ts2000",
		"U> A 1 a21 <41ms" } },
	{ "134_older_by_much", "ET", .steps = {
		"P> A 1:11 a1 ts2147483000", "U> A 1 a11 <41ms", "P> A 11:21 a1 ts5000", "U> A 1 a11",
		"drop tcp_paws = 1" } },
	{ "134_older_without_data_limited", "ET", .steps = {
		"P> A 1:11 a1 ts2000", "U> A 1 a11 <41ms", "wait 600ms", "P> A 12 a1 ts1000", "U> A 1 a11",
		"P> A 12 a1 ts1000", "U> -" } },
	{ "135_oldest_of_a_burst", "ET", .steps = {
		"P+ A 1:11 a1 ts1100", "P> A 11:21 a1 ts1105", "U> A 1 a21 tsecr1100 <41ms" } },
	{ "136_hole", "ET", .steps = {
		"P> A 1:11 a1 ts1100", "U> A 1 a11 tsecr1100 <41ms", "P> A 21:31 a1 ts1110",
		"U> A 1 a11 tsecr1100",
		"P> A 11:21 a1 ts1120", "U> A 1 a31 tsecr1120" } },
	{ "137_out_of_window", "ET", .steps = {
		"P> A 500000:500010 a1 ts1000000000", "U> A 1 a1 tsecr1000", "P> A 1:11 a1 ts1001",
		"U> A 1 a11 tsecr1001 <41ms", "stat paws_drops = 0" } },
	{ "138_wraps", "L", .steps = {
		"P> S 0 w65535 mss1460 ts4294967290:0", "U> SA 0 a1", "P> A 1 a1 ts4294967293", "ev accept",
		"P> A 1:11 a1 ts4294967295", "U> A 1 a11 tsecr4294967295 <41ms", "P> A 11:21 a1 ts0",
		"U> A 1 a21 tsecr0 <41ms",
		"P> A 21:31 a1 ts5", "U> A 1 a31 tsecr5 <41ms", "stat paws_drops = 0" } },
	{ "138_zero_on_syn", "L", .steps = { /* pitfall 7 */
		"P> S 0 w65535 mss1460 ts0:0", "U> SA 0 a1 tsecr0", "P> A 1 a1 ts4000000000", "ev accept",
		"P> A 1:11 a1 ts4000000001", "U> A 1 a11 <41ms", "app read 10" } },
	{ "139_idle_25_days", "ET", .steps = {
		"P> A 1:11 a1 ts2000", "U> A 1 a11 <41ms", "wait 25d", "P> A 11:21 a1 ts1500",
		"U> A 1 a21 <41ms",
		"stat paws_drops = 0" } },
	{ "139_idle_23_days", "ET", .steps = {
		"P> A 1:11 a1 ts2000", "U> A 1 a11 <41ms", "wait 23d", "P> A 11:21 a1 ts1500", "U> A 1 a11",
		"stat paws_drops = 1" } },
	{ "140_reordered_pure_ack", "ET", .steps = {
		"app write 1000", "U> A 1:1001", "P> A 1 a1001 ts2000", "wait 600ms", "P> A 1 a1001 ts1999",
		"U> -",
		"state ESTABLISHED" } },
	{ "140_missing_option", "ET", .steps = {
		"P> A 1:11 a1 nots", "U> A 1 a11 <41ms", "app write 10", "U> A 1:11", "P> A 11 a11 nots",
		"info unacked = 0" } },
	{ "140_option_of_wrong_length", "ET", .steps = {
		"P> A 1:11 a1 nots opt=080900000000000000", "U> A 1 a11 tsecr1000 <41ms", "app read 10" } },
	{ "140_two_options", "ET", .steps = {
		"P> A 1:11 a1 ts1500 opt=0101080a000005dc00000000", "U> A 1 a11 tsecr1500 <41ms" } },
	{ "140_rst_of_ours_without_option", "ET", .steps = { "app abort", "U> RA 1 a1 nots" } },
	{ "140_fin_and_ack_carry_option", "ET", .steps = {
		"app shutdown", "U> FA 1 a1 tsecr1000", "P> A 1 a2 ts1200", "P> FA 1 a2 ts1201",
		"U> A 2 a2 tsecr1201" } },
	{ "140_same_offset_after_reopening", "ET",
		.steps = { /* TSval is monotone over connections of a pair */
		"app shutdown", "U> FA 1 a1", "P> FA 1 a2", "U> A 2 a2", "app close", "wait 2s",
		"rebase 100000",
		"P> S 0 w65535 mss1460 ts50000:0", "U> SA 0 a1 tsecr50000", "isn new" } },
	{ "140_paws_in_syn_received", "L", .steps = {
		"P> S 0 w65535 mss1460 ts1000:0", "U> SA 0 a1", "P> A 1:11 a1 ts900", "U?> A 1 a1",
		"noev accept",
		"P> A 1 a1 ts1001", "ev accept" } },
	{ "140_fast_path_keeps_echo", "ET", .steps = {
		"P> A 1:101 a1 ts1100", "U> A 1 a101 tsecr1100 <41ms", "P> A 101:201 a1 ts1200",
		"U> A 1 a201 tsecr1200 <41ms",
		"P> A 201:301 a1 ts1300", "U> A 1 a301 tsecr1300 <41ms", "app read 300" } },
};

RUN_TABLE(timestamp, list)
