/* SPDX-License-Identifier: BSD-3-Clause */
/* What would stand still for ever: data in flight without a timer, limits of one that hold up all. */
#include "tests/unit/tcp/scenarios.h"

static const struct scenario list[] = {
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
