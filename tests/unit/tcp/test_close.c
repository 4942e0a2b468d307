/* SPDX-License-Identifier: BSD-3-Clause */
/* Closing: FIN, half close, full close, abort. */
#include "tests/unit/tcp/scenarios.h"

#define FIN_WAIT_2 "app shutdown", "U> FA 1 a1", "P> A 1 a2", "state FIN_WAIT_2"

static const struct scenario list[] = {
	{ "79_active_close", "E", .steps = {
		"app shutdown", "U> FA 1 a1", "state FIN_WAIT_1", "P> A 1 a2", "state FIN_WAIT_2",
		"P> FA 1 a2",
		"U> A 2 a2", "ev eof", "ev closed", "info error = 0", "app close", "state TIME_WAIT",
		"stat time_wait = 1", "stat curr_estab = 0", "wait 59s", "state TIME_WAIT", "wait 2s",
		"state -" } },
	{ "80_passive_close", "E", .steps = {
		"P> FA 1 a1", "U> A 1 a2", "ev eof", "state CLOSE_WAIT", "app close", "U> FA 1 a2",
		"state LAST_ACK",
		"P> A 2 a2", "U> -", "state -", "stat time_wait = 0" } },
	{ "80_passive_close_in_callback", "E", .steps = {
		"app oneof close", "P> FA 1 a1", "U> FA 1 a2", "state LAST_ACK", "P> A 2 a2", "state -" } },
	{ "80_data_and_fin_together", "E", .steps = {
		"P> FA 1:101 a1", "U> A 1 a102", "app read 100", "ev eof", "app write 50", "U> A 1:51 a102",
		"app close", "U> FA 51 a102", "P> A 102 a52", "state -" } },
	{ "81_simultaneous_close", "E", .steps = {
		"app shutdown", "U> FA 1 a1", "P> FA 1 a1", "U> A 2 a2", "state CLOSING", "ev eof",
		"P> A 2 a2",
		"app close", "state TIME_WAIT" } },
	{ "82_fin_acked_by_fin", "E", .steps = {
		"app shutdown", "U> FA 1 a1", "P> FA 1 a2", "U> A 2 a2", "ev eof", "ev closed", "app close",
		"state TIME_WAIT" } },
	{ "83_fin_lost_fin_wait_1", "ER", .steps = {
		"app shutdown", "U> FA 1 a1", "U> FA 1 a1 @300ms", "U> FA 1 a1 @600ms", "U> FA 1 a1 @1.2s",
		"state FIN_WAIT_1", "P> A 1 a2", "U> - 2s", "state FIN_WAIT_2" } },
	{ "83_fin_lost_closing", "ER", .steps = { /* the timer survives into CLOSING */
		"app shutdown", "U> FA 1 a1", "P> FA 1 a1", "U> A 2 a2", "state CLOSING", "U> FA 1 a2 @300ms",
		"U> FA 1 a2 @600ms", "P> A 2 a2", "app close", "state TIME_WAIT" } },
	{ "83_fin_lost_last_ack", "ER", .steps = {
		"P> FA 1 a1", "U> A 1 a2", "app shutdown", "U> FA 1 a2", "state LAST_ACK",
		"U> FA 1 a2 @300ms",
		"U> FA 1 a2 @600ms", "P> A 2 a2", "ev closed", "info error = 0", "state CLOSED" } },
	{ "83_fin_never_acked", "ER", "retries=3", .steps = {
		"app shutdown", "U> FA 1 a1", "wait 20s", "discard", "ev closed", "info error = 110" } },
	{ "83_orphan_gives_up", "ER", .steps = {
		"app close", "U> FA 1 a1", "state FIN_WAIT_1", "wait 160s", "discard", "state -" } },
	{ "83_orphan_last_ack_gives_up", "ER", .steps = {
		"P> FA 1 a1", "U> A 1 a2", "app close", "U> FA 1 a2", "wait 160s", "discard", "state -" } },
	{ "84_half_close_receiving", "E", .steps = {
		FIN_WAIT_2, "app onread read", "source 100001", "info bytes_in = 100000", "P> FA 100001 a2",
		"U> A 2 a100002", "ev eof", "app close", "state TIME_WAIT" } },
	{ "85_half_close_sending", "E", .steps = {
		"P> FA 1 a1", "U> A 1 a2", "ev eof", "app write 100000", "sink 100001", "app close",
		"U> FA 100001 a2",
		"P> A 2 a100002", "state -" } },
	{ "86_data_after_close", "E", .steps = {
		"app close", "U> FA 1 a1", "P> A 1 a2", "P> A 1:11 a2", "U> R|RA 2", "state -",
		"stat abort_on_data = 1",
		"drop tcp_data_after_close = 1" } },
	{ "86_data_after_close_fin_wait_1", "E", .steps = {
		"app close", "U> FA 1 a1", "P> A 1:11 a1", "U> R|RA 2", "state -",
		"stat abort_on_data = 1" } },
	{ "87_close_with_unread", "E", .steps = {
		"P> A 1:11 a1", "U> A 1 a11 <41ms", "app close", "U> RA 1 a11", "U> - 1s", "state -",
		"stat abort_on_close = 1", "P> A 11:21 a1", "U> R 1" } },
	{ "87_close_after_reading", "E", .steps = {
		"P> A 1:11 a1", "U> A 1 a11 <41ms", "app read 10", "app close", "U> FA 1 a11" } },
	{ "87_close_with_unread_and_eof", "E", .steps = {
		"P> FA 1:11 a1", "U> A 1 a12", "app close", "U> RA 1 a12", "state -" } },
	{ "88_fin_after_all_data", "L", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 4500",
		"U> A 1:1001 a1",
		"app shutdown", "U> -", "P> A 1 a1001", "U> A 1001:2001", "P> A 1 a2001", "U> A 2001:3001",
		"P> A 1 a3001", "U> A 3001:4001", "P> A 1 a4001", "U> FA 4001:4501 a1 psh", "P> A 1 a4502",
		"state FIN_WAIT_2" } },
	{ "88_fin_needs_window", "L", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 1000",
		"U> A 1:1001 a1",
		"app shutdown", "U> -", "P> A 1 a1001", "U> FA 1001 a1" } },
	{ "88_fin_behind_zero_window", "L", .steps = { /* 2.6, pitfall 20 */
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 1000",
		"U> A 1:1001 a1",
		"P> A 1 a1001 w0", "app shutdown", "U> -", "U> A 1000 a1 @200ms", "P> A 1 a1001 w1",
		"U> FA 1001 a1" } },
	{ "89_fin_out_of_order", "E", .steps = {
		"P> FA 101 a1", "U> A 1 a1", "state ESTABLISHED", "P> A 1:101 a1", "U> A 1 a102",
		"app read 100", "ev eof",
		"state CLOSE_WAIT" } },
	{ "89_fin_out_of_order_with_data", "E", .steps = {
		"P> FA 101:201 a1", "U> A 1 a1", "P> A 1:101 a1", "U> A 1 a202", "app read 200", "ev eof" } },
	{ "90_data_after_fin", "E", .steps = {
		"P> FA 1:101 a1", "U> A 1 a102", "P> A 102:110 a1", "U> A 1 a102", "info readable = 100",
		"drop tcp_after_fin >= 1" } },
	{ "90_data_after_out_of_order_fin", "E", .steps = {
		"P> FA 101 a1", "U> A 1 a1", "P> A 102:110 a1", "U> A 1 a1", "P> A 1:101 a1", "U> A 1 a102",
		"info readable = 100" } },
	{ "91_second_fin", "E", .steps = {
		"P> FA 101 a1", "U> A 1 a1", "P> FA 201 a1", "U> A 1 a1", "P> A 1:101 a1", "U> A 1 a102",
		"info readable = 100", "ev eof" } },
	{ "91_fin_repeated", "E", .steps = {
		"P> FA 1 a1", "U> A 1 a2", "wait 600ms", "P> FA 1 a1", "U> A 1 a2", "state CLOSE_WAIT" } },
	{ "91_fin_beyond_the_window", "E", "rcvbuf_initial=16384 rcvbuf_max=16384",
		.steps = { /* pitfall 18 */
		"P> FA 200000 a1", "U> A 1 a1", "P> A 1:11 a1", "U> A 1 a11 <41ms", "noev eof",
		"state ESTABLISHED" } },
	{ "97_abort_established", "E", .steps = { "app abort", "U> RA 1 a1", "state -" } },
	{ "97_abort_fin_wait_1", "E", .steps = { "app shutdown", "U> FA 1 a1", "app abort", "U> RA 2 a1",
		"state -" } },
	{ "97_abort_fin_wait_2", "E", .steps = { FIN_WAIT_2, "app abort", "U> RA 2 a1", "state -" } },
	{ "97_abort_close_wait", "E", .steps = { "P> FA 1 a1", "U> A 1 a2", "app abort", "U> RA 1 a2",
		"state -" } },
	{ "97_abort_closing", "E", .steps = {
		"app shutdown", "U> FA 1 a1", "P> FA 1 a1", "U> A 2 a2", "app abort", "U?> RA 2 a2",
		"state -" } },
	{ "97_abort_last_ack", "E", .steps = {
		"P> FA 1 a1", "U> A 1 a2", "app shutdown", "U> FA 1 a2", "app abort", "U?> RA 2 a2",
		"state -" } },
	{ "97_abort_syn_sent", "C", .steps = { "app abort", "U> - 5s", "state -" } },
	{ "97_abort_with_queue", "E", .steps = {
		"app write 30000", "U> A 1:14601 n10", "app abort", "U> RA 14601 a1", "state -" } },
	{ "97_abort_behind_shrunk_window", "L", .steps = { /* 2.2: SEQ the peer accepts */
		"P> S 0 w5000 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 4000",
		"U> A 1:4001 n3",
		"P> A 1 a1461 w500", "app abort", "U> RA 1961 a1" } },
	{ "98_close_syn_sent", "C", .steps = {
		"app close", "U> - 5s", "state -", "P> SA 0 a1 w65535 mss1460", "U> R 1" } },
	{ "98_close_in_readable_callback", "E", .steps = {
		"app onread close", "P> A 1:11 a1", "U> FA 1 a11", "state FIN_WAIT_1" } },
	{ "98_abort_in_readable_callback", "E", .steps = {
		"app onread abort", "P> A 1:11 a1", "U> RA 1 a11", "state -" } },
	{ "98_write_after_shutdown", "E", .steps = {
		"app shutdown", "U> FA 1 a1", "app write 10 =EPIPE" } },
	{ "98_dead_connection_stays_readable", "E", .steps = { /* until the handle is given back */
		"P> FA 1:11 a1", "U> A 1 a12", "app shutdown", "U> FA 1 a12", "P> A 12 a2", "ev closed",
		"app read 10",
		"app close" } },
};

RUN_TABLE(close, list)
