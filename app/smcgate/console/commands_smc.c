/* SPDX-License-Identifier: BSD-3-Clause */
/* SMC: EIDs, policies, peers, devices, link groups. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/console/console_impl.h"
#include "app/smcgate/view/smc.h"

/* ---- EIDs ---------------------------------------------------------------------- */
static int run_ueid_add(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	const char *why = config_bad_eid(argv[0]);
	int rc;

	if (why != NULL)
		return view_fail(err, -EINVAL, "smc ueid add: found '%s': %s", argv[0], why);
	rc = pipeline_smc_eid_add(c->pl, argv[0]);
	if (rc == -EEXIST)
		return view_fail(err, rc, "smc ueid add: %s is one of ours already", argv[0]);
	if (rc == -ENOSPC)
		return view_fail(err, rc, "smc ueid add: there are %d already: delete one", SMC_MAX_EIDS);
	return rc < 0 ? view_smc_failed(err, rc, "smc ueid add") : 0;
}

static int run_ueid_del(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	int rc = pipeline_smc_eid_del(c->pl, argv[0]);

	if (rc == -ENOENT)
		return view_fail(err, rc, "smc ueid del: found '%s', which is none of ours (show smc ueids)", argv[0]);
	return rc < 0 ? view_smc_failed(err, rc, "smc ueid del") : 0;
}

static int list_view(struct console *c, const char *words, FILE *out, struct view_error *err)
{
	const struct view *v = view_find(words);
	struct view_ctx ctx = { .pl = c->pl };
	json_t *j = NULL;
	int rc = view_build(v, &ctx, 0, NULL, &j, err);

	if (rc == 0)
		view_render(v, j, out);
	json_decref(j);
	return rc;
}

static int run_ueid_list(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	return list_view(c, "smc ueids", out, err);
}

/* ---- policies -------------------------------------------------------------------- */
/* Words of KEY=VALUE; peer=, port=, service=, at= and, required, use=. */
struct policy_args {
	struct smc_policy p;
	uint64_t at;
	bool has_use;
	unsigned given;                /* bits of policy_keys[] */
};

static const char *const policy_keys[] = { "peer", "port", "service", "at", "use" };

static int parse_use(struct policy_args *a, const char *value, struct view_error *err)
{
	for (const struct cfg_enum *e = config_use_names; e->name != NULL; e++) {
		if (strcmp(e->name, value) != 0)
			continue;
		a->p.smc = e->value == CONFIG_USE_SMC;
		a->has_use = true;
		return 0;
	}
	return view_fail(err, -EINVAL, "use: found '%s', allowed tcp, smc", value);
}

static int parse_peer(struct policy_args *a, const char *value, struct view_error *err)
{
	struct cfg_prefix peer;
	uint32_t host;

	if (cfg_parse_prefix(value, &peer) < 0) {
		peer.len = 32;
		if (cfg_parse_ipv4(value, &peer.addr) < 0)
			return view_fail(err, -EINVAL, "peer: found '%s', allowed A.B.C.D or A.B.C.D/LEN", value);
	}
	host = peer.len >= 32 ? 0 : UINT32_MAX >> peer.len;
	if ((rte_be_to_cpu_32(peer.addr.v4) & host) != 0)
		return view_fail(err, -EINVAL, "peer: found '%s': bits beyond the prefix are set", value);
	a->p.peer = peer.addr;
	a->p.prefix_len = peer.len;
	return 0;
}

static int parse_policy_key(struct console *c, struct policy_args *a, const char *key, const char *value,
			    struct view_error *err)
{
	uint64_t v = 0;
	int rc;

	if (strcmp(key, "peer") == 0)
		return parse_peer(a, value, err);
	if (strcmp(key, "use") == 0)
		return parse_use(a, value, err);
	if (strcmp(key, "at") == 0)
		return view_number(value, "at", 0, SMC_MAX_POLICIES - 1, &a->at, err);
	if (strcmp(key, "port") == 0) {
		rc = view_number(value, "port", 1, 65535, &v, err);
		a->p.port = (uint16_t)v;
		return rc;
	}
	if (strcmp(key, "service") != 0)
		return view_fail(err, -EINVAL, "smc policy add: found '%s=', allowed peer=, port=, service=, at=, use=",
				 key);
	if (pipeline_service_find(c->pl, value) < 0)
		return view_fail(err, -ENOENT, "service: found '%s', which is none of those running (show services)",
				 value);
	snprintf(a->p.service, sizeof(a->p.service), "%s", value);
	return 0;
}

static int given_once(struct policy_args *a, const char *key, struct view_error *err)
{
	for (unsigned i = 0; i < RTE_DIM(policy_keys); i++) {
		if (strcmp(key, policy_keys[i]) != 0)
			continue;
		if (a->given & 1u << i)
			return view_fail(err, -EINVAL, "smc policy add: %s= is given twice", key);
		a->given |= 1u << i;
	}
	return 0;
}

static int parse_policy(struct console *c, const char *text, struct policy_args *a, struct view_error *err)
{
	char *copy = strdup(text), *save = NULL;
	int rc = copy == NULL ? view_failed(err, -ENOMEM, "smc policy add") : 0;

	for (char *w = copy == NULL ? NULL : strtok_r(copy, " \t", &save); w != NULL && rc == 0;
	     w = strtok_r(NULL, " \t", &save)) {
		char *eq = strchr(w, '=');

		if (eq == NULL) {
			rc = view_fail(err, -EINVAL, "smc policy add: found '%s', allowed KEY=VALUE", w);
			break;
		}
		*eq = '\0';
		rc = given_once(a, w, err);
		if (rc == 0)
			rc = parse_policy_key(c, a, w, eq + 1, err);
	}
	free(copy);
	if (rc == 0 && !a->has_use)
		rc = view_fail(err, -EINVAL, "smc policy add: use=tcp or use=smc is missing");
	return rc;
}

