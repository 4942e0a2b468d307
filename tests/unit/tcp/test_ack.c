/* SPDX-License-Identifier: BSD-3-Clause */
/* When U acknowledges, and which ACKs it believes. */
#include "tests/unit/tcp/scenarios.h"

/* Use up the quick ACKs of a young connection. */
static void use_quick_acks(struct script *sc, unsigned *next)
{
	for (unsigned i = 0; i < 40; i++) {
		script_step(sc, "P> A %u:%u a1", *next, *next + 10);
		script_step(sc, "U?> A 1 a%u", *next + 10);
		*next += 10;
	}
	script_step(sc, "wait 50ms");
	script_step(sc, "discard");
}

static void delayed_ack(struct script *sc)
{
	unsigned next = 1;

	use_quick_acks(sc, &next);
	script_step(sc, "P> A %u:%u a1", next, next + 100);
	script_step(sc, "U> -");
	script_step(sc, "U> - 10ms");
	script_step(sc, "U> A 1 a%u <31ms", next + 100);
	script_step(sc, "U> - 1s");
}

/* SHLD-19: every second full-sized segment, at once. */
static void second_segment(struct script *sc)
{
	unsigned next = 1;

	use_quick_acks(sc, &next);
	script_step(sc, "P> A %u:%u a1", next, next + 1460);
	script_step(sc, "discard");
	for (unsigned i = 0; i < 10; i++) {
		next += 1460;
		script_step(sc, "P+ A %u:%u a1", next, next + 1460);
		next += 1460;
		script_step(sc, "P> A %u:%u a1", next, next + 1460);
		script_step(sc, "U> A 1 a%u", next + 1460);
		script_step(sc, "U> -");
		script_step(sc, "app read %u", i == 0 ? next + 1459 : 2920);
	}
}

static void burst_one_ack(struct script *sc)
{
	for (unsigned i = 0; i < 31; i++)
		script_step(sc, "P+ A %u:%u a1", 1 + i * 1460, 1461 + i * 1460);
	script_step(sc, "P> A %u:%u a1", 1 + 31 * 1460, 1461 + 31 * 1460);
	script_step(sc, "U> A 1 a46721 <41ms");
	script_step(sc, "app read 46720");
	script_step(sc, "U> A 1 a46721 w65535");
}

