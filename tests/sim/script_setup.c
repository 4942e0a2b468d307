/* SPDX-License-Identifier: BSD-3-Clause */
/* Before and after a scenario: configuration, the named set-ups, leak checks. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/script_impl.h"

#define NAMED(setup, ...) { setup, (const char *const[]){ __VA_ARGS__, NULL } }

/* Set-ups of the reference, section 12. E* end with the accept event used up. */
static const struct { const char *name; const char *const *steps; } setups[] = {
	NAMED("", NULL),
	NAMED("L", "app listen"),
	NAMED("E", "app listen", "P> S 0 w65535 mss1460", "U> SA 0 a1", "P> A 1 a1", "U> -", "ev accept"),
	NAMED("ES", "app listen", "P> S 0 w65535 mss1460 sackok", "U> SA 0 a1 sackok", "P> A 1 a1", "U> -",
		"ev accept"),
	NAMED("ET", "app listen", "P> S 0 w65535 mss1460 ts1000:0", "U> SA 0 a1 tsecr1000", "P> A 1 a1",
		"U> -",
	      "ev accept"),
	NAMED("EST", "app listen", "P> S 0 w65535 mss1460 sackok ts1000:0", "U> SA 0 a1 sackok tsecr1000",
		"P> A 1 a1",
	      "U> -", "ev accept"),
	NAMED("EX", "app listen", "P> S 0 w65535 mss1460 sackok ts1000:0 ws7", "U> SA 0 a1 sackok tsecr1000",
	      "P> A 1 a1 w512", "U> -", "ev accept"),
	/* The same with a measured round trip of 100 ms. */
	NAMED("ER", "app listen", "P> S 0 w65535 mss1460", "U> SA 0 a1", "wait 100ms", "P> A 1 a1", "U> -",
		"ev accept"),
	NAMED("ESR", "app listen", "P> S 0 w65535 mss1460 sackok", "U> SA 0 a1 sackok", "wait 100ms",
		"P> A 1 a1",
	      "U> -", "ev accept"),
	NAMED("EXR", "app listen", "P> S 0 w65535 mss1460 sackok ts1000:0 ws7", "U> SA 0 a1 sackok tsecr1000",
	      "wait 100ms", "P> A 1 a1 w512", "U> -", "ev accept"),
	NAMED("C", "app connect", "U> S 0"),
	NAMED("CE", "app connect", "U> S 0", "P> SA 0 a1 w65535 mss1460", "U> A 1 a1", "ev connected"),
};

const char *const *script_setup_steps(const char *name)
{
	for (unsigned i = 0; i < RTE_DIM(setups); i++)
		if (strcmp(setups[i].name, name != NULL ? name : "") == 0)
			return setups[i].steps;
	return NULL;
}

/* ---- configuration ----------------------------------------------------- */

#define KEY(n) { #n, offsetof(struct sim_host_conf, tcp.n), sizeof(((struct tcp_config *)0)->n) }
static const struct { const char *name; size_t off, size; } keys[] = {
	KEY(rto_min_ms), KEY(rto_max_ms), KEY(syn_retries), KEY(synack_retries), KEY(retries),
		KEY(orphan_retries),
	KEY(initial_window), KEY(ttl), KEY(nagle), KEY(timestamps), KEY(sack), KEY(window_scaling),
		KEY(keepalive),
	KEY(keepalive_idle_ms), KEY(keepalive_interval_ms), KEY(keepalive_probes), KEY(user_timeout_ms),
	KEY(delayed_ack_ms), KEY(time_wait_ms), KEY(fin_wait2_ms), KEY(time_wait_max), KEY(max_conns),
	KEY(half_open_max), KEY(min_mss), KEY(challenge_ack_ms), KEY(rst_rate), KEY(abort_on_overflow),
	KEY(rcvbuf_initial), KEY(rcvbuf_max), KEY(sndbuf_max), KEY(rcv_pinned_max), KEY(port_min),
		KEY(port_max),
	{ "neigh_queue", offsetof(struct sim_host_conf, net.neigh_queue), 1 },
	{ "frag_timeout_ms", offsetof(struct sim_host_conf, net.frag_timeout_ms), 4 },
	{ "accept_source_route", offsetof(struct sim_host_conf, net.accept_source_route), 1 },
	{ "arp_announce", offsetof(struct sim_host_conf, net.ifs[0].arp_announce), 1 },
	{ "arp_probe", offsetof(struct sim_host_conf, net.ifs[0].arp_probe), 1 },
	{ "mtu", offsetof(struct sim_host_conf, net.ifs[0].mtu), 2 },
	{ "vlan", offsetof(struct sim_host_conf, net.ifs[0].vlan), 2 },
};

