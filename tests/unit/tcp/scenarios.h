/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of scenarios, one a section; run by test_scenarios.c. */
#ifndef TESTS_UNIT_TCP_SCENARIOS_H
#define TESTS_UNIT_TCP_SCENARIOS_H

#include "tests/sim/script.h"
#include "tests/unit/test.h"

#define SCENARIO_TABLES(X) \
	X(open) X(syn_sent) X(cookie) X(data) X(ack) X(rst_syn) X(states) X(close) X(time_wait) X(window) X(send) \
	X(loss) X(sack) X(pmtu) X(timestamp) X(ip_arp) X(steering) X(pitfalls) X(stall)

#define DECLARE(name) void scenarios_##name(void);
SCENARIO_TABLES(DECLARE)
#undef DECLARE

#define RUN_TABLE(name, list) \
	void scenarios_##name(void) \
	{ \
		script_run_table(#name, list, sizeof(list) / sizeof((list)[0])); \
	}

#endif
