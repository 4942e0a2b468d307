/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SMC from socket to socket: two hosts of ours, first contact, reuse, data,
 * every way to end, over memory and over RoCE on a bad wire. Nothing may be left
 * behind.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/smc_pair/pair.h"
#include "tests/unit/test.h"

#define SECOND 1000000ull

static struct pair pair;

static void stop_well(void)
{
	pair_stop(&pair);
	CU_ASSERT_STRING_EQUAL(pair.failure, "");
	if (pair.failure[0] != '\0')
		printf("%s\n", pair.failure);
}

static void check_client(const struct pair_conn *c, uint16_t transport)
{
	CU_ASSERT_TRUE(c->connected);
	CU_ASSERT_EQUAL(c->transport, transport);
	CU_ASSERT_EQUAL(c->got, c->total);
	CU_ASSERT_EQUAL(c->error, 0);
}

static void echo__first_contact_and_reuse(void)
{
	static const uint64_t sizes[] = { 1, 16383, 16384, 16385, 65536, 65537, 1000000 };

	for (unsigned roce = 0; roce < 2; roce++) {
		struct pair_conf conf;

		pair_defaults(&conf);
		conf.roce = roce;
		pair_start(&pair, &conf);
		for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
			struct pair_conn *c = pair_connect(&pair, SOCK_SMC, sizes[i], PAIR_CLOSE);

			CU_ASSERT_TRUE(pair_run(&pair, 60 * SECOND));
			check_client(c, SOCK_SMC);
			CU_ASSERT_EQUAL(pair.conns[PAIR_MAX + i].transport, SOCK_SMC);
		}
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT_EQUAL(pair_stats(&pair, i)->first_contacts, 1);
			CU_ASSERT_EQUAL(pair_stats(&pair, i)->reuses, RTE_DIM(sizes) - 1);
			CU_ASSERT_EQUAL(pair_stats(&pair, i)->tcp_data_in_smc, 0);
		}
		stop_well();
	}
}

/* The sizes the user gave are the rings' (RFC 7609: any of 16 KiB << n). */
static void echo__every_ring_size(void)
{
	for (uint32_t size = SMC_BUF_MIN; size <= 1u << 20; size *= 2) {
		struct pair_conf conf;

		pair_defaults(&conf);
		conf.rcvbuf = conf.sndbuf = size;
		pair_start(&pair, &conf);
		check_client((pair_connect(&pair, SOCK_SMC, 3 * (uint64_t)size + 1, PAIR_HALF),
			      pair_run(&pair, 60 * SECOND), &pair.conns[0]), SOCK_SMC);
		stop_well();
	}
}

/* n at the same time, in crowds that TCP's half-open table takes. */
static void run_many(struct pair_conf *conf, unsigned n, uint64_t total, unsigned crowd)
{
	pair_start(&pair, conf);
	pair.hold = true;
	for (unsigned i = 0; i < n; i++) {
		pair_connect(&pair, SOCK_SMC, total, i % 3 == 0 ? PAIR_HALF : PAIR_CLOSE);
		if (i == 0 || (i + 1) % crowd == 0) { /* the first finds the neighbour's address */
			sim_settle(pair.sim);
			sim_run(pair.sim, sim_now(pair.sim) + SECOND);
		}
	}
	sim_settle(pair.sim);
	sim_run(pair.sim, sim_now(pair.sim) + SECOND);
	pair_release(&pair);
	CU_ASSERT_TRUE(pair_run(&pair, 300 * SECOND));
	for (unsigned i = 0; i < n; i++)
		check_client(&pair.conns[i], SOCK_SMC);
	if (pair_stats(&pair, 1)->role[SMC_SERVER].fallbacks != 0)
		pair_reasons(&pair);
}

static void crowd(struct pair_conf *conf)
{
	pair_defaults(conf);
	for (unsigned i = 0; i < 2; i++) {
		conf->host[i].smc.handshakes_max = conf->host[i].smc.handshakes_per_peer = 1024;
		conf->host[i].smc.rmb_size = conf->host[i].smc.sndbuf_size = SMC_BUF_MIN;
	}
}