static const struct scenario list[] = {
	{ "46_delayed_ack", "E", .fn = delayed_ack },
	{ "46_second_segment", "E", .fn = second_segment },
	{ "47_two_in_a_burst", "E", .steps = {
		"P+ A 1:1461 a1", "P> A 1461:2921 a1", "U> A 1 a2921", "U> - 1s", "app read 2920" } },
	{ "48_answer_carries_ack", "E", .steps = {
		"app onread write 200", "P> A 1:1461 a1", "U> A 1:201 a1461 psh", "U> - 100ms" } },
	{ "48_request_and_response", "E", .steps = { /* pitfall 60: one packet each way */
		"app onread write 64", "P> A 1:65 a1", "U> A 1:65 a65", "P> A 65:129 a65", "U> A 65:129 a129",
		"P> A 129:193 a129", "U> A 129:193 a193", "P> A 193 a193", "U> - 1s",
		"stat pure_acks_out = 0" } },
	{ "49_hole_filled_from_below", "E", .steps = {
		"P> A 2921:4381 a1", "U> A 1 a1", "P> A 1461:2921 a1", "U> A 1 a1", "P> A 1:1461 a1",
		"U> A 1 a4381",
		"app read 4380" } },
	{ "49_duplicates_in_a_burst", "E", .steps = { /* 7.2: not merged away without SACK */
		"P+ A 1461:2921 a1", "P+ A 2921:4381 a1", "P> A 4381:5841 a1", "U> A 1 a1", "U> A 1 a1",
		"U> A 1 a1",
		"U> -" } },
	{ "50_sack_ranges", "ES", .steps = {
		"P> A 1461:2921 a1", "U> A 1 a1 sack1461:2921", "P> A 4381:5841 a1",
		"U> A 1 a1 sack4381:5841,1461:2921",
		"P> A 7301:8761 a1", "U> A 1 a1 sack7301:8761,4381:5841,1461:2921", "P> A 2921:4381 a1",
		"U> A 1 a1 sack1461:5841,7301:8761", "P> A 1:1461 a1", "U> A 1 a5841 sack7301:8761",
		"P> A 5841:7301 a1", "U> A 1 a8761 nosack", "app read 8760" } },
	{ "50_four_ranges", "ES", .steps = {
		"P> A 101:201 a1", "U> A 1 a1 sack101:201", "P> A 301:401 a1",
		"U> A 1 a1 sack301:401,101:201",
		"P> A 501:601 a1", "U> A 1 a1 sack501:601,301:401,101:201", "P> A 701:801 a1",
		"U> A 1 a1 sack701:801,501:601,301:401,101:201", "P> A 901:1001 a1",
		"U> A 1 a1 sack901:1001,701:801,501:601,301:401", "P> A 1:101 a1",
		"U> A 1 a201", "P> A 201:301 a1", "U> A 1 a401" } },
	{ "50_three_with_timestamps", "EST", .steps = {
		"P> A 101:201 a1", "U> A 1 a1 sack101:201", "P> A 301:401 a1",
		"U> A 1 a1 sack301:401,101:201",
		"P> A 501:601 a1", "U> A 1 a1 sack501:601,301:401,101:201", "P> A 701:801 a1",
		"U> A 1 a1 sack701:801,501:601,301:401" } },
	{ "51_dsack_above", "ES", .steps = {
		"P> A 1461:2921 a1", "U> A 1 a1 sack1461:2921", "P> A 1461:2921 a1",
		"U> A 1 a1 sack1461:2921,1461:2921", "P> A 2921:4381 a1", "U> A 1 a1 sack1461:4381",
		"stat dsack_out = 1" } },
	{ "51_dsack_part", "ES", .steps = {
		"P> A 1461:2921 a1", "U> A 1 a1 sack1461:2921", "P> A 2001:3501 a1",
		"U> A 1 a1 sack2001:2921,1461:3501" } },
	{ "52_dsack_below", "ES", .steps = {
		"P> A 1:1461 a1", "U> A 1 a1461 <41ms", "P> A 1:1461 a1", "U> A 1 a1461 sack1:1461",
		"app read 1460",
		"P> A 1461:1471 a1", "U> A 1 a1471 nosack <41ms", "stat dsack_out = 1" } },
	{ "52_dsack_beside_range", "ES", .steps = {
		"P> A 1:101 a1", "U> A 1 a101 <41ms", "P> A 201:301 a1", "U> A 1 a101 sack201:301",
		"P> A 1:101 a1",
		"U> A 1 a101 sack1:101,201:301" } },
	{ "52_no_dsack_without_sack", "E", .steps = {
		"P> A 1:101 a1", "U> A 1 a101 <41ms", "P> A 1:101 a1", "U> A 1 a101 nosack" } },
	{ "47_burst_of_32", "E", .fn = burst_one_ack },
	{ "57_limited_answers", "E", .steps = {
		"P> A 100000 a1", "U> A 1 a1", "P> A 100000 a1", "U> -", "P> A 100000 a1", "U> -",
		"wait 501ms",
		"P> A 100000 a1", "U> A 1 a1", "drop tcp_out_of_window = 4" } },
	{ "57_data_is_exempt", "E", .steps = {
		"P> A 100000:100010 a1", "U> A 1 a1", "P> A 100000:100010 a1", "U> A 1 a1" } },
	{ "57_keepalive_probe_answered", "E", .steps = { /* 1.8.1 */
		"wait 600ms", "P> A 0 a1", "U> A 1 a1", "wait 600ms", "P> A 0:1 a1 fill00", "U> A 1 a1",
		"state ESTABLISHED" } },
	{ "58_ack_of_unsent", "E", .steps = {
		"P> A 1:11 a2", "U> A 1 a1", "info readable = 0", "drop tcp_ack_unsent = 1", "P> A 1:11 a1",
		"U> A 1 a11 <41ms" } },
	{ "58_ack_far_away", "E", .steps = { /* pitfall 8 */
		"P> A 1:11 a2147483640", "U> A 1 a1", "info readable = 0", "wait 600ms",
		"P> A 1 a-2147483640", "U> A 1 a1",
		"app write 10", "U> A 1:11 a1", "P> A 1 a12", "U?> A 11 a1", "info unacked = 10" } },
	{ "59_ack_too_old", "E", .steps = {
		"app write 1000", "U> A 1:1001 a1", "P> A 1 a1001", "P> A 1:11 a-5", "U> A 1001 a1",
		"info readable = 0",
		"drop tcp_ack_too_old = 1" } },
	{ "60_old_ack_with_data", "E", .steps = {
		"app write 1000", "U> A 1:1001 a1", "P> A 1 a1001", "P> A 1:11 a500", "U> A 1001 a11 <41ms",
		"app read 10" } },
	{ "60_old_ack_no_window_update", "E", .steps = { /* 2.5 5e */
		"app write 1000", "U> A 1:1001 a1", "P> A 1 a1001 w40000", "info snd_wnd = 40000",
		"P> A 1 a500 w100",
		"info snd_wnd = 40000" } },
};

RUN_TABLE(ack, list)
