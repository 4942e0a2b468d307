/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "app/config/field.h"

/* Digits only, no sign, no leading zero (which others read as octal). */
static int
parse_number(const char *s, size_t len, unsigned max, unsigned *out)
{
	unsigned v = 0;

	if (len == 0 || len > 5 || (len > 1 && s[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		v = v * 10 + (s[i] - '0');
	}
	if (v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int
parse_ipv4_n(const char *s, size_t len, struct net_addr *out)
{
	char buf[INET_ADDRSTRLEN];
	struct in_addr in;

	if (len >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, s, len);
	buf[len] = '\0';
	if (inet_pton(AF_INET, buf, &in) != 1)
		return -EINVAL;
	*out = net_addr_v4(in.s_addr);
	return 0;
}

/* "::1", "fe80::1/64", "[::1]:80": worth an answer of their own. */
static bool
looks_like_ipv6(const char *s)
{
	const char *colon = strchr(s, ':');

	return s[0] == '[' || (colon != NULL && strchr(colon + 1, ':') != NULL);
}

int
cfg_parse_ipv4(const char *s, struct net_addr *out)
{
	if (looks_like_ipv6(s))
		return -EAFNOSUPPORT;
	return parse_ipv4_n(s, strlen(s), out);
}

int
cfg_parse_prefix(const char *s, struct cfg_prefix *out)
{
	const char *slash = strchr(s, '/');
	unsigned len;
	int rc;

	if (looks_like_ipv6(s))
		return -EAFNOSUPPORT;
	if (slash == NULL)
		return -EINVAL;
	rc = parse_number(slash + 1, strlen(slash + 1), 32, &len);
	if (rc == 0)
		rc = parse_ipv4_n(s, slash - s, &out->addr);
	if (rc == 0)
		out->len = len;
	return rc;
}

int
cfg_parse_endpoint(const char *s, struct cfg_endpoint *out)
{
	const char *colon = strchr(s, ':');
	unsigned port;
	int rc;

	if (looks_like_ipv6(s))
		return -EAFNOSUPPORT;
	if (colon == NULL)
		return -EINVAL;
	rc = parse_number(colon + 1, strlen(colon + 1), UINT16_MAX, &port);
	if (rc == 0 && port == 0)
		rc = -EINVAL;
	if (rc == 0)
		rc = parse_ipv4_n(s, colon - s, &out->addr);
	if (rc == 0)
		out->port = port;
	return rc;
}

int
cfg_parse_mac(const char *s, struct rte_ether_addr *out)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	struct rte_ether_addr mac;

	/* rte_ether_unformat_addr() takes other notations too; one is enough. */
	if (strlen(s) != 17)
		return -EINVAL;
	for (unsigned i = 0; i < 17; i++) {
		if (i % 3 == 2 ? s[i] != ':' : strchr(digits, s[i]) == NULL)
			return -EINVAL;
	}
	for (unsigned i = 0; i < RTE_ETHER_ADDR_LEN; i++) {
		unsigned v = 0;

		for (unsigned j = 0; j < 2; j++) {
			unsigned d = strchr(digits, s[3 * i + j]) - digits;

			v = v << 4 | (d > 15 ? d - 6 : d);
		}
		mac.addr_bytes[i] = v;
	}
	if (!rte_is_valid_assigned_ether_addr(&mac))
		return -EINVAL;
	*out = mac;
	return 0;
}

const char *
cfg_prefix_str(const struct cfg_prefix *p, char *buf)
{
	const uint8_t *b = p->addr.b + 12;

	snprintf(buf, NET_ADDR_STRLEN, "%u.%u.%u.%u/%u", b[0], b[1], b[2], b[3], p->len);
	return buf;
}

const char *
cfg_endpoint_str(const struct cfg_endpoint *e, char *buf)
{
	const uint8_t *b = e->addr.b + 12;

	snprintf(buf, NET_ADDR_STRLEN, "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3], e->port);
	return buf;
}
