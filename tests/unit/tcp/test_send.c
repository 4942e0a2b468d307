/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending: initial window, Nagle, cork, keepalive, user timeout. */
#include "tests/unit/tcp/scenarios.h"

static const struct scenario list[] = {
	{ "99_initial_window", "E", .steps = {
		"app write 29200", "U> A 1:14601 a1 n10", "U> -", "P> A 1 a2921", "U> A 14601:20441 n4",
		"P> A 1 a5841",
		"U> A 20441:26281 n4" } },
	{ "99_initial_window_4", "E", "initial_window=4", .steps = { "app write 29200", "U> A 1:5841 a1 n4",
		"U> -" } },
	{ "99_growth_by_octets", "E", .steps = { /* one ACK for all ten: cwnd doubles */
		"app write 60000", "U> A 1:14601 n10", "P> A 1 a14601", "U> A 14601:43801 n20",
		"info cwnd = 29200" } },
	{ "99_not_limited_no_growth", "E", .steps = { /* 5.1 */
		"app write 1460", "U> A 1:1461", "P> A 1 a1461", "app write 1460", "U> A 1461:2921",
		"P> A 1 a2921",
		"app write 1460", "U> A 2921:4381", "P> A 1 a4381", "info cwnd = 14600" } },
	{ "99_peer_window_bounds", "L", .steps = {
		"P> S 0 w2920 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app write 10000",
		"U> A 1:2921 n2", "U> -",
		"P> A 1 a2921", "U> A 2921:5841 n2", "U> -" } },
	{ "99_large_write", "EX", .steps = {
		"app write 300000", "sink 300001", "info unacked = 0", "info bytes_acked = 300000" } },
	{ "99_give", "EX", .steps = {
		"app give 50000", "sink 50001", "app write 100", "U> A 50001:50101", "P> A 1 a50101",
		"info unacked = 0" } },
	{ "99_psh_on_last", "E", .steps = {
		"app write 4000", "U> A 1:1461 nopsh", "U> A 1461:2921 nopsh", "U> A 2921:4001 psh" } },
	{ "99_writable_again", "EX", "sndbuf_max=65536", .steps = { /* pitfall 43 */
		"app write 600000 =65536", "sink 65537", "ev writable", "app write 65536", "sink 131073" } },
	{ "99_notify_sent", "E", .steps = {
		"app write 100", "U> A 1:101", "app notifysent", "noev sent", "P> A 1 a101", "ev sent" } },
	{ "99_dscp", "E", .steps = {
		"app dscp 46", "app write 100", "U> A 1:101 dscp46", "P> A 1 a101", "app dscp 0",
		"app write 100",
		"U> A 101:201 dscp0" } },
	{ "100_nagle", "E", .steps = {
		"app write 10", "U> A 1:11 a1", "app write 10", "U> -", "app write 10", "U> -", "P> A 1 a11",
		"U> A 11:31 a1" } },
	{ "100_nagle_minshall", "E", .steps = { /* a short tail behind full segments goes out */
		"app write 3000", "U> A 1:1461", "U> A 1461:2921", "U> A 2921:3001", "app write 10", "U> -",
		"P> A 1 a3001",
		"U> A 3001:3011" } },
	{ "100_nodelay", "E", .steps = {
		"app nodelay on", "app write 10", "U> A 1:11 a1", "app write 10", "U> A 11:21 a1",
		"app write 10",
		"U> A 21:31 a1" } },
	{ "100_nagle_off_by_configuration", "E", "nagle=0", .steps = {
		"app write 10", "U> A 1:11 a1", "app write 10", "U> A 11:21 a1" } },
	{ "100_nodelay_releases", "E", .steps = {
		"app write 10", "U> A 1:11 a1", "app write 10", "U> -", "app nodelay on", "U> A 11:21 a1" } },
	{ "100_writes_of_a_turn_together", "E", .steps = {
		"app nodelay on", "app+ write 10", "app+ write 10", "app write 10", "U> A 1:31 a1",
		"U> -" } },
	{ "100_fin_releases", "E", .steps = {
		"app write 10", "U> A 1:11", "app write 10", "U> -", "app shutdown", "U> FA 11:21 a1" } },
	{ "101_cork", "E", .steps = {
		"app cork on", "app write 100", "U> - 100ms", "app write 1460", "U> A 1:1461 a1", "U> -",
		"app cork off",
		"U> A 1461:1561 a1" } },
	{ "101_cork_200ms", "E", .steps = { "app cork on", "app write 100", "U> - 190ms",
		"U> A 1:101 a1 <15ms" } },
	{ "101_cork_then_close", "E", .steps = { "app cork on", "app write 100", "U> -", "app close",
		"U> FA 1:101 a1" } },
	{ "110_keepalive", "E", .steps = {
		"app keepalive on", "U> - 7199s", "U> A 0 a1 <2s", "U> A 0 a1 @75s", "U> A 0 a1 @75s",
		"U> A 0 a1 @75s",
		"U> A 0 a1 @75s", "U> A 0 a1 @75s", "U> A 0 a1 @75s", "U> A 0 a1 @75s", "U> A 0 a1 @75s",
		"U> - 70s",
		"noev closed", "wait 6s", "discard", "ev closed", "info error = 110" } },
	{ "110_keepalive_answered", "E", .steps = {
		"app keepalive on", "U> A 0 a1 @7200s", "P> A 1 a1", "U> - 7190s", "U> A 0 a1 <12s",
		"U> A 0 a1 @75s",
		"P> A 1 a1", "U> - 7190s", "state ESTABLISHED" } },
	{ "110_keepalive_only_when_idle", "E", "keepalive_idle_ms=10000", .steps = {
		"app keepalive on", "wait 9s", "P> A 1:11 a1", "U> A 1 a11 <41ms", "U> - 9s",
		"U> A 0 a11 <2s" } },
	{ "110_keepalive_off", "E", "keepalive_idle_ms=10000", .steps = { "U> - 60s" } },
	{ "111_user_timeout", "E", .steps = {
		"app usertimeout 5000", "app write 10", "U> A 1:11 a1", "wait 4900ms", "discard",
		"noev closed", "wait 3500ms",
		"discard", "ev closed", "info error = 110", "stat user_timeouts = 1" } },
	{ "111_user_timeout_zero_window", "L", .steps = {
		"P> S 0 w1000 mss1460", "U> SA 0 a1", "P> A 1 a1", "ev accept", "app usertimeout 5000",
		"app write 3000",
		"U> A 1:1001 a1", "P> A 1 a1001 w0", "wait 9s", "discard", "ev closed",
		"info error = 110" } },
	{ "111_user_timeout_not_idle", "E", .steps = {
		"app usertimeout 5000", "app write 10", "U> A 1:11 a1", "P> A 1 a11", "U> - 60s",
		"state ESTABLISHED" } },
	{ "133_mss_mtu_576", "E", "mtu=576", .steps = {
		"info snd_mss = 536", "app write 2000", "U> A 1:537", "U> A 537:1073", "discard" } },
	{ "133_mss_mtu_9000", "L", "mtu=9000 multi_seg=1", .steps = {
		"P> S 0 w65535 mss8960", "U> SA 0 a1 mss8960", "P> A 1 a1", "ev accept",
		"info snd_mss = 8960",
		"app write 20000", "U> A 1:8961", "U> A 8961:17921", "U> A 17921:20001" } },
	{ "133_mss_option_1460_mtu_9000", "E", "mtu=9000", .steps = { "info snd_mss = 1460", "app write 1461",
		"U> A 1:1461", "U> A 1461:1462" } },
	{ "133_mss_with_timestamps", "ET", .steps = {
		"info snd_mss = 1448", "app write 3000", "U> A 1:1449", "U> A 1449:2897",
		"U> A 2897:3001" } },
};

RUN_TABLE(send, list)
