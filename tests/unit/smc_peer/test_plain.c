/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers without SMC: what the wire shows of a SOCK_SMC socket is what it shows of
 * a SOCK_TCP one but for the option's 8 octets on the SYN.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/smc_pair/pair.h"
#include "tests/unit/test.h"

#define SECOND 1000000ull
#define FRAMES_MAX 4096

struct trace {
	unsigned n;
	uint32_t len[FRAMES_MAX];
	uint8_t *frame[FRAMES_MAX];
};

static struct pair pair;
static struct trace traces[2];

static bool note_frame(void *ctx, const struct wire_frame *f, uint64_t n)
{
	struct trace *t = ctx;

	if (t->n < FRAMES_MAX) {
		t->len[t->n] = f->len;
		t->frame[t->n] = malloc(f->len);
		memcpy(t->frame[t->n++], f->data, f->len);
	}
	return false;
}

static void trace_free(struct trace *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->frame[i]);
	t->n = 0;
}

static void record(struct trace *t, uint16_t connect, uint16_t listen, bool other_plain)
{
	struct pair_conf conf;

	pair_defaults(&conf);
	conf.listen_protocol = listen;
	conf.host[1].no_smc = other_plain;
	pair_start(&pair, &conf);
	for (unsigned i = 0; i < 2; i++) {
		struct sim_wire *wire = sim_wire(sim_smc_host(pair.h[i]));

		wire->drop = note_frame;
		wire->drop_ctx = t;
	}
	for (unsigned i = 0; i < 3; i++) {
		pair_connect(&pair, connect, 20000, i == 1 ? PAIR_HALF : PAIR_CLOSE);
		CU_ASSERT_TRUE(pair_run(&pair, 60 * SECOND));
		CU_ASSERT_EQUAL(pair.conns[i].transport, SOCK_TCP);
	}
	CU_ASSERT_TRUE(pair_stop(&pair));
}

/* Frames of the SMC run with the SYN's option taken out, and lengths mended. */
static void check_same(const struct trace *tcp, const struct trace *smc, bool smc_syns)
{
	static const uint8_t option[8] = { 1, 1, 0xfe, 6, 0xe2, 0xd4, 0xc3, 0xd9 };
	unsigned syns = 0;

	CU_ASSERT_EQUAL(tcp->n, smc->n);
	for (unsigned i = 0; i < RTE_MIN(tcp->n, smc->n); i++) {
		const uint8_t *a = tcp->frame[i], *b = smc->frame[i];
		uint32_t at = tcp->len[i];

		if (smc->len[i] == tcp->len[i]) {
			CU_ASSERT_EQUAL(memcmp(a, b, at), 0);
			continue;
		}
		syns++;
		CU_ASSERT_EQUAL_FATAL(smc->len[i], tcp->len[i] + sizeof(option));
		CU_ASSERT_EQUAL(b[14 + 20 + 13] & (WIRE_SYN | WIRE_ACK), WIRE_SYN);
		/* Ethernet, ports, sequence numbers, flags, window; all of TCP's options. */
		CU_ASSERT_EQUAL(memcmp(a, b, 14), 0);
		CU_ASSERT_EQUAL(memcmp(a + 34, b + 34, 12), 0);
		CU_ASSERT_EQUAL(memcmp(a + 34 + 14, b + 34 + 14, 2), 0);
		CU_ASSERT_PTR_NOT_NULL(memmem(b + 54, smc->len[i] - 54, option, sizeof(option)));
		CU_ASSERT_TRUE(memcmp(a + 54, b + 54, at - 54) == 0 || memcmp(a + 54, b + 62, at - 54) == 0);
	}
	CU_ASSERT_EQUAL(syns, smc_syns ? 3 : 0);
}

static void trace__client_of_a_peer_without_smc(void)
{
	record(&traces[0], SOCK_TCP, SOCK_TCP, true);
	record(&traces[1], SOCK_SMC, SOCK_TCP, true);
	check_same(&traces[0], &traces[1], true);
	trace_free(&traces[0]);
	trace_free(&traces[1]);
}

static void trace__server_of_a_peer_without_smc(void)
{
	record(&traces[0], SOCK_TCP, SOCK_TCP, false);
	record(&traces[1], SOCK_TCP, SOCK_SMC, false);
	check_same(&traces[0], &traces[1], false);
	trace_free(&traces[0]);
	trace_free(&traces[1]);
}

/* ---- two of ours that cannot use SMC with each other --------------------------------- */

static void server_no_device(struct pair_conf *c) { c->host[1].no_device = true; }
static void client_no_device(struct pair_conf *c) { c->host[0].no_device = true; }
static void server_no_smc(struct pair_conf *c) { c->host[1].no_smc = true; }
static void server_tcp(struct pair_conf *c) { c->listen_protocol = SOCK_TCP; }
static void other_eid(struct pair_conf *c) { smc_eid_parse(&c->host[1].smc.eids[0], "OTHER"); }
static void server_policy(struct pair_conf *c) { c->host[1].smc.n_policies = 1; }
static void server_full(struct pair_conf *c) { c->host[1].smc.handshakes_max = 0; }
static void server_no_groups(struct pair_conf *c) { c->host[1].smc.lgrs_per_peer = 0; }
static void client_no_groups(struct pair_conf *c) { c->host[0].smc.lgrs_per_peer = 0; }

static void server_no_memory(struct pair_conf *c) { c->host[1].smc.buf_bytes_per_peer = 1; }
static void client_no_memory(struct pair_conf *c) { c->host[0].smc.buf_bytes_per_peer = 1; }

