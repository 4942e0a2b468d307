/* SPDX-License-Identifier: BSD-3-Clause */
/* Active and simultaneous opening. */
#include "tests/unit/tcp/scenarios.h"

static const struct scenario list[] = {
	{ "19_no_answer", NULL, .steps = {
		"app connect", "U> S 0 mss1460 sackok ws7 w>0", "U> S 0 mss1460 @1s", "U> S 0 mss1460 @2s",
		"U> S 0 @4s",
		"U> S 0 @8s", "U> S 0 @16s", "U> S 0 @32s", "U> - 63s", "noev closed", "wait 2s", "ev closed",
		"info error = 110", "state CLOSED" } },
	{ "19_connect_timeout", NULL, .steps = {
		"app connect timeout 2500", "U> S 0", "U> S 0 @1s", "wait 1400ms", "noev closed",
		"wait 200ms",
		"discard", "ev closed", "info error = 110" } },
	{ "19_option_left_out_from_third", NULL, .steps = {
		"app connect smc", "U> S 0 smc", "U> S 0 smc @1s", "U> S 0 nosmc @2s" } },
	{ "20_syn_ack", "C", .steps = {
		"wait 50ms", "P> SA 0 a1 w65535 mss1460", "U> A 1 a1", "U> -", "ev connected",
		"state ESTABLISHED",
		"info srtt_us ~ 50000", "stat active_opens = 1", "stat curr_estab = 1" } },
	{ "20_syn_ack_data_at_once", "C", .steps = {
		"app write 100", "U> -", "P> SA 0 a1 w65535 mss1460", "U> A 1:101 a1", "U> -",
		"ev connected" } },
	{ "20_smc_answered", NULL, .steps = {
		"app connect smc", "U> S 0 smc", "P> SA 0 a1 w65535 mss1460 smc", "U> A 1 a1", "ev connected",
		"info opt_sent = 1", "info opt_received = 1" } },
	{ "20_smc_answered_longer", NULL, .steps = {
		"app connect smc", "U> S 0 smc", "P> SA 0 a1 w65535 mss1460 opt=fe08e2d4c3d90102", "U> A 1 a1",
		"ev connected", "info opt_received = 1" } },
	{ "20_smc_on_no_other_segment", NULL, .steps = {
		"app connect smc", "U> S 0 smc", "P> SA 0 a1 w65535 mss1460 smc", "U> A 1 a1 nosmc", "ev connected",
		"app write 100", "U> A 1:101 a1 nosmc", "P> A 1:101 a101", "U> A 101 a101 nosmc",
		"app shutdown", "U> FA 101 a101 nosmc" } },
	{ "20_smc_unasked", "C", .steps = {
		"P> SA 0 a1 w65535 mss1460 smc", "U> A 1 a1", "ev connected", "info opt_received = 0" } },
	{ "21_unacceptable_ack", "C", .steps = {
		"P> SA 0 a2", "U> R 2", "state SYN_SENT", "P> SA 0 a0", "U> R 0", "state SYN_SENT",
		"P> SA 0 a1 mss1460", "U> A 1 a1", "ev connected" } },
	{ "22_old_time_wait_answers", "C", .steps = {
		"P> A 100 a0", "U> R 0", "U> S 0 <10ms", "P> SA 0 a1 mss1460", "U> A 1 a1",
		"ev connected" } },
	{ "23_refused", "C", .steps = {
		"P> R 0", "U> -", "state SYN_SENT", "P> RA 0 a2", "U> -", "state SYN_SENT", "P> RA 0 a1",
		"U> -",
		"ev closed", "noev connected", "info error = 111", "state CLOSED",
		"stat attempt_fails = 1" } },
	{ "24_simultaneous_open", "C", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "state SYN_RECEIVED", "P> SA 0 a1 mss1460", "U> A 1 a1",
		"state ESTABLISHED", "ev connected", "stat out_rsts = 0" } },
	{ "24_simultaneous_open_data", "C", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "P> SA 0 a1 mss1460", "U> A 1 a1", "ev connected",
		"P> A 1:11 a1", "U> A 1 a11 <41ms", "app read 10", "app write 10", "U> A 1:11 a11" } },
	{ "24_simultaneous_open_reset", "C", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "P> R 1", "U> -", "ev closed", "info error = 111" } },
	{ "25_simultaneous_open_ack", "C", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "P> A 1 a1", "U> -", "state ESTABLISHED",
		"ev connected" } },
	{ "25_simultaneous_open_lost", "C", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "U> SA 0 a1 <1100ms", "P> A 1 a1",
		"state ESTABLISHED" } },
	{ "26_syn_ack_without_ts", "C", .steps = {
		"P> SA 0 a1 w65535 mss1460", "U> A 1 a1 nots", "ev connected", "info timestamps = 0",
		"app write 1460",
		"U> A 1:1461 a1 nots" } },
	{ "27_syn_ack_with_unasked_ts", NULL, "timestamps=0", .steps = {
		"app connect", "U> S 0 nots", "P> SA 0 a1 w65535 mss1460 ts5:0", "U> A 1 a1 nots",
		"ev connected",
		"info timestamps = 0", "app write 10", "U> A 1:11 a1 nots", "P> A 1 a11 ts5:0", "U> -" } },
	{ "27_syn_ack_with_unasked_sack_ws", NULL, "sack=0 window_scaling=0", .steps = {
		"app connect", "U> S 0 nosackok nows", "P> SA 0 a1 w1000 mss1460 sackok ws7", "U> A 1 a1",
		"ev connected",
		"info sack = 0", "info snd_wscale = 0", "P> A 1:11 a1 w500", "U> A 1 a11 <41ms",
		"info snd_wnd = 500" },
		.skip = 0 },
	{ "28_no_scale", "C", .steps = {
		"P> SA 0 a1 w5000 mss1460", "U> A 1 a1 w>30000", "ev connected", "info snd_wscale = 0",
		"info rcv_wscale = 0", "info snd_wnd = 5000", "P> A 1:11 a1 w6000",
		"U> A 1 a11 w>30000 <41ms",
		"info snd_wnd = 6000" } },
	{ "29_bogus_tsecr", "C", .steps = {
		"P> SA 0 a1 w65535 mss1460 ts5:99999", "U> -", "state SYN_SENT", "drop tcp_bad_tsecr = 1",
		"U> S 0 @1s",
		"P> SA 0 a1 w65535 mss1460 ts5:0", "U> A 1 a1 tsecr5", "ev connected" } },
	{ "30_ts_only_in_third", "L", .steps = {
		"P> S 0 w65535 mss1460", "U> SA 0 a1 nots", "P> A 1 a1 ts500:0", "U> -", "ev accept",
		"app write 10",
		"U> A 1:11 a1 nots" } },
	{ "31_segment_without_ts", "ET", .steps = {
		"P> A 1:11 a1 nots", "U> A 1 a11 tsecr1000 <41ms", "app read 10" } },
	{ "32_syn_lost", NULL, "timestamps=0", .steps = {
		"app connect", "U> S 0", "U> S 0 @1s", "P> SA 0 a1 w65535 mss1460", "U> A 1 a1",
		"ev connected",
		"info rto_us = 3000000", "app write 1000", "U> A 1:1001 a1", "U> A 1:1001 a1 @3s" } },
	{ "32_syn_ack_lost", "L", .steps = { /* the same for the passive side, RFC 6298 5.7 */
		"P> S 0 w65535 mss1460", "U> SA 0 a1", "U> SA 0 a1 @1s", "P> A 1 a1", "ev accept",
		"info rto_us = 3000000" } },
	{ "33_syn_ack_fin", "C", .steps = {
		"P> SFA 0 a1 w65535 mss1460", "U> A 1 a2", "ev connected", "ev eof", "state CLOSE_WAIT" } },
	{ "33_syn_ack_data", "C", .steps = {
		"P> SA 0:10 a1 w65535 mss1460", "U> A 1 a11 <41ms", "ev connected", "ev readable",
		"app read 10" } },
	{ "34_duplicate_syn_ack", "C", .steps = {
		"P> SA 0 a1 w60000 mss1460 ws7", "U> A 1 a1", "ev connected", "wait 600ms",
		"P> SA 0 a1 w60000 mss1460 ws7",
		"U> A 1 a1", "info snd_wnd = 60000", "state ESTABLISHED" } },
	{ "35_bad_destinations", NULL, .steps = {
		"app connect to 10.0.0.255 =EINVAL", "app connect to 255.255.255.255 =EINVAL",
		"app connect to 0.0.0.0 =EINVAL", "app connect to 224.0.0.1 =EINVAL", "app connect self =E?",
		"app connect to 192.168.7.7 =ENETUNREACH", "U> -" } },
	{ "35_local_port_in_use", "C", .steps = { "app2 connect", "U2> S 0", "P2> SA 0 a1 mss1460",
		"U2> A 1 a1",
		"ev2 connected" } },
	{ "35_bad_mss_from_server", "C", .steps = {
		"P> SA 0 a1 w65535 mss0", "U> A 1 a1", "ev connected", "info snd_mss >= 48", "app write 500",
		"sink 501" } },
	{ "35_syn_sent_ack_only", "C", .steps = { /* 2.4 row 4 */
		"P> A 0 a1", "U> -", "state SYN_SENT", "P> FA 0 a1", "U> -", "P> null 0", "U> -",
		"state SYN_SENT" } },
	{ "35_shutdown_before_connected", "C", .steps = { /* 2.6: remembered */
		"app shutdown", "U> -", "P> SA 0 a1 w65535 mss1460", "U> FA 1 a1", "state FIN_WAIT_1" } },
	{ "35_write_and_shutdown_before_connected", "C", .steps = {
		"app write 100", "app shutdown", "U> -", "P> SA 0 a1 w65535 mss1460", "U> FA 1:101 a1",
		"state FIN_WAIT_1", "P> A 1 a102", "state FIN_WAIT_2" } },
};

RUN_TABLE(syn_sent, list)
