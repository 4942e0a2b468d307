/* SPDX-License-Identifier: BSD-3-Clause */
/* proto/smc without a network, for tests of proto/sock: the test decides how
 * handshakes end. */
#ifndef FAKE_SMC_H
#define FAKE_SMC_H

#include "proto/smc/smc.h"

struct smc_conn {
	void *user;
	struct tcp_conn *tcp;
	uint32_t rcvbuf, sndbuf;
	uint32_t sent;
	bool decided, nodelay;
	const char *end;               /* "closed", "aborted" */
	int error;
};

/* What smc_offer() and smc_answer() say: 0 yes. */
void fake_smc_refuses(uint32_t reason);
void fake_smc_begin_fails(int rc);
/* The newest handshake. */
struct smc_conn *fake_smc_begun(void);
void fake_smc_decide(struct smc_conn *c, const struct smc_decision *d);
void fake_smc_event(struct smc_conn *c, unsigned events, int error);
/* What smc_swallow() answers. */
void fake_smc_swallows(int rc);
/* smc_no_option() calls, and the last reason. */
unsigned fake_smc_no_options(uint32_t *reason);
unsigned fake_smc_tcp_events(void);   /* handed to smc_tcp_event(), or-ed */
unsigned fake_smc_handles(void);      /* not given back */
void fake_smc_reset(void);

#endif
