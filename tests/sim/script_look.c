/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps that look at U from inside: events, state, tcp_info, counters; and ICMP. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/script_impl.h"

/* ---- comparing --------------------------------------------------------- */

static bool compare(int64_t got, const char *op, int64_t want)
{
	if (strcmp(op, "=") == 0)
		return got == want;
	if (strcmp(op, "<") == 0)
		return got < want;
	if (strcmp(op, ">") == 0)
		return got > want;
	if (strcmp(op, "<=") == 0)
		return got <= want;
	if (strcmp(op, ">=") == 0)
		return got >= want;
	if (strcmp(op, "~") == 0) /* within 1 % */
		return llabs(got - want) * 100 <= llabs(want);
	return false;
}

static void check_value(struct script *sc, const char *name, int64_t got, const char *op, const char *value)
{
	if (!compare(got, op, strtoll(value, NULL, 0)))
		script_fail(sc, "%s is %lld", name, (long long)got);
}

/* ---- tcp_info ---------------------------------------------------------- */

struct field {
	const char *name;
	uint16_t off, size;
};
#define FIELD(n) { #n, offsetof(struct tcp_info, n), sizeof(((struct tcp_info *)0)->n) }
static const struct field fields[] = {
	FIELD(error), FIELD(soft_error), FIELD(snd_mss), FIELD(rcv_mss), FIELD(pmtu), FIELD(cwnd),
		FIELD(ssthresh),
	FIELD(srtt_us), FIELD(rttvar_us), FIELD(rto_us), FIELD(min_rtt_us), FIELD(snd_wnd), FIELD(rcv_wnd),
	FIELD(snd_wscale), FIELD(rcv_wscale), FIELD(sack), FIELD(timestamps), FIELD(nagle), FIELD(corked),
	FIELD(keepalive), FIELD(opt_sent), FIELD(opt_received), FIELD(from_cookie), FIELD(orphan),
		FIELD(unacked),
	FIELD(unsent), FIELD(readable), FIELD(out_of_order), FIELD(rcvbuf), FIELD(rcvbuf_max),
		FIELD(sndbuf_max),
	FIELD(charged), FIELD(bytes_in), FIELD(bytes_out), FIELD(bytes_acked), FIELD(segs_in),
		FIELD(segs_out),
	FIELD(retransmits), FIELD(rto_count), FIELD(fast_recoveries), FIELD(tlp_probes), FIELD(dup_acks),
	FIELD(ooo_segs), FIELD(dsacks), FIELD(backoff), FIELD(age_us), FIELD(idle_us),
};

static bool find_info(struct script *sc, struct script_flow *f, struct tcp_info *info)
{
	struct tcp_info list[32];
	uint64_t cursor = 0;
	unsigned n;

	if (f->c != NULL) {
		tcp_get_info(f->c, info);
		return true;
	}
	while ((n = tcp_list(sim_tcp(sc->host, 0), &cursor, list, RTE_DIM(list))) > 0)
		for (unsigned i = 0; i < n; i++)
			if (rte_be_to_cpu_16(list[i].flow.rport) == f->pport &&
			    rte_be_to_cpu_16(list[i].flow.lport) == f->uport) {
				*info = list[i];
				return true;
			}
	return false;
}

static void step_info(struct script *sc, struct script_flow *f, const char *rest)
{
	char name[32], op[4], value[32];
	struct tcp_info info;

	if (sscanf(rest, "%31s %3s %31s", name, op, value) != 3 || !find_info(sc, f, &info)) {
		script_fail(sc, "bad step, or no such connection");
		return;
	}
	if (strcmp(name, "recovery") == 0 || strcmp(name, "congestion") == 0) {
		const char *got = *name == 'r' ? info.recovery : info.congestion;

		if (strcmp(got, value) != 0)
			script_fail(sc, "%s is %s", name, got);
		return;
	}
	for (unsigned i = 0; i < RTE_DIM(fields); i++) {
		uint64_t v = 0;

		if (strcmp(fields[i].name, name) != 0)
			continue;
		memcpy(&v, (const uint8_t *)&info + fields[i].off, fields[i].size);
		check_value(sc, name, (int64_t)v, op, value);
		return;
	}
	script_fail(sc, "no field %s", name);
}

static void step_state(struct script *sc, struct script_flow *f, const char *rest)
{
	struct tcp_info info;
	char got[24] = "-";

	if (find_info(sc, f, &info))
		snprintf(got, sizeof(got), "%s", tcp_state_names[info.state]);
	for (char *p = got; *p != '\0' && got[1] != '\0'; p++)
		*p = *p == '-' ? '_' : *p;
	if (strcasecmp(got, rest) != 0)
		script_fail(sc, "state is %s", got);
}

/* ---- counters ---------------------------------------------------------- */

