/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors and path MTU. */
#include "tests/unit/tcp/scenarios.h"

static const struct scenario list[] = {
	{ "129_fragmentation_needed", "E", .steps = {
		"app write 2920", "U> A 1:2921 n2", "icmp 3 4 mtu1200 seq1", "U> A 1:1161 <1s",
		"info snd_mss = 1160",
		"discard", "P> A 1 a2921", "info unacked = 0", "app write 1461", "U> A 2921:4081",
		"U> A 4081:4382" } },
	{ "129_cwnd_kept", "E", .steps = { /* it is not congestion */
		"app write 2920", "U> A 1:2921 n2", "icmp 3 4 mtu1200 seq1", "discard",
		"info cwnd >= 11600" } },
	{ "129_forged_sequence", "E", .steps = {
		"app write 2920", "U> A 1:2921 n2", "icmp 3 4 mtu1200 seq500000", "U> -",
		"info snd_mss = 1460",
		"icmp 3 4 mtu1200 seq-5000", "U> -", "info snd_mss = 1460" } },
	{ "129_nothing_in_flight", "E", .steps = { "icmp 3 4 mtu1200 seq500", "U> -",
		"info snd_mss = 1460" } },
	{ "129_bad_checksum", "E", .steps = {
		"app write 2920", "U> A 1:2921 n2", "icmp 3 4 mtu1200 seq1 badsum", "U> -",
		"info snd_mss = 1460",
		"drop icmp_checksum = 1" } },
	{ "129_new_connections_know", "E", .steps = { /* cached per destination */
		"app write 2920", "U> A 1:2921 n2", "icmp 3 4 mtu1200 seq1", "discard",
		"P2> S 0 w65535 mss1460",
		"U2> SA 0 a1", "P2> A 1 a1", "ev2 accept", "info2 snd_mss = 1160", "wait 1s", "discard" } },
	{ "130_mtu_zero", "E", .steps = { /* old router: plateau below 1500 */
		"app write 2920", "U> A 1:2921 n2", "icmp 3 4 mtu0 seq1 len1500", "discard",
		"info pmtu = 1492" } },
	{ "130_mtu_68", "E", .steps = { /* floor */
		"app write 2920", "U> A 1:2921 n2", "icmp 3 4 mtu68 seq1", "discard", "info pmtu = 552",
		"wait 2s", "discard" } },
	{ "130_mtu_65535", "E", .steps = {
		"app write 2920", "U> A 1:2921 n2", "icmp 3 4 mtu65535 seq1", "U> -", "info pmtu = 1500",
		"info snd_mss = 1460" } },
	{ "131_black_hole", "E", .steps = {
		"app write 1460", "U> A 1:1461", "U> A 1:1461 @200ms", "U> A 1:1461 @400ms",
		"U> A 1:1461 @800ms",
		"U> A 1:1025 <2s", "stat pmtu_blackhole = 1", "discard", "wait 5s", "discard", "P> A 1 a1461",
		"info unacked = 0",
		"info snd_mss <= 1024" } },
	{ "132_soft_errors", "E", .steps = {
		"app write 100", "U> A 1:101", "icmp 3 1 seq1", "state ESTABLISHED", "info soft_error = 113",
		"icmp 3 3 seq1", "state ESTABLISHED", "icmp 11 0 seq1", "state ESTABLISHED", "icmp 12 0 seq1",
		"state ESTABLISHED", "noev closed", "P> A 1 a101", "info unacked = 0", "info soft_error = 0" } },
	{ "132_source_quench", "E", .steps = {
		"app write 14600", "U> A 1:14601 n10", "icmp 4 0 seq1", "U> -", "info cwnd = 14600" } },
	{ "132_redirect", "E", .steps = { "app write 100", "U> A 1:101", "icmp 5 1 seq1", "U> -",
		"state ESTABLISHED" } },
	{ "132_syn_sent_port_unreachable", "C", .steps = {
		"icmp 3 3 seq0", "ev closed", "info error = 111", "state CLOSED" } },
	{ "132_syn_sent_host_unreachable", "C", .steps = { /* 3/1 keeps trying */
		"icmp 3 1 seq0", "noev closed", "state SYN_SENT", "U> S 0 @1s", "P> SA 0 a1 w65535 mss1460",
		"U> A 1 a1",
		"ev connected" } },
	{ "132_syn_sent_forged", "C", .steps = { "icmp 3 3 seq77", "noev closed", "state SYN_SENT" } },
	{ "132_half_open", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "icmp 3 1 seq0", "state SYN_RECEIVED", "P> A 1 a1",
		"ev accept" } },
	{ "132_half_open_port_unreachable", "L", .steps = { /* 10.3: abort only in SYN-SENT */
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "icmp 3 3 seq0", "state SYN_RECEIVED", "drop icmp_no_flow = 0",
		"drop icmp_bad_quote = 0", "P> A 1 a1", "ev accept" } },
	{ "132_half_open_forged", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "icmp 3 4 mtu1200 seq1", "drop icmp_bad_quote = 1",
		"icmp 3 4 mtu1200 seq-1", "drop icmp_bad_quote = 2", "P> A 1 a1", "ev accept", "info snd_mss = 1460" } },
	{ "132_half_open_fragmentation_needed", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "icmp 3 4 mtu1200 seq0", "P> A 1 a1", "ev accept",
		"info snd_mss = 1160" } },
	{ "132_time_wait_ignores", "E", .steps = {
		"app close", "U> FA 1 a1", "P> FA 1 a2", "U> A 2 a2", "state TIME_WAIT", "icmp 3 3 seq1",
		"state TIME_WAIT", "drop icmp_no_flow = 1" } },
	{ "129_other_connection_learns", "E", .steps = { /* by the message to the first one */
		"P2> S 0 w65535 mss1460", "U2> SA 0 a1", "P2> A 1 a1", "ev2 accept", "info2 snd_mss = 1460",
		"app write 1460", "U> A 1:1461", "icmp 3 4 mtu1200 seq1", "discard", "app2 write 1460",
		"U2> A 1:1161 a1", "U2> A 1161:1461", "info2 snd_mss = 1160", "stat pmtu_lowered = 2" } },
	{ "129_other_connection_in_flight", "E", .steps = { /* what it has out is too large as well */
		"P2> S 0 w65535 mss1460", "U2> SA 0 a1", "P2> A 1 a1", "ev2 accept", "app2 write 1460", "U2> A 1:1461",
		"app write 1460", "U> A 1:1461", "icmp 3 4 mtu1200 seq1", "discard", "app2 write 100",
		"U2> A 1:1161 a1", "info2 snd_mss = 1160", "app2 abort", "discard" } },
	{ "132_no_such_flow", NULL, .steps = { "icmp 3 3 seq1", "U> -", "drop icmp_no_flow = 1" } },
};

RUN_TABLE(pmtu, list)