static int run_policy_add(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			  struct view_error *err)
{
	struct policy_args a = { .at = SMC_MAX_POLICIES };
	int rc = parse_policy(c, argv[0], &a, err);

	if (rc < 0)
		return rc;
	rc = pipeline_smc_policy_add(c->pl, &a.p, (unsigned)a.at);
	if (rc == -ENOSPC)
		return view_fail(err, rc, "smc policy add: there are %d already: delete one", SMC_MAX_POLICIES);
	return rc < 0 ? view_smc_failed(err, rc, "smc policy add") : 0;
}

static int run_policy_del(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			  struct view_error *err)
{
	uint64_t n;
	int rc = view_number(argv[0], "policy", 0, SMC_MAX_POLICIES - 1, &n, err);

	if (rc < 0)
		return rc;
	rc = pipeline_smc_policy_del(c->pl, (unsigned)n);
	if (rc == -ENOENT)
		return view_fail(err, rc, "smc policy del: there is no number %s (show smc policies)", argv[0]);
	return rc < 0 ? view_smc_failed(err, rc, "smc policy del") : 0;
}

static int run_policy_list(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			   struct view_error *err)
{
	return list_view(c, "smc policies", out, err);
}

/* ---- peers, devices, groups ---------------------------------------------------------- */
static int run_forget(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	struct net_addr addr = { .family = NET_UNSPEC };
	int rc;

	if (strcmp(argv[0], "all") != 0 && cfg_parse_ipv4(argv[0], &addr) < 0)
		return view_fail(err, -EINVAL, "peer: found '%s', allowed A.B.C.D or all", argv[0]);
	rc = pipeline_smc_peer_forget(c->pl, &addr);
	if (rc == -ENOENT)
		return view_fail(err, rc, "smc peer forget: nothing is remembered of %s (show smc peers)", argv[0]);
	return rc < 0 ? view_smc_failed(err, rc, "smc peer forget") : 0;
}

static int run_device(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	int dev = view_smc_device(c->pl, argv[0], err), rc;

	if (dev < 0)
		return dev;
	rc = pipeline_smc_dev_enable(c->pl, (unsigned)dev, strcmp(argv[1], "on") == 0);
	return rc < 0 ? view_smc_failed(err, rc, "smc device") : 0;
}

static int run_terminate(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			 struct view_error *err)
{
	unsigned worker = 0;
	uint32_t id = 0;
	int rc = view_smc_lgr(c->pl, argv[0], &worker, &id, err);

	if (rc < 0)
		return rc;
	rc = pipeline_smc_lgr_terminate(c->pl, worker, id);
	if (rc == -ENOENT)
		return view_fail(err, rc, "smc linkgroup: there is no %s (any more)", argv[0]);
	return rc < 0 ? view_smc_failed(err, rc, "smc linkgroup") : 0;
}

static int run_clear_stats(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			   struct view_error *err)
{
	int rc = pipeline_smc_stats_clear(c->pl);

	return rc < 0 ? view_smc_failed(err, rc, "clear smc stats") : 0;
}

static const char *const on_off[] = { "on", "off", NULL };
static const char *const ends[] = { "terminate", NULL };

const struct command commands_smc[] = {
	{ "smc ueid add", { { .kind = VIEW_ARG_WORD, .name = "EID" } }, run_ueid_add,
	  "a further EID of ours, for connections from now on" },
	{ "smc ueid del", { { .kind = VIEW_ARG_WORD, .name = "EID" } }, run_ueid_del, "take an EID away" },
	{ "smc ueid list", { { .kind = VIEW_ARG_NONE } }, run_ueid_list, "our EIDs" },
	{ "smc policy add", { { .kind = VIEW_ARG_REST, .name = "KEY=VALUE..." } }, run_policy_add,
	  "use=tcp|smc, and whom it is for: peer=ADDR[/LEN], port=, service=; at=NUMBER puts it in front of that one" },
	{ "smc policy del", { { .kind = VIEW_ARG_WORD, .name = "NUMBER" } }, run_policy_del, "take a policy away" },
	{ "smc policy list", { { .kind = VIEW_ARG_NONE } }, run_policy_list, "the policies in their order" },
	{ "smc peer forget", { { .kind = VIEW_ARG_WORD, .name = "ADDR|all" } }, run_forget,
	  "forget that SMC failed with a peer: it is tried again" },
	{ "smc device", { { .kind = VIEW_ARG_WORD, .name = "NAME" },
			  { .kind = VIEW_ARG_CHOICE, .name = "on|off", .choices = on_off } }, run_device,
	  "use an RDMA device and try SMC again, or end all its link groups and use it no more" },
	{ "smc linkgroup", { { .kind = VIEW_ARG_WORD, .name = "ID" },
			     { .kind = VIEW_ARG_CHOICE, .name = "terminate", .choices = ends } }, run_terminate,
	  "end a link group and the connections in it" },
	{ "clear smc stats", { { .kind = VIEW_ARG_NONE } }, run_clear_stats,
	  "set the counters of show smc stats to 0, but for what there is now" },
	{ NULL },
};