static void client_policy(struct pair_conf *c)
{
	c->host[0].smc.n_policies = 2;
	strcpy(c->host[0].smc.policies[0].service, "echo");
	c->host[0].smc.policies[0].smc = true;
	strcpy(c->host[0].smc.policies[1].service, "load");
}

static void fallback__each_condition(void)
{
	static const struct {
		const char *name;
		void (*change)(struct pair_conf *conf);
		uint32_t client, client_peer, server;
	} t[] = {
		{ "server without a device", server_no_device, SMC_RSN_PEERNOSMC, 0, SMC_RSN_NOSMCDEV },
		{ "client without a device", client_no_device, SMC_RSN_NOSMCDEV, 0, SMC_RSN_PEERNOSMC },
		{ "server without SMC", server_no_smc, SMC_RSN_PEERNOSMC, 0, SMC_RSN_OWN_DISABLED },
		{ "server listens with TCP", server_tcp, SMC_RSN_PEERNOSMC, 0, 0 },
		{ "no EID in common", other_eid, SMC_RSN_PEERDECL, SMC_RSN_NOSMCDEV, SMC_RSN_NOSMCDEV },
		{ "server's policy", server_policy, SMC_RSN_PEERNOSMC, 0, SMC_RSN_OWN_POLICY },
		{ "client's policy", client_policy, SMC_RSN_OWN_POLICY, 0, SMC_RSN_PEERNOSMC },
		{ "server's handshakes", server_full, SMC_RSN_PEERNOSMC, 0, SMC_RSN_OWN_LIMIT },
		{ "server's groups", server_no_groups, SMC_RSN_PEERNOSMC, 0, SMC_RSN_OWN_LIMIT },
		{ "server's memory for the peer", server_no_memory, SMC_RSN_PEERNOSMC, 0, SMC_RSN_MEM },
		{ "client's memory for the peer", client_no_memory, SMC_RSN_MEM, 0, SMC_RSN_PEERNOSMC },
		{ "client's groups", client_no_groups, SMC_RSN_OWN_LIMIT, 0, SMC_RSN_PEERNOSMC },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		const struct pair_conn *server = &pair.conns[PAIR_MAX];
		struct pair_conf conf;
		struct pair_conn *c;

		pair_defaults(&conf);
		t[i].change(&conf);
		pair_start(&pair, &conf);
		c = pair_connect(&pair, SOCK_SMC, 100000, PAIR_HALF);
		CU_ASSERT_TRUE(pair_run(&pair, 60 * SECOND));
		CU_ASSERT_EQUAL(c->got, c->total);
		CU_ASSERT_EQUAL(c->error, 0);
		CU_ASSERT_EQUAL(c->transport, SOCK_TCP);
		CU_ASSERT_EQUAL(c->reason, t[i].client);
		CU_ASSERT_EQUAL(c->peer_reason, t[i].client_peer);
		CU_ASSERT_EQUAL(server->transport, SOCK_TCP);
		CU_ASSERT_EQUAL(server->reason, t[i].server);
		CU_ASSERT_TRUE(pair_stop(&pair));
		if (pair.failure[0] != '\0' || c->reason != t[i].client || server->reason != t[i].server)
			printf("%s: %s; %x %x\n", t[i].name, pair.failure, c->reason, server->reason);
	}
}

static bool drop_roce(void *ctx, const struct wire_frame *f, uint64_t n)
{
	return f->len > 23 && f->data[12] == 8 && f->data[13] == 0 && f->data[23] == 17;
}

/* RDMA carries nothing: both wait the same time, and both decline; neither
 * application sees the other's DECLINE, and the data is exact. */
static void fallback__declines_cross(void)
{
	struct pair_conf conf;
	struct pair_conn *c;

	pair_defaults(&conf);
	conf.roce = true;
	conf.wire.delay_us = 20000;
	conf.wire.drop = drop_roce;
	conf.host[0].smc.confirm_wait_ms = 2000; /* ours is longer, so that they do not */
	conf.host[1].smc.llc_wait_ms = 1990;
	conf.host[0].smc.ack_timeout = conf.host[1].smc.ack_timeout = 20;
	pair_start(&pair, &conf);
	c = pair_connect(&pair, SOCK_SMC, 100000, PAIR_HALF);
	CU_ASSERT_TRUE(pair_run(&pair, 60 * SECOND));
	CU_ASSERT_EQUAL(c->got, c->total);
	CU_ASSERT_EQUAL(c->transport, SOCK_TCP);
	CU_ASSERT_EQUAL(c->reason, SMC_RSN_TIMEOUT_CL);
	CU_ASSERT_EQUAL(pair.conns[PAIR_MAX].reason, SMC_RSN_TIMEOUT_CL);
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(pair_stats(&pair, i)->swallowed_declines, 1);
	CU_ASSERT_TRUE(pair_stop(&pair));
	CU_ASSERT_STRING_EQUAL(pair.failure, "");
}

static const struct test_case cases[] = {
	TEST_CASE(trace__client_of_a_peer_without_smc),
	TEST_CASE(trace__server_of_a_peer_without_smc),
	TEST_CASE(fallback__each_condition),
	TEST_CASE(fallback__declines_cross),
};

int main(int argc, char **argv)
{
	test_eal_init();
	return test_run("smc-peer-plain", cases, RTE_DIM(cases), argc > 1 ? argv[1] : NULL);
}