static void step_stat(struct script *sc, const char *rest)
{
	static const char *const names[] = {
#define NAME(n) #n,
		TCP_STATS(NAME)
#undef NAME
	};
	const uint64_t *v = (const uint64_t *)tcp_stats(sim_tcp(sc->host, 0));
	char name[32], op[4], value[32];

	if (sscanf(rest, "%31s %3s %31s", name, op, value) != 3) {
		script_fail(sc, "bad step");
		return;
	}
	for (unsigned i = 0; i < RTE_DIM(names); i++) {
		if (strcmp(names[i], name) == 0) {
			check_value(sc, name, (int64_t)v[i], op, value);
			return;
		}
	}
	script_fail(sc, "no counter %s", name);
}

static void step_drop(struct script *sc, const char *rest)
{
	const uint64_t *v = net_stats(sim_net(sc->host, 0))->drop;
	char name[32], op[4], value[32];

	if (sscanf(rest, "%31s %3s %31s", name, op, value) != 3) {
		script_fail(sc, "bad step");
		return;
	}
	for (unsigned i = 0; i < NET_DROP_MAX; i++) {
		if (strcmp(net_drop_names[i], name) == 0) {
			check_value(sc, name, (int64_t)v[i], op, value);
			return;
		}
	}
	script_fail(sc, "no drop reason %s", name);
}

uint64_t script_drops(struct script *sc)
{
	const uint64_t *v = net_stats(sim_net(sc->host, 0))->drop;
	uint64_t sum = 0;

	for (unsigned i = 0; i < NET_DROP_MAX; i++)
		sum += v[i];
	return sum;
}

/* ---- events ------------------------------------------------------------ */

static const struct { const char *name; unsigned bit; } events[] = {
	{ "connected", TCP_EV_CONNECTED }, { "readable", TCP_EV_READABLE }, { "eof", TCP_EV_EOF },
	{ "writable", TCP_EV_WRITABLE }, { "closed", TCP_EV_CLOSED }, { "sent", TCP_EV_SENT },
	{ "urgent", TCP_EV_URGENT }, { "accept", SCRIPT_EV_ACCEPT },
};

static void step_event(struct script *sc, struct script_flow *f, const char *name, bool want)
{
	unsigned bit = 0;

	for (unsigned i = 0; i < RTE_DIM(events); i++)
		if (strcmp(events[i].name, name) == 0)
			bit = events[i].bit;
	if (*name == '\0' && !want)
		bit = ~0u;
	if (bit == 0)
		script_fail(sc, "no such event");
	else if (((f->events & bit) != 0) != want)
		script_fail(sc, "events are 0x%x", f->events);
	f->events &= ~bit;
}

/* ---- ICMP from a router ------------------------------------------------ */

static int64_t word(const char *text, const char *name, int64_t otherwise)
{
	const char *p = strstr(text, name);

	return p != NULL ? strtoll(p + strlen(name), NULL, 0) : otherwise;
}

static void step_icmp(struct script *sc, struct script_flow *f, const char *rest)
{
	uint32_t seq = f->u_isn + (uint32_t)word(rest, "seq", 1);
	uint16_t len = (uint16_t)word(rest, "len", 1500), mtu = (uint16_t)word(rest, "mtu", 0);
	struct wire_build b = {
		.smac = sim_mac(2), .dmac = sim_mac(1), .saddr = 0x0a0000fe, .daddr = SCRIPT_U,
		.vlan = sim_if(sc->host)->vlan,
	};
	struct wire_build quote = {
		.saddr = SCRIPT_U, .daddr = SCRIPT_P, .sport = f->uport, .dport = f->pport, .seq = seq,
		.flags = WIRE_ACK, .frag = 0x4000,
	};
	struct wire_frame *q = wire_tcp_build(&quote);
	uint8_t icmp[8 + 28] = { 0 };
	unsigned type = 0, code = 0;
	uint16_t sum;

	sscanf(rest, "%u %u", &type, &code);
	icmp[0] = (uint8_t)type;
	icmp[1] = (uint8_t)code;
	icmp[6] = (uint8_t)(mtu >> 8);
	icmp[7] = (uint8_t)mtu;
	memcpy(icmp + 8, q->data + 14, 28);
	icmp[8 + 2] = (uint8_t)(len >> 8);
	icmp[8 + 3] = (uint8_t)len;
	wire_free(q);
	sum = (uint16_t)~wire_fold(wire_sum(icmp, sizeof(icmp), 0));
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	if (strstr(rest, "badsum") != NULL)
		icmp[3] ^= 1;
	script_inject(sc, wire_ip_build(&b, 1, icmp, sizeof(icmp)));
}

bool script_look_step(struct script *sc, struct script_flow *f, const char *verb, const char *rest)
{
	if (strcmp(verb, "ev") == 0 || strcmp(verb, "noev") == 0)
		step_event(sc, f, rest, *verb == 'e');
	else if (strcmp(verb, "state") == 0)
		step_state(sc, f, rest);
	else if (strcmp(verb, "info") == 0)
		step_info(sc, f, rest);
	else if (strcmp(verb, "stat") == 0)
		step_stat(sc, rest);
	else if (strcmp(verb, "drop") == 0)
		step_drop(sc, rest);
	else if (strcmp(verb, "icmp") == 0)
		step_icmp(sc, f, rest);
	else
		return false;
	return true;
}
