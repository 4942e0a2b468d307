/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory: `show pools`, `show memory`. */
#include <stdio.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include "app/smcgate/view/view.h"

static json_t *pool_json(unsigned lcore, const struct pipeline_pool_info *p)
{
	json_t *o = json_object();

	view_set_u64(o, "lcore", lcore);
	view_set_str(o, "pool", p->name);
	view_set_int(o, "node", p->node);
	view_set_u64(o, "size", p->size);
	view_set_u64(o, "in_use", p->in_use);
	view_set_real(o, "percent", view_ratio(100.0 * p->in_use, p->size));
	return o;
}

static int build_pools(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	struct pipeline_pool_info pools[PIPELINE_MAX_POOLS];
	const struct config *cfg = pipeline_config(ctx->pl);
	json_t *rows = json_array();

	for (unsigned i = 0; i < pipeline_workers(ctx->pl); i++) {
		int n = pipeline_pool_list(ctx->pl, i, pools);

		if (n < 0) {
			json_decref(rows);
			return view_failed(err, n, "pools of worker %u", i);
		}
		for (int p = 0; p < n && p < PIPELINE_MAX_POOLS; p++)
			json_array_append_new(rows,
					      pool_json(i < cfg->n_lcores ? cfg->lcores[i].lcore : i,
							&pools[p]));
	}
	*out = json_pack("{s:o}", "pools", rows);
	return 0;
}

/* Octets of this process in memory, without its hugepages; 0 when the system
 * does not say. */
static uint64_t resident(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %llu kB", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib * 1024;
}

static int build_memory(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			struct view_error *err)
{
	json_t *heaps = json_array();

	for (unsigned i = 0; i < rte_socket_count(); i++) {
		struct rte_malloc_socket_stats s;
		int node = rte_socket_id_by_idx(i);
		json_t *o;

		if (node < 0 || rte_malloc_get_socket_stats(node, &s) != 0)
			continue;
		o = json_object();
		view_set_int(o, "node", node);
		view_set_u64(o, "heap_bytes", s.heap_totalsz_bytes);
		view_set_u64(o, "used_bytes", s.heap_allocsz_bytes);
		view_set_u64(o, "free_bytes", s.heap_freesz_bytes);
		view_set_u64(o, "largest_free_bytes", s.greatest_free_size);
		json_array_append_new(heaps, o);
	}
	*out = json_pack("{s:I,s:o}", "resident_bytes", (json_int_t)resident(), "heaps", heaps);
	return 0;
}

const struct view view_memory[] = {
	{ "pools", { { 0 } }, build_pools, VIEW_TABLE, NULL, "packet buffers in use, by lcore and pool" },
	{ "memory", { { 0 } }, build_memory, VIEW_TABLE, NULL, "resident memory and DPDK's heaps" },
	{ NULL },
};
