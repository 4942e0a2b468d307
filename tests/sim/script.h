/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scenarios: a scripted peer P without a stack against a stack under test U,
 * as a table of steps. Sequence numbers are relative: both ISNs are 0, the
 * first data octet is 1. Times are virtual.
 *
 *   P> FLAGS [SEQ[:END]] [aACK] ...   P sends, then U gets a turn
 *   P+ ...                            goes into the burst of the next P>
 *   U> FLAGS [SEQ[:END]] [aACK] ...   the next segment U sent is this one; with
 *                                     @T it comes after T (within T/32 + 2 ms),
 *                                     with <T not later than that, else it has come in the same turn
 *   U> -                              nothing was sent; "U> - T": for T
 *   wait T                            time passes, what U sends is kept for the U> that follow
 *   P2> U2> app2 ev2 state2 ...       another flow (P's port + 1)
 *   app VERB ...                      the application on U (script_app.c)
 *   ev NAME, noev [NAME]              an event came (and is used up); did not come
 *   state NAME                        of the flow, "-": U knows it no more
 *   info FIELD OP VALUE, stat NAME OP VALUE, drop NAME OP VALUE
 *                                     OP is = < > <= >= or ~ (within 1 %)
 *   icmp TYPE CODE [mtuN] [seqN] [short]  P's router reports on a segment of U's with this sequence number
 *   U?> ...                           as U>, but it may as well be missing
 *   discard                           whatever U has sent
 *   sink N                            P acknowledges every second segment until U has sent all before N
 *   source N                          P sends full segments, as the window allows, until U has acknowledged N
 *   arp on|off                        whether P answers ARP
 *   isn new, rebase N                 U took a new ISN; P's ISN is N further (a reopened tuple)
 *
 * FLAGS: letters SAFRPUEC, "null", or (U) "*", "R|RA". Words behind:
 *   wN w<N w>N  window field         mssN wsN sackok tsV[:E] smc sackA:B,C:D opt=HEX  options
 *   P: nots urgN badsum fillXX gsoN ttlN doffN padN dscpN
 *   U: nomss nows nosackok nots nosmc nosack tsecrN psh nopsh dscpN; nN: N segments in a row (n0: any number)
 * On a connection with timestamps P's segments carry one that runs with the
 * clock and echo U's last, unless told otherwise.
 *
 * Payload is a pattern of the position in the stream, made and checked on both
 * sides, so an octet out of place is seen. Every frame U sends is checked for
 * lengths, checksums, addresses and a window edge that never moves left.
 */
#ifndef TESTS_SIM_SCRIPT_H
#define TESTS_SIM_SCRIPT_H

#include "tests/sim/sim.h"

#define SCRIPT_STEPS 64
#define SCRIPT_FLOWS 32
#define SCRIPT_U 0x0a000001u       /* 10.0.0.1 */
#define SCRIPT_P 0x0a000002u

struct script;

enum script_variant_bits {
	SCRIPT_SLOW = 1 << 0,          /* without the fast path */
	SCRIPT_WRAP = 1 << 1,          /* ISNs of both sides just below 2^32 */
	SCRIPT_OFFLOAD = 1 << 2,       /* the port does checksums and segmentation */
};

struct scenario {
	const char *name;              /* number in the reference, and a word or two */
	const char *setup;             /* L E ES ET EX C ..., see script_setup.c; NULL: nothing */
	const char *conf;              /* "key=value ..." */
	uint32_t wrap_back;            /* in SCRIPT_WRAP: ISNs this far below 2^32; 0: 10 */
	unsigned skip;                 /* variants that make no sense here */
	void (*fn)(struct script *sc); /* run after the steps */
	const char *steps[SCRIPT_STEPS];
};

/* Run a table in all variants as one CUnit test: fails it with table, variant,
 * step, expected and got. Counts scenarios for script_count(). */
void script_run_table(const char *table, const struct scenario *list, unsigned n);
unsigned script_count(void);
/* Restrict to scenarios whose name contains match; trace prints every frame and step. */
void script_select(const char *match, bool trace);

/* ---- for scenarios with fn --------------------------------------------- */
void script_step(struct script *sc, const char *fmt, ...) __rte_format_printf(2, 3);
void script_fail(struct script *sc, const char *fmt, ...) __rte_format_printf(2, 3);
bool script_failed(const struct script *sc);
struct sim *script_sim(struct script *sc);
struct sim_host *script_host(struct script *sc);
struct tcp_conn *script_conn(struct script *sc, unsigned flow);
/* The flow begins anew: its connection was given back, its numbers are void. */
void script_forget(struct script *sc, unsigned flow);
/* Raw frames to U in one burst, then a turn. Takes the list. */
void script_inject(struct script *sc, struct wire_frame *list);
/* The segment of a "P> ..." text as a frame, not sent. */
struct wire_frame *script_frame(struct script *sc, unsigned flow, const char *text);
/* Next frame U sent that is no segment of a flow (ICMP, ARP), or NULL. Caller frees. */
struct wire_frame *script_other(struct script *sc);
uint32_t script_p_isn(const struct script *sc, unsigned flow);
uint32_t script_u_isn(const struct script *sc, unsigned flow);
/* U's right window edge, relative. */
int64_t script_edge(const struct script *sc, unsigned flow);
/* Sum of all drop counters, consumed ones included. */
uint64_t script_drops(struct script *sc);
uint8_t script_pattern(bool from_u, uint32_t pos);

#endif