/* All at once: one makes the group, the others wait for it. */
static void many__share_one_group(void)
{
	struct pair_conf conf;

	for (unsigned roce = 0; roce < 2; roce++) {
		crowd(&conf);
		conf.roce = roce;
		run_many(&conf, 100, 20000, 100);
		CU_ASSERT_EQUAL(pair_stats(&pair, 0)->lgrs_created, 1);
		CU_ASSERT_EQUAL(pair_stats(&pair, 1)->lgrs_created, 1);
		stop_well();
	}
}

/* The first group takes longer than the others wait for it: one of them makes another, not each its own. */
static void many__slow_group_and_quota(void)
{
	struct pair_conf conf;

	crowd(&conf);
	conf.roce = true;
	conf.wire.delay_us = 480000; /* a SYN is not repeated yet */
	for (unsigned i = 0; i < 2; i++)
		conf.host[i].smc.lgrs_per_peer = 2;
	pair_start(&pair, &conf);
	pair_connect(&pair, SOCK_TCP, 100, PAIR_CLOSE); /* finds the neighbour's address */
	CU_ASSERT_TRUE(pair_run(&pair, 60 * SECOND));
	for (unsigned i = 0; i < 4; i++)
		pair_connect(&pair, SOCK_SMC, 5000, PAIR_CLOSE);
	CU_ASSERT_TRUE(pair_run(&pair, 300 * SECOND));
	for (unsigned i = 1; i <= 4; i++)
		check_client(&pair.conns[i], SOCK_SMC);
	CU_ASSERT(pair_stats(&pair, 1)->lgrs_created <= 2);
	stop_well();
}

/* From SYN to carried by SMC, so PROPOSAL to ACCEPT all the more: first contact, then
 * 100 at once. */
static void many__answered_within_a_second(void)
{
	for (unsigned roce = 0; roce < 2; roce++) {
		struct pair_conf conf;
		uint64_t longest = 0;

		crowd(&conf);
		conf.roce = roce;
		run_many(&conf, 101, 20000, 100);
		for (unsigned i = 0; i < 101; i++)
			longest = RTE_MAX(longest, pair.conns[i].connected_us - pair.conns[i].begun_us);
		CU_ASSERT(longest > 0 && longest < SECOND);
		stop_well();
	}
}

/* 255 in a group; the next ones are a first contact again. */
static void many__more_than_one_group(void)
{
	struct pair_conf conf;

	crowd(&conf);
	run_many(&conf, 300, 1000, 60);
	CU_ASSERT_EQUAL(pair_stats(&pair, 1)->first_contacts, 2);
	CU_ASSERT_EQUAL(pair_stats(&pair, 1)->reuses, 298);
	stop_well();
}

/* v2.1: the smaller of both limits holds. */
static void many__limit_of_16_agreed_on(void)
{
	struct pair_conf conf;

	crowd(&conf);
	conf.host[0].smc.max_conns = 16;
	run_many(&conf, 40, 1000, 40);
	CU_ASSERT_EQUAL(pair_stats(&pair, 1)->first_contacts, 3);
	stop_well();
}

