/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/virtio/devargs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_kvargs.h>

#include "pmd/virtio/dev.h"

enum kind { BOOL, U16, U32, U64, PATH, MAC, STOP };

static const struct arg {
	const char *key;
	enum kind kind;
	size_t off;
	uint64_t min, max, preset;
} known[] = {
#define ARG(name, kind, ...) { #name, kind, offsetof(struct vnic_args, name), ##__VA_ARGS__ }
	ARG(path, PATH),
	ARG(server, BOOL, 0, 1, 0),
	ARG(queues, U16, 0, VNIC_MAX_PAIRS, 0),
	ARG(queue_size, U16, 0, VRING_SIZE_MAX, 0),
	ARG(packed, BOOL, 0, 1, 1),
	ARG(in_order, BOOL, 0, 1, 1),
	ARG(mrg_rxbuf, BOOL, 0, 1, 1),
	ARG(indirect, BOOL, 0, 1, 1),
	ARG(event_idx, BOOL, 0, 1, 1),
	ARG(vectorized, BOOL, 0, 1, 1),
	ARG(csum, BOOL, 0, 1, 1),
	ARG(tso, BOOL, 0, 1, 1),
	ARG(guest_tso, BOOL, 0, 1, 1),
	ARG(ctrl, BOOL, 0, 1, 1),
	ARG(mac, MAC),
	ARG(mtu, U16, 0, UINT16_MAX, 0),
	ARG(speed, U32, 0, INT32_MAX, 0),
	ARG(connect_ms, U32, 0, 3600000, 10000),
	ARG(reply_ms, U32, 10, 3600000, 5000),
	ARG(stats_ms, U32, 0, 3600000, 1000),
	ARG(ctrl_timeout_ms, U64, 1, VNIC_CTRL_TIMEOUT_MAX_MS, VNIC_CTRL_TIMEOUT_MS),
	ARG(ctrl_start_ms, U32, 0, 3600000, 0),
	{ "ctrl_broken", STOP, offsetof(struct vnic_args, ctrl_go_on), 0, 0, 0 },
#undef ARG
};

static void store(void *at, enum kind kind, uint64_t v)
{
	switch (kind) {
	case BOOL:
	case STOP: *(bool *)at = v != 0; break;
	case U16: *(uint16_t *)at = (uint16_t)v; break;
	case U32: *(uint32_t *)at = (uint32_t)v; break;
	case U64: *(uint64_t *)at = v; break;
	default: break;
	}
}

static bool number(const char *s, uint64_t *out)
{
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, 10);
	return errno == 0 && *end == '\0';
}

static int refuse(char *why, size_t len, const struct arg *a, const char *value)
{
	switch (a->kind) {
	case PATH:
		snprintf(why, len, "%s=%s: a path of 1 to %zu octets", a->key, value,
			 sizeof(((struct vnic_args *)0)->path) - 1);
		break;
	case MAC:
		snprintf(why, len, "%s=%s: a unicast address like 02:00:00:00:00:01", a->key, value);
		break;
	case STOP:
		snprintf(why, len, "%s=%s: stop or go_on", a->key, value);
		break;
	default:
		snprintf(why, len, "%s=%s: a number from %" PRIu64 " to %" PRIu64, a->key, value, a->min, a->max);
	}
	return -EINVAL;
}

/* One value into its place: checked, or refused. */
static int set(struct vnic_args *args, const struct arg *a, const char *value, char *why, size_t len)
{
	void *at = (char *)args + a->off;
	struct rte_ether_addr mac;
	uint64_t v;

	if (a->kind == PATH) {
		if (value[0] == '\0' || strlen(value) >= sizeof(args->path))
			return refuse(why, len, a, value);
		strcpy(at, value);
		return 0;
	}
	if (a->kind == MAC) {
		if (rte_ether_unformat_addr(value, &mac) != 0 || !rte_is_valid_assigned_ether_addr(&mac))
			return refuse(why, len, a, value);
		memcpy(at, &mac, sizeof(mac));
		return 0;
	}
	if (a->kind == STOP) {
		if (strcmp(value, "stop") != 0 && strcmp(value, "go_on") != 0)
			return refuse(why, len, a, value);
		store(at, a->kind, value[0] == 'g');
		return 0;
	}
	if (!number(value, &v) || v < a->min || v > a->max)
		return refuse(why, len, a, value);
	store(at, a->kind, v);
	return 0;
}

static int unknown(const char *key, char *why, size_t len)
{
	int n = snprintf(why, len, "no argument '%s'; there are", key);

	for (unsigned i = 0; i < RTE_DIM(known) && n > 0 && (size_t)n < len; i++)
		n += snprintf(why + n, len - n, " %s", known[i].key);
	return -EINVAL;
}

static int take(struct vnic_args *args, const struct rte_kvargs_pair *pair, uint32_t *seen, char *why, size_t len)
{
	for (unsigned i = 0; i < RTE_DIM(known); i++) {
		if (strcmp(known[i].key, pair->key) != 0)
			continue;
		if (*seen & (1u << i)) {
			snprintf(why, len, "%s is given twice", pair->key);
			return -EINVAL;
		}
		*seen |= 1u << i;
		return set(args, &known[i], pair->value != NULL ? pair->value : "", why, len);
	}
	return unknown(pair->key, why, len);
}

/* What one value alone cannot tell. */
static int agree(const struct vnic_args *args, char *why, size_t len)
{
	if (args->mtu != 0 && args->mtu < VIRTIO_NET_MIN_MTU) {
		snprintf(why, len, "mtu=%u: at least %u, or 0 for the device's", args->mtu, VIRTIO_NET_MIN_MTU);
		return -EINVAL;
	}
	if (args->queue_size != 0 && (args->queue_size < 8 || !rte_is_power_of_2(args->queue_size))) {
		snprintf(why, len, "queue_size=%u: a power of two from 8 to %u, or 0 for the device's",
			 args->queue_size, VRING_SIZE_MAX);
		return -EINVAL;
	}
	return 0;
}

int vnic_args_parse(struct vnic_args *out, const char *text, char *why, size_t len)
{
	struct vnic_args args;
	struct rte_kvargs *kv;
	uint32_t seen = 0;
	int rc = 0;

	static_assert(RTE_DIM(known) <= 32, "bits of seen");
	memset(&args, 0, sizeof(args));
	for (unsigned i = 0; i < RTE_DIM(known); i++)
		store((char *)&args + known[i].off, known[i].kind, known[i].preset);
	why[0] = '\0';
	if (text != NULL && text[0] != '\0') {
		kv = rte_kvargs_parse(text, NULL);
		if (kv == NULL) {
			snprintf(why, len, "'%s' is no list of key=value", text);
			return -EINVAL;
		}
		for (unsigned i = 0; i < kv->count && rc == 0; i++)
			rc = take(&args, &kv->pairs[i], &seen, why, len);
		rte_kvargs_free(kv);
	}
	if (rc == 0)
		rc = agree(&args, why, len);
	if (rc == 0)
		*out = args;
	return rc;
}