static bool set_special(struct script *sc, const char *key, const char *value)
{
	if (strcmp(key, "cookies") == 0)
		sc->conf.tcp.cookies = strcmp(value, "always") == 0 ? TCP_COOKIES_ALWAYS :
				       strcmp(value, "off") == 0 ? TCP_COOKIES_OFF : TCP_COOKIES_AUTO;
	else if (strcmp(key, "congestion") == 0)
		sc->conf.tcp.congestion = strcmp(value, "cubic") == 0 ? "cubic" : "newreno";
	else if (strcmp(key, "backlog") == 0)
		sc->listen_args.backlog = (uint32_t)strtoul(value, NULL, 0);
	else if (strcmp(key, "multi_seg") == 0)
		sc->conf.net.ifs[0].offloads |= NET_TX_MULTI_SEG;
	else if (strcmp(key, "smc") == 0)
		sc->listen_args.opt = (struct tcp_user_opt){ 6, { 0xfe, 6, 0xe2, 0xd4, 0xc3, 0xd9 } };
	else
		return false;
	return true;
}

bool script_set_conf(struct script *sc, const char *text)
{
	char buf[256], *save = NULL;

	snprintf(buf, sizeof(buf), "%s", text != NULL ? text : "");
	for (char *w = strtok_r(buf, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		char *value = strchr(w, '=');
		bool found = false;
		uint64_t v;

		if (value == NULL)
			return false;
		*value++ = '\0';
		v = strtoull(value, NULL, 0);
		for (unsigned i = 0; i < RTE_DIM(keys) && !found; i++) {
			found = strcmp(keys[i].name, w) == 0;
			if (found)
				memcpy((uint8_t *)&sc->conf + keys[i].off, &v, keys[i].size);
		}
		if (!found && !set_special(sc, w, value))
			return false;
	}
	return true;
}

/* ---- begin ------------------------------------------------------------- */

void script_tap(void *ctx, struct wire_frame *list);

static void note_conflict(void *ctx, const struct net_addr *addr)
{
	((struct script *)ctx)->conflicts++;
}

static void flow_init(struct script_flow *f, unsigned idx)
{
	*f = (struct script_flow){
		.idx = idx, .pport = (uint16_t)(40000 + idx), .uport = 80, .p_win = 65535,
		.p_isn = 0x20000000 + idx * 0x1000000, .u_isn = 0x70000000,
	};
}

void script_forget(struct script *sc, unsigned flow)
{
	if (sc->flows[flow].c != NULL)
		tcp_abort(sc->flows[flow].c);
	flow_init(&sc->flows[flow], flow);
}

static bool create(struct script *sc, uint64_t start_us)
{
	struct sim_host_conf *conf = &sc->conf;

	sc->listen_args = (struct tcp_listen_args){
		.port = rte_cpu_to_be_16(80), .backlog = 64, .accept = script_app_accept, .ctx = sc,
	};
	sc->buffers_before = sim_buffers_used();
	sim_host_defaults(conf, 1);
	conf->ops.event = script_app_event;
	conf->ops_ctx = sc;
	conf->tap = script_tap;
	conf->tap_ctx = sc;
	conf->conflict = note_conflict;
	conf->tcp.fast_path = (sc->variant & SCRIPT_SLOW) == 0;
	if ((sc->variant & SCRIPT_OFFLOAD) != 0)
		conf->net.ifs[0].offloads = NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM | NET_TX_TSO |
					    NET_TX_MULTI_SEG |
					    NET_RX_CKSUM;
	sc->sim = sim_create(1, start_us);
	if (!script_set_conf(sc, sc->sn->conf)) {
		script_fail(sc, "bad configuration \"%s\"", sc->sn->conf);
		return false;
	}
	sc->host = sim_host_add(sc->sim, conf);
	sc->arp_answers = true;
	for (unsigned i = 0; i < SCRIPT_FLOWS; i++)
		flow_init(&sc->flows[i], i);
	return sc->host != NULL;
}

/* The ISN of a fresh stack at this time, for a passive or an active opening. */
static uint32_t probe_isn(const struct scenario *sn, uint64_t start_us, bool active)
{
	static const struct scenario plain = { .name = "probe" };
	struct script *sc = calloc(1, sizeof(*sc));
	struct scenario probe = plain;
	uint32_t isn;

	if (sc == NULL)
		abort();
	probe.conf = sn->conf;
	sc->table = "probe";
	sc->sn = &probe;
	sc->out_tail = &sc->out;
	sc->burst_tail = &sc->burst;
	if (create(sc, start_us)) {
		script_step(sc, active ? "app connect" : "app listen");
		if (!active)
			script_step(sc, "P> S 0 mss1460");
	}
	isn = sc->flows[0].u_isn;
	sc->sn = &plain;
	script_teardown(sc);
	free(sc);
	return isn;
}

/* ISNs follow the clock (RFC 6528): find how fast, then start at the right time. */
uint64_t script_wrap_start(const struct scenario *sn)
{
	const uint64_t t0 = 1000000, step = 1 << 20;
	bool active = sn->setup != NULL && sn->setup[0] == 'C';
	uint32_t a = probe_isn(sn, t0, active), b = probe_isn(sn, t0 + step, active);
	uint32_t back = sn->wrap_back != 0 ? sn->wrap_back : 10;

	if (b == a)
		return t0;
	return t0 + (uint64_t)(uint32_t)(0u - back - a) * step / (b - a);
}

bool script_setup(struct script *sc)
{
	bool wrap = (sc->variant & SCRIPT_WRAP) != 0;
	uint32_t back = sc->sn->wrap_back != 0 ? sc->sn->wrap_back : 10;

	if (!create(sc, wrap ? script_wrap_start(sc->sn) : 1000000)) {
		script_fail(sc, "%s", sim_error(sc->sim) != NULL ? sim_error(sc->sim) : "no host");
		return false;
	}
	if (wrap)
		sc->flows[0].p_isn = 0u - back;
	return true;
}

/* ---- end --------------------------------------------------------------- */

static void close_all(struct script *sc)
{
	for (unsigned i = 0; i < SCRIPT_FLOWS; i++) {
		struct script_flow *f = &sc->flows[i];

		if (f->c != NULL)
			tcp_abort(f->c);
		f->c = NULL;
		if (f->isn_changes != 0 && !sc->failed)
			script_fail(sc, "flow %u: U changed its ISN", i + 1);
	}
	if (sc->listener != NULL)
		tcp_unlisten(sc->listener);
	sim_settle(sc->sim);
}

static void drop_output(struct script *sc)
{
	script_discard(sc);
	wire_free(sc->burst);
	sc->burst = NULL;
}

/* All that the scenario used comes back: connections, then buffers. */
void script_teardown(struct script *sc)
{
	const uint64_t limit_us = 15 * 60 * 1000000ull;

	sc->step = -1;
	sc->text = "end";
	if (sc->host != NULL) {
		close_all(sc);
		if (!sim_drain(sc->sim, limit_us) && !sc->failed)
			script_fail(sc, "%u connections are left at the end", sim_objects(sc->sim));
		if (sim_error(sc->sim) != NULL)
			script_fail(sc, "%s", sim_error(sc->sim));
		if (tcp_stats(sim_tcp(sc->host, 0))->curr_estab != 0)
			script_fail(sc, "curr_estab is %lu at the end",
				    (unsigned long)tcp_stats(sim_tcp(sc->host, 0))->curr_estab);
	}
	drop_output(sc);
	sim_destroy(sc->sim);
	sc->sim = NULL;
	if (sim_buffers_used() != sc->buffers_before) {
		/* The world is gone: script_fail() reads its clock. */
		snprintf(sc->message, sizeof(sc->message), "%s/%s: %d buffers leaked", sc->table,
			sc->sn->name,
			 (int)(sim_buffers_used() - sc->buffers_before));
		sc->failed = true;
	}
}
