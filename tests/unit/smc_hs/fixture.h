/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshake part of proto/smc alone: TCP is a pair of octet strings, groups,
 * links and connections are as little as the handshake sees of them. What takes
 * time there ends when the test says so. A virtual clock.
 */
#ifndef TESTS_UNIT_SMC_HS_FIXTURE_H
#define TESTS_UNIT_SMC_HS_FIXTURE_H

#include <string.h>

#include "proto/smc/handshake_impl.h"
#include "tests/unit/test.h"

struct tcp_conn { /* of the test */
	void *user;
	uint8_t in[2048], out[2048];
	uint32_t in_at, in_len;        /* to be read */
	uint32_t out_at, out_len;      /* not looked at yet, by hx_sent() */
	int error;
	bool full;                     /* takes no octets */
	bool closed, aborted;
};

/* What the handshake waits for. */
enum hx_kind { HX_NOTHING, HX_GROUP, HX_SNDBUF, HX_RMB, HX_RKEY, HX_CONNECT, HX_LINK };

struct hx {
	struct smc_stack ss;
	struct smc_user_ops ops;
	struct wheel wheel;
	uint64_t now_us;
	struct tcp_conn tcp;
	struct smc_conn *c;

	/* what the fakes do */
	struct smc_lgr *existing;      /* smc_lgr_find() */
	uint32_t accept_reason;        /* smc_lgr_find_accept(); 0: the link */
	uint32_t create_reason;
	int rkey_rc;
	bool no_device, no_memory, no_groups;

	/* what they saw */
	struct smc_wait *wait;
	enum hx_kind waits_for;
	struct smc_lgr lgr;
	struct smc_link link;
	struct smc_link_peer connected_to;
	unsigned creates, connects, ended, holds, bufs, rkeys;
	uint8_t created_for[8];
	unsigned decided;
	struct smc_decision last;
	bool active;
	unsigned conn_events;
};
extern struct hx hx;

void hx_open(void (*tweak)(struct smc_config *conf));
/* Nothing is left: handshake, connection, peer references. */
void hx_close(void);
void hx_accept(void);
void hx_connect(void);

/* Our device is switched on or off; on at first. */
void hx_device(bool on);
/* There is a group of the peer's, for smc_lgr_find(). */
void hx_reuse(void);

/* Octets of the peer, and TCP's event. */
void hx_says(const void *octets, size_t len);
/* The thing waited for ends. */
void hx_done(uint32_t reason);
/* All waits up to that kind, successfully. */
void hx_until(enum hx_kind kind);
void hx_advance(uint64_t us);
/* The next CLC message we sent goes to buf; its length, 0: none. */
int hx_sent(uint8_t buf[CLC_MAX_LEN]);
/* It is this DECLINE, and nothing else was sent. */
void hx_declined(uint8_t version, uint32_t diagnosis, bool out_of_sync);
#define HX_DECIDED(how, why, peer_why) do { \
	CU_ASSERT_EQUAL(hx.decided, 1); \
	CU_ASSERT_EQUAL(hx.last.outcome, how); \
	CU_ASSERT_EQUAL(hx.last.reason, (uint32_t)(why)); \
	CU_ASSERT_EQUAL(hx.last.peer_reason, (uint32_t)(peer_why)); \
} while (0)

/* Messages of a peer at 10.0.0.2, release 1, to be changed and sent. */
void hx_proposal(struct clc_proposal *p);
void hx_accept_msg(struct clc_accept *a, bool first_contact);
void hx_confirm_msg(struct clc_accept *a, const struct clc_accept *ours);
void hx_say_proposal(const struct clc_proposal *p);
void hx_say_accept(const struct clc_accept *a);
void hx_say_decline(uint32_t diagnosis, bool out_of_sync);

#endif
