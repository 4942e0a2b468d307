// SPDX-License-Identifier: BSD-3-Clause
/*
 * A library for LD_PRELOAD (see smcrun): the TCP sockets a program opens become
 * AF_SMC sockets, whose protocol says the family below (0 IPv4, 1 IPv6), or with
 * SMCRUN_INET in the environment sockets of their family with protocol IPPROTO_SMC.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "smc_sockets.h"

typedef int socket_call(int, int, int);

int socket(int domain, int type, int protocol)
{
	static socket_call *next;
	bool tcp = (type & 0xf) == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP);

	if (next == NULL)
		next = (socket_call *)dlsym(RTLD_NEXT, "socket");
	if (!tcp || (domain != AF_INET && domain != AF_INET6))
		return next(domain, type, protocol);
	if (getenv("SMCRUN_INET") != NULL)
		return next(domain, type, IPPROTO_SMC);
	return next(AF_SMC, type, domain == AF_INET6);
}
