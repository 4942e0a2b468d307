/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's SMC sockets, by sock_diag. */
#ifndef GUEST_DIAG_H
#define GUEST_DIAG_H

#include <linux/inet_diag.h>
#include <linux/smc_diag.h>
#include <stdbool.h>
#include <stdio.h>

struct diag_socket {
	struct smc_diag_msg msg;
	struct smc_diag_conninfo conn; /* valid with has_conn: SMC is spoken */
	struct smc_diag_lgrinfo group; /* valid with has_group */
	struct smc_diag_fallback fallback;
	bool has_conn, has_group, has_fallback;
};

/* Calls visit for every SMC socket of this network namespace; 0 or a negative errno. */
int diag_walk(void (*visit)(const struct diag_socket *s, void *arg), void *arg);

/* "mode=SMC-R ..." or "mode=TCP fallback=0x... peer=0x...", without a newline. */
void diag_print(const struct diag_socket *s, FILE *to);

/* The same of one of our own sockets; "mode=none" when it is not an SMC socket. */
void diag_print_fd(int fd, FILE *to);

#endif
