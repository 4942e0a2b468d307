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

#define NUMBER(type, name) { type, name, NULL, false }
#define TEXT(type, name) { type, name, NULL, true }
#define NEST(type, name, names) { type, name, names, false }
#define END { 0, NULL, NULL, false }

static const struct netlink_name v2_common[] = {
	NUMBER(0, "version"), NUMBER(1, "release"), NUMBER(2, "os"), TEXT(3, "eid"),
	TEXT(4, "peer_host"), END
};
static const struct netlink_name v2[] = {
	NUMBER(1, "direct"), NUMBER(2, "max_conns"), NUMBER(3, "max_links"), END
};
static const struct netlink_name lgr[] = {
	NUMBER(1, "id"), NUMBER(2, "role"), NUMBER(3, "type"), TEXT(4, "pnetid"), NUMBER(5, "vlan"),
	NUMBER(6, "conns"), NEST(7, "common", v2_common), NEST(8, "v2", v2),
	NUMBER(9, "net_cookie"), NUMBER(11, "buf_type"), NUMBER(12, "sndbuf_alloc"),
	NUMBER(13, "rmb_alloc"), END
};
static const struct netlink_name link_names[] = {
	NUMBER(1, "id"), TEXT(2, "dev"), NUMBER(3, "port"), TEXT(4, "gid"), TEXT(5, "peer_gid"),
	NUMBER(6, "conns"), NUMBER(7, "ifindex"), NUMBER(8, "uid"), NUMBER(9, "peer_uid"),
	NUMBER(10, "state"), END
};
static const struct netlink_name sys[] = {
	NUMBER(1, "version"), NUMBER(2, "release"), NUMBER(3, "ism_v2"), TEXT(4, "host"),
	TEXT(5, "seid"), NUMBER(6, "smcr_v2"), END
};
static const struct netlink_name rmb[] = {
	NUMBER(1, "small_peer"), NUMBER(2, "small"), NUMBER(3, "full_peer"), NUMBER(4, "full"),
	NUMBER(5, "reuse"), NUMBER(6, "alloc"), NUMBER(7, "downgrade"), END
};
static const struct netlink_name sizes[] = {
	NUMBER(1, "8K"), NUMBER(2, "16K"), NUMBER(3, "32K"), NUMBER(4, "64K"), NUMBER(5, "128K"),
	NUMBER(6, "256K"), NUMBER(7, "512K"), NUMBER(8, "1M"), NUMBER(9, "more"), END
};
static const struct netlink_name tech[] = {
	NEST(1, "tx_rmb_size", sizes), NEST(2, "rx_rmb_size", sizes), NEST(3, "tx_payload", sizes),
	NEST(4, "rx_payload", sizes), NEST(5, "tx_rmb", rmb), NEST(6, "rx_rmb", rmb),
	NUMBER(7, "client_v1"), NUMBER(8, "client_v2"), NUMBER(9, "server_v1"),
	NUMBER(10, "server_v2"), NUMBER(11, "sendpage"), NUMBER(12, "splice"), NUMBER(13, "cork"),
	NUMBER(14, "nodelay"), NUMBER(15, "urgent"), NUMBER(16, "rx_bytes"), NUMBER(17, "tx_bytes"),
	NUMBER(18, "rx_calls"), NUMBER(19, "tx_calls"), NUMBER(20, "rx_rmb_usage"),
	NUMBER(21, "tx_rmb_usage"), END
};
static const struct netlink_name stats[] = {
	NEST(1, "smcd", tech), NEST(2, "smcr", tech), NUMBER(3, "client_errors"),
	NUMBER(4, "server_errors"), END
};
static const struct netlink_name fallback[] = {
	NUMBER(1, "type"), NUMBER(2, "server"), NUMBER(3, "client"), NUMBER(4, "reason"),
	NUMBER(5, "count"), END
};
static const struct netlink_name top[] = {
	NEST(1, "sys", sys), NEST(2, "lgr", lgr), NEST(3, "link", link_names),
	NEST(7, "stats", stats), NEST(8, "fallback", fallback), END
};
static const struct netlink_name ueid[] = {
	TEXT(1, "eid"), END
};
static const struct netlink_name seid[] = {
	TEXT(1, "seid"), NUMBER(2, "enabled"), END
};

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
