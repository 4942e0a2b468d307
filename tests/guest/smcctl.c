// SPDX-License-Identifier: BSD-3-Clause
/*
 * smcctl: looks at the kernel's SMC and sets it up.
 *
 *   smcctl diag                             every SMC socket
 *   smcctl info|lgr|link|stats|fallback     one line per object, name=value ...
 *   smcctl ueid [add|del EID | flush]       user-defined EIDs
 *   smcctl seid [on|off]                    the system's EID
 *   smcctl pnet add NAME eth INTERFACE | pnet add NAME ib DEVICE PORT | pnet flush
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/smc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "netlink.h"

#define NAMES static const struct netlink_name

NAMES v2_common[] = { { 0, "version", NULL }, { 1, "release", NULL }, { 2, "os", NULL }, { 3, "eid", NULL },
		      { 4, "peer_host", NULL }, { 0, NULL, NULL } };
NAMES v2[] = { { 1, "direct", NULL }, { 2, "max_conns", NULL }, { 3, "max_links", NULL }, { 0, NULL, NULL } };
NAMES lgr[] = { { 1, "id", NULL }, { 2, "role", NULL }, { 3, "type", NULL }, { 4, "pnetid", NULL },
		{ 5, "vlan", NULL }, { 6, "conns", NULL }, { 7, "common", v2_common }, { 8, "v2", v2 },
		{ 9, "net_cookie", NULL }, { 11, "buf_type", NULL }, { 12, "sndbuf_alloc", NULL },
		{ 13, "rmb_alloc", NULL }, { 0, NULL, NULL } };
NAMES link_names[] = { { 1, "id", NULL }, { 2, "dev", NULL }, { 3, "port", NULL }, { 4, "gid", NULL },
		       { 5, "peer_gid", NULL }, { 6, "conns", NULL }, { 7, "ifindex", NULL }, { 8, "uid", NULL },
		       { 9, "peer_uid", NULL }, { 10, "state", NULL }, { 0, NULL, NULL } };
NAMES sys[] = { { 1, "version", NULL }, { 2, "release", NULL }, { 3, "ism_v2", NULL }, { 4, "host", NULL },
		{ 5, "seid", NULL }, { 6, "smcr_v2", NULL }, { 0, NULL, NULL } };
NAMES rmb[] = { { 1, "small_peer", NULL }, { 2, "small", NULL }, { 3, "full_peer", NULL }, { 4, "full", NULL },
		{ 5, "reuse", NULL }, { 6, "alloc", NULL }, { 7, "downgrade", NULL }, { 0, NULL, NULL } };
NAMES sizes[] = { { 1, "8K", NULL }, { 2, "16K", NULL }, { 3, "32K", NULL }, { 4, "64K", NULL }, { 5, "128K", NULL },
		  { 6, "256K", NULL }, { 7, "512K", NULL }, { 8, "1M", NULL }, { 9, "more", NULL },
		  { 0, NULL, NULL } };
NAMES tech[] = { { 1, "tx_rmb_size", sizes }, { 2, "rx_rmb_size", sizes }, { 3, "tx_payload", sizes },
		 { 4, "rx_payload", sizes }, { 5, "tx_rmb", rmb }, { 6, "rx_rmb", rmb }, { 7, "client_v1", NULL },
		 { 8, "client_v2", NULL }, { 9, "server_v1", NULL }, { 10, "server_v2", NULL },
		 { 11, "sendpage", NULL }, { 12, "splice", NULL }, { 13, "cork", NULL }, { 14, "nodelay", NULL },
		 { 15, "urgent", NULL }, { 16, "rx_bytes", NULL }, { 17, "tx_bytes", NULL }, { 18, "rx_calls", NULL },
		 { 19, "tx_calls", NULL }, { 20, "rx_rmb_usage", NULL }, { 21, "tx_rmb_usage", NULL },
		 { 0, NULL, NULL } };
NAMES stats[] = { { 1, "smcd", tech }, { 2, "smcr", tech }, { 3, "client_errors", NULL },
		  { 4, "server_errors", NULL }, { 0, NULL, NULL } };
NAMES fallback[] = { { 1, "type", NULL }, { 2, "server", NULL }, { 3, "client", NULL }, { 4, "reason", NULL },
		     { 5, "count", NULL }, { 0, NULL, NULL } };
NAMES top[] = { { 1, "sys", sys }, { 2, "lgr", lgr }, { 3, "link", link_names }, { 7, "stats", stats },
		{ 8, "fallback", fallback }, { 0, NULL, NULL } };
NAMES ueid[] = { { 1, "eid", NULL }, { 0, NULL, NULL } };
NAMES seid[] = { { 1, "seid", NULL }, { 2, "enabled", NULL }, { 0, NULL, NULL } };

static void print_socket(const struct diag_socket *s, void *arg)
{
	int family = s->msg.diag_family == AF_INET6 ? AF_INET6 : AF_INET;
	char from[INET6_ADDRSTRLEN] = "", to[INET6_ADDRSTRLEN] = "";

	(void)arg;
	inet_ntop(family, s->msg.id.idiag_src, from, sizeof(from));
	inet_ntop(family, s->msg.id.idiag_dst, to, sizeof(to));
	printf("%s:%u %s:%u ", from, ntohs(s->msg.id.idiag_sport), to, ntohs(s->msg.id.idiag_dport));
	diag_print(s, stdout);
	printf("\n");
}

static int command(int family, uint8_t number)
{
	netlink_begin((uint16_t)family, number, NLM_F_ACK);
	return netlink_talk(top);
}

static int dump(int family, uint8_t number, const struct netlink_name *names)
{
	netlink_begin((uint16_t)family, number, NLM_F_DUMP);
	return netlink_talk(names);
}

/* EIDs are padded with blanks to 32 octets. */
static int change_ueid(int family, uint8_t number, const char *eid)
{
	char padded[SMC_MAX_EID_LEN + 1];

	if (eid == NULL || strlen(eid) > SMC_MAX_EID_LEN)
		return -EINVAL;
	snprintf(padded, sizeof(padded), "%-*s", SMC_MAX_EID_LEN, eid);
	netlink_begin((uint16_t)family, number, NLM_F_ACK);
	netlink_put(SMC_NLA_EID_TABLE_ENTRY, padded, sizeof(padded));
	return netlink_talk(top);
}