static void wire__bad_with_roce(void)
{
	static const struct { const char *name; struct sim_wire wire; } wires[] = {
		{ "loss 1 %", { .delay_us = 100, .loss_ppm = 10000 } },
		{ "loss 5 %", { .delay_us = 100, .loss_ppm = 50000 } },
		{ "duplicates", { .delay_us = 100, .dup_ppm = 50000 } },
		{ "reordering", { .delay_us = 100, .reorder_ppm = 50000, .reorder_us = 300 } },
		{ "corruption", { .delay_us = 100, .corrupt_ppm = 20000 } },
		{ "all", { .delay_us = 200, .loss_ppm = 20000, .dup_ppm = 20000, .corrupt_ppm = 10000,
			   .reorder_ppm = 20000, .reorder_us = 500 } },
	};

	for (unsigned i = 0; i < RTE_DIM(wires); i++)
		for (uint64_t seed = 1; seed <= 3; seed++) {
			struct pair_conf conf;
			unsigned smc = 0;

			pair_defaults(&conf);
			conf.roce = true;
			conf.seed = seed * 1000 + i;
			conf.wire = wires[i].wire;
			pair_start(&pair, &conf);
			for (unsigned k = 0; k < 8; k++)
				pair_connect(&pair, SOCK_SMC, 100000 + k, k % 2 == 0 ? PAIR_CLOSE : PAIR_HALF);
			CU_ASSERT_TRUE(pair_run(&pair, 300 * SECOND));
			for (unsigned k = 0; k < 8; k++) {
				CU_ASSERT_EQUAL(pair.conns[k].got, pair.conns[k].total);
				CU_ASSERT_EQUAL(pair.conns[k].error, 0);
				smc += pair.conns[k].transport == SOCK_SMC;
			}
			/* A SYN with the option may be lost twice; the rest is SMC. */
			CU_ASSERT_TRUE(smc >= 6);
			stop_well();
			if (pair.failure[0] != '\0')
				printf("%s, seed %u\n", wires[i].name, (unsigned)seed);
		}
}

/* Buffers sent from where they lie go again when packets are lost: none may be freed before the peer
 * has it all, each is once. */
static void give__bad_wire_with_roce(void)
{
	static const struct sim_wire wires[] = {
		{ .delay_us = 100, .loss_ppm = 50000 },
		{ .delay_us = 200, .loss_ppm = 30000, .dup_ppm = 50000, .reorder_ppm = 50000, .reorder_us = 500 },
	};

	for (unsigned i = 0; i < 2 * RTE_DIM(wires); i++) {
		struct pair_conf conf;

		pair_defaults(&conf);
		conf.roce = conf.give = true;
		conf.seed = 77 + i;
		conf.wire = wires[i / 2];
		pair_start(&pair, &conf);
		for (unsigned k = 0; k < 3; k++)
			pair_connect(&pair, SOCK_SMC, 200000 + k, k % 2 == 0 ? PAIR_CLOSE : PAIR_HALF);
		CU_ASSERT_TRUE(pair_run(&pair, 300 * SECOND));
		for (unsigned k = 0; k < 3; k++) {
			CU_ASSERT_EQUAL(pair.conns[k].got, pair.conns[k].total);
			CU_ASSERT_EQUAL(pair.conns[k].error, 0);
		}
		CU_ASSERT_TRUE(pair_stats(&pair, 0)->given > 40);
		stop_well();
	}
}

/* Aborted or closed after k steps of time, with buffers queued and under way. */
static void give__ends_at_any_time(void)
{
	for (unsigned steps = 10; steps < 60; steps++) {
		struct pair_conf conf;
		struct pair_conn *c;

		pair_defaults(&conf);
		conf.roce = conf.give = true;
		conf.seed = steps;
		conf.wire.loss_ppm = 50000;
		pair_start(&pair, &conf);
		c = pair_connect(&pair, SOCK_SMC, 300000, PAIR_CLOSE);
		sim_settle(pair.sim);
		for (unsigned i = 0; i < 2 * steps && c->s != NULL; i++)
			sim_step(pair.sim, sim_now(pair.sim) + SECOND);
		if (c->s != NULL) {
			struct sock *s = c->s;

			c->s = NULL;
			(steps % 2 == 0 ? sock_abort : sock_close)(s);
		}
		pair_run(&pair, 60 * SECOND);
		stop_well();
	}
}

