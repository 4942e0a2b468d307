/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

char *net_addr_str(const struct net_addr *a, char *buf)
{
	const char *s = NULL;

	if (a->family == NET_IPV4)
		s = inet_ntop(AF_INET, &a->v4, buf, NET_ADDR_STRLEN);
	else if (a->family == NET_IPV6)
		s = inet_ntop(AF_INET6, a->b, buf, NET_ADDR_STRLEN);
	if (s == NULL)
		snprintf(buf, NET_ADDR_STRLEN, "*");
	return buf;
}

char *net_endpoint_str(const struct net_addr *a, rte_be16_t port, char *buf)
{
	char host[NET_ADDR_STRLEN];

	net_addr_str(a, host);
	/* INET6_ADDRSTRLEN, brackets, colon and port fit. */
	snprintf(buf, NET_ADDR_STRLEN, a->family == NET_IPV6 ? "[%.46s]:%u" : "%.46s:%u", host,
		 rte_be_to_cpu_16(port));
	return buf;
}