static int do_ueid(int family, char **args)
{
	if (args[0] == NULL)
		return dump(family, SMC_NETLINK_DUMP_UEID, ueid);
	if (strcmp(args[0], "flush") == 0)
		return command(family, SMC_NETLINK_FLUSH_UEID);
	if (strcmp(args[0], "add") == 0)
		return change_ueid(family, SMC_NETLINK_ADD_UEID, args[1]);
	if (strcmp(args[0], "del") == 0)
		return change_ueid(family, SMC_NETLINK_REMOVE_UEID, args[1]);
	return -EINVAL;
}

static int do_seid(int family, char **args)
{
	if (args[0] == NULL)
		return dump(family, SMC_NETLINK_DUMP_SEID, seid);
	if (strcmp(args[0], "on") == 0)
		return command(family, SMC_NETLINK_ENABLE_SEID);
	if (strcmp(args[0], "off") == 0)
		return command(family, SMC_NETLINK_DISABLE_SEID);
	return -EINVAL;
}

static int do_pnet(int family, char **args)
{
	uint8_t port;

	if (args[0] != NULL && strcmp(args[0], "flush") == 0)
		return command(family, SMC_PNETID_FLUSH);
	if (args[0] == NULL || strcmp(args[0], "add") != 0 || args[1] == NULL || args[2] == NULL || args[3] == NULL)
		return -EINVAL;
	netlink_begin((uint16_t)family, SMC_PNETID_ADD, NLM_F_ACK);
	netlink_put(SMC_PNETID_NAME, args[1], strlen(args[1]) + 1);
	if (strcmp(args[2], "eth") == 0) {
		netlink_put(SMC_PNETID_ETHNAME, args[3], strlen(args[3]) + 1);
	} else {
		port = args[4] != NULL ? (uint8_t)atoi(args[4]) : 1;
		netlink_put(SMC_PNETID_IBNAME, args[3], strlen(args[3]) + 1);
		netlink_put(SMC_PNETID_IBPORT, &port, sizeof(port));
	}
	return netlink_talk(top);
}

static int run(const char *what, char **args)
{
	static const struct {
		const char *name;
		uint8_t number;
	} dumps[] = {
		{ "info", SMC_NETLINK_GET_SYS_INFO },	    { "lgr", SMC_NETLINK_GET_LGR_SMCR },
		{ "link", SMC_NETLINK_GET_LINK_SMCR },	    { "stats", SMC_NETLINK_GET_STATS },
		{ "fallback", SMC_NETLINK_GET_FBACK_STATS },
	};
	int family;

	if (strcmp(what, "diag") == 0)
		return diag_walk(print_socket, NULL);
	family = netlink_family(strcmp(what, "pnet") == 0 ? SMCR_GENL_FAMILY_NAME : SMC_GENL_FAMILY_NAME);
	if (family < 0)
		return family;
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		if (strcmp(what, dumps[i].name) == 0)
			return dump(family, dumps[i].number, top);
	}
	if (strcmp(what, "ueid") == 0)
		return do_ueid(family, args);
	if (strcmp(what, "seid") == 0)
		return do_seid(family, args);
	return strcmp(what, "pnet") == 0 ? do_pnet(family, args) : -EINVAL;
}

int main(int argc, char **argv)
{
	int rc = argc > 1 ? run(argv[1], argv + 2) : -EINVAL;

	if (rc != 0)
		fprintf(stderr, "smcctl: %s\n", strerror(-rc));
	return rc != 0;
}