/* The client closes or aborts after k steps of time, whatever is under way then. */
static void user__ends_at_any_time(void)
{
	for (unsigned roce = 0; roce < 2; roce++)
		for (unsigned abortive = 0; abortive < 2; abortive++)
			for (unsigned steps = 0; steps < 40; steps++) {
				struct pair_conf conf;
				struct pair_conn *c;

				pair_defaults(&conf);
				conf.roce = roce;
				pair_start(&pair, &conf);
				c = pair_connect(&pair, SOCK_SMC, 100000, PAIR_CLOSE);
				sim_settle(pair.sim);
				for (unsigned i = 0; i < steps && c->s != NULL; i++)
					sim_step(pair.sim, sim_now(pair.sim) + SECOND);
				if (c->s != NULL) {
					struct sock *s = c->s;

					c->s = NULL;
					(abortive ? sock_abort : sock_close)(s);
				}
				pair_run(&pair, 60 * SECOND);
				stop_well();
				if (pair.failure[0] != '\0')
					printf("after %u steps, abort %u, roce %u\n", steps, abortive, roce);
			}
}

/* Likewise the server stops listening, and aborts what is there. */
static void server__ends_at_any_time(void)
{
	for (unsigned steps = 0; steps < 40; steps++) {
		struct pair_conf conf;

		pair_defaults(&conf);
		pair_start(&pair, &conf);
		for (unsigned i = 0; i < 3; i++)
			pair_connect(&pair, SOCK_SMC, 100000, PAIR_CLOSE);
		sim_settle(pair.sim);
		for (unsigned i = 0; i < steps; i++)
			sim_step(pair.sim, sim_now(pair.sim) + SECOND);
		sock_unlisten(pair.l);
		sock_listener_abort(pair.l);
		pair_run(&pair, 200 * SECOND);
		stop_well();
		if (pair.failure[0] != '\0')
			printf("after %u steps\n", steps);
	}
}

static unsigned pulled; /* of which host */

static void pull(struct pair *p, struct pair_conn *c)
{
	if (c->got > 300000)
		mem_unplug(sim_smc_dev(p->h[pulled]));
}

/* RDMA goes while data flows: connections die, new ones are TCP at once. */
static void device__pulled_under_load(void)
{
	for (pulled = 0; pulled < 2; pulled++) {
		struct pair_conf conf;
		struct pair_conn *c;
		unsigned died = 0;

		pair_defaults(&conf);
		conf.sndbuf = 262144; /* of TCP: its five may not use up the buffers of both hosts */
		pair_start(&pair, &conf);
		pair.progress = pull;
		for (unsigned i = 0; i < 5; i++)
			pair_connect(&pair, SOCK_SMC, 5000000, PAIR_CLOSE);
		CU_ASSERT_TRUE(pair_run(&pair, 200 * SECOND));
		for (unsigned i = 0; i < 5; i++)
			died += pair.conns[i].transport == SOCK_SMC && pair.conns[i].error != 0;
		CU_ASSERT_TRUE(died >= 1); /* the others may have been in their handshake */
		pair.progress = NULL;
		c = pair_connect(&pair, SOCK_SMC, 1000, PAIR_CLOSE);
		CU_ASSERT_TRUE(pair_run(&pair, 60 * SECOND));
		check_client(c, SOCK_TCP);
		stop_well();
	}
}

static const struct test_case cases[] = {
	TEST_CASE(echo__first_contact_and_reuse),
	TEST_CASE(echo__every_ring_size),
	TEST_CASE(many__share_one_group),
	TEST_CASE(many__slow_group_and_quota),
	TEST_CASE(many__answered_within_a_second),
	TEST_CASE(many__more_than_one_group),
	TEST_CASE(many__limit_of_16_agreed_on),
	TEST_CASE(wire__bad_with_roce),
	TEST_CASE(give__bad_wire_with_roce),
	TEST_CASE(give__ends_at_any_time),
	TEST_CASE(user__ends_at_any_time),
	TEST_CASE(server__ends_at_any_time),
	TEST_CASE(device__pulled_under_load),
};

int main(int argc, char **argv)
{
	test_eal_init();
	return test_run("smc-pair", cases, RTE_DIM(cases), argc > 1 ? argv[1] : NULL);
}
