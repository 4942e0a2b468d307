/* SPDX-License-Identifier: BSD-3-Clause */
/* How a port's device spreads flows: `show port N rss reta`, `show port N rss hash key`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>

#include "app/smcgate/view/view.h"

static const struct {
	uint64_t type;
	const char *name;
} types[] = {
	{ RTE_ETH_RSS_IPV4, "ipv4" }, { RTE_ETH_RSS_FRAG_IPV4, "ipv4-frag" }, { RTE_ETH_RSS_NONFRAG_IPV4_TCP, "ipv4-tcp" },
	{ RTE_ETH_RSS_NONFRAG_IPV4_UDP, "ipv4-udp" }, { RTE_ETH_RSS_NONFRAG_IPV4_SCTP, "ipv4-sctp" },
	{ RTE_ETH_RSS_NONFRAG_IPV4_OTHER, "ipv4-other" }, { RTE_ETH_RSS_IPV6, "ipv6" },
	{ RTE_ETH_RSS_FRAG_IPV6, "ipv6-frag" }, { RTE_ETH_RSS_NONFRAG_IPV6_TCP, "ipv6-tcp" },
	{ RTE_ETH_RSS_NONFRAG_IPV6_UDP, "ipv6-udp" }, { RTE_ETH_RSS_NONFRAG_IPV6_SCTP, "ipv6-sctp" },
	{ RTE_ETH_RSS_NONFRAG_IPV6_OTHER, "ipv6-other" },
};

static int ask(const struct view_ctx *ctx, const char *arg, unsigned *port, struct pipeline_rss *rss, struct view_error *err)
{
	unsigned to;
	int rc = view_ports(ctx->pl, arg, false, port, &to, err);

	if (rc < 0)
		return rc;
	rc = pipeline_rss_info(ctx->pl, *port, rss);
	if (rc == -ENODEV)
		return view_fail(err, rc, "port %u: it is closed", *port);
	if (rc == -ENOTSUP)
		return view_fail(err, rc, "port %u: its device does not spread flows by a table of ours: one receive queue, or no "
				 "RSS", *port);
	return rc < 0 ? view_port_failed(err, ctx->pl, *port, rc, "port %u: rss", *port) : 0;
}

/* ---- the table ------------------------------------------------------------------------------- */
/* testpmd's "(0xff,0x1)": a mask for each 64 entries. */
static int parse_masks(const char *s, unsigned groups, uint64_t *mask, struct view_error *err)
{
	const char *at = s;
	unsigned n = 0;
	char *end;

	while (n < groups && (*at == '(' || *at == ',')) {
		if ((n == 0) != (*at == '(') || at[1] < '0' || at[1] > '9')
			break;
		mask[n++] = strtoull(at + 1, &end, 0);
		at = end;
	}
	if (n == 0 || at[0] != ')' || at[1] != '\0')
		return view_fail(err, -EINVAL, "masks: found '%.40s', allowed (MASK[,MASK...]), one for each 64 entries", s);
	return 0;
}

static int check_size(const char *arg, unsigned size, struct view_error *err)
{
	uint64_t given;
	int rc = view_number(arg, "size", 1, PIPELINE_RETA_MAX, &given, err);

	if (rc == 0 && given != size)
		rc = view_fail(err, -EINVAL, "size: found '%s', allowed %u: the device's table has so many entries", arg, size);
	return rc;
}

static int build_reta(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		      struct view_error *err)
{
	uint64_t mask[PIPELINE_RETA_MAX / 64] = { 0 };
	struct pipeline_rss rss;
	json_t *entries;
	unsigned port;
	int rc = ask(ctx, argv[0], &port, &rss, err);

	if (rc == 0 && argc > 1)
		rc = check_size(argv[1], rss.size, err);
	if (rc == 0 && argc > 2)
		rc = parse_masks(argv[2], (rss.size + 63u) / 64, mask, err);
	if (rc < 0)
		return rc;
	entries = json_array();
	for (unsigned i = 0; i < rss.size; i++)
		if (argc <= 2 || (mask[i / 64] >> (i % 64) & 1) != 0)
			json_array_append_new(entries, json_pack("{s:i,s:i}", "hash", (int)i, "queue", (int)rss.queue[i]));
	*out = json_pack("{s:i,s:i,s:s,s:o}", "port", (int)port, "size", (int)rss.size, "set_by",
			 rss.own ? "port config rss reta" : "the lcores that own flows", "entries", entries);
	return 0;
}

/* ---- the hash ---------------------------------------------------------------------------------- */
static int build_hash(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		      struct view_error *err)
{
	char hex[2 * PIPELINE_RSS_KEY_MAX + 1] = "";
	struct pipeline_rss rss;
	json_t *functions;
	unsigned port;
	int rc = ask(ctx, argv[0], &port, &rss, err);

	if (rc < 0)
		return rc;
	functions = json_array();
	for (unsigned i = 0; i < RTE_DIM(types); i++)
		if ((rss.types & types[i].type) != 0)
			json_array_append_new(functions, json_string(types[i].name));
	*out = json_pack("{s:i,s:o}", "port", (int)port, "functions", functions);
	for (unsigned i = 0; i < rss.key_len; i++)
		snprintf(hex + 2 * i, 3, "%02X", rss.key[i]);
	if (argc > 1)
		view_set_str(*out, "key", hex);
	return 0;
}

static const char *const key[] = { "key", NULL };

#define PORT { .kind = VIEW_ARG_PORT, .name = "N" }

const struct view view_rss[] = {
	{ "port rss reta",
	  { PORT, { .kind = VIEW_ARG_WORD, .name = "SIZE", .optional = true },
	    { .kind = VIEW_ARG_WORD, .name = "(MASK,..)", .optional = true } },
	  build_reta, VIEW_TABLE, NULL, "receive queue of each entry of the device's table, as the driver has it; by masks, some" },
	{ "port rss hash", { PORT, { .kind = VIEW_ARG_CHOICE, .name = "key", .optional = true, .choices = key } }, build_hash,
	  VIEW_BLOCKS, NULL, "what the device hashes, and with which key" },
	{ NULL },
};
