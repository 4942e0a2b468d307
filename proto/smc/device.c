/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "proto/smc/link_impl.h"

static void dev_update(struct smc_dev *dev)
{
	dev->enabled = !dev->off && !dev->down && !dev->gone;
}

/* What failed while it was away says nothing about the peers. */
static void dev_came(struct smc_stack *ss, const struct smc_dev *dev)
{
	static const struct net_addr all = { .family = NET_UNSPEC };

	if (dev->enabled)
		smc_peer_forget(ss, &all);
}

void smc_devs_init(struct smc_stack *ss)
{
	ss->n_devs = RTE_MIN(ss->conf.n_devs, (uint8_t)SMC_MAX_DEVS);
	for (unsigned i = 0; i < ss->n_devs; i++) {
		struct smc_dev *dev = &ss->devs[i];
		struct rd_info info;

		memset(dev, 0, sizeof(*dev));
		dev->rd = ss->conf.devs[i].rd;
		dev->ifx = ss->conf.devs[i].ifx;
		rd_query(dev->rd, &info);
		dev->down = !info.up;
		dev->has_path = strcmp(info.provider, "roce") == 0;
		dev_update(dev);
	}
}

static bool has_gid(const struct rd_info *info, const uint8_t gid[16])
{
	for (unsigned i = 0; i < info->n_gids && i < RD_MAX_GIDS; i++) {
		if (memcmp(info->gids[i].b, gid, sizeof(info->gids[i].b)) == 0)
			return true;
	}
	return false;
}

struct smc_dev *smc_dev_find(struct smc_stack *ss, const struct net_addr *laddr, struct rd_gid *gid)
{
	int ifx = net_local_if(ss->net, laddr);

	if (ifx < 0 || laddr->family != NET_IPV4)
		return NULL;
	for (unsigned i = 0; i < ss->n_devs; i++) {
		struct smc_dev *dev = &ss->devs[i];
		struct rd_info info;

		if (!dev->enabled || dev->ifx != ifx)
			continue;
		rd_query(dev->rd, &info);
		if (!has_gid(&info, laddr->b))
			continue;
		memcpy(gid->b, laddr->b, sizeof(gid->b));
		return dev;
	}
	return NULL;
}

/* All links of the device, or those with the GID, are dead. */
static void links_down(struct smc_stack *ss, struct smc_dev *dev, const struct rd_gid *gid)
{
	for (struct smc_lgr *lgr = ss->lgr_list; lgr != NULL; lgr = lgr->next) {
		struct smc_link *l = lgr->links[0];

		if (lgr->dev != dev || (gid != NULL && memcmp(l->gid.b, gid->b, sizeof(gid->b)) != 0))
			continue;
		smc_link_down(l);
		smc_lgr_end(lgr, LLC_DEL_NONE, false);
	}
}

void smc_dev_event(struct smc_stack *ss, struct smc_dev *dev, const struct rd_event *ev)
{
	switch (ev->type) {
	case RD_EV_PORT_UP:
		dev->down = false;
		break;
	case RD_EV_PORT_DOWN:
		dev->down = true;
		links_down(ss, dev, NULL);
		break;
	case RD_EV_GID_GONE:
		links_down(ss, dev, &ev->gid);
		break;
	case RD_EV_DEVICE_GONE:
		dev->gone = true;
		links_down(ss, dev, NULL);
		break;
	case RD_EV_QP_FATAL:
		/* Looked up: the event may be older than the end of the link. */
		for (struct smc_lgr *lgr = ss->lgr_list; lgr != NULL; lgr = lgr->next) {
			if (lgr->links[0] == ev->user)
				smc_link_down(lgr->links[0]);
		}
		break;
	}
	dev_update(dev);
	if (ev->type == RD_EV_PORT_UP)
		dev_came(ss, dev);
	ss->strangers_may = false;
}

int smc_dev_enable(struct smc_stack *ss, unsigned dev, bool on)
{
	struct smc_dev *d;

	if (dev >= ss->n_devs)
		return -ENODEV;
	d = &ss->devs[dev];
	d->off = !on;
	dev_update(d);
	if (on)
		dev_came(ss, d);
	ss->strangers_may = false;
	for (struct smc_lgr *lgr = ss->lgr_list; !on && lgr != NULL; lgr = lgr->next) {
		if (lgr->dev == d)
			smc_lgr_end(lgr, LLC_DEL_OPERATOR, true);
	}
	return 0;
}

unsigned smc_dev_list(struct smc_stack *ss, struct smc_dev_info *out, unsigned max)
{
	unsigned n = RTE_MIN(max, (unsigned)ss->n_devs);

	for (unsigned i = 0; i < n; i++) {
		const struct smc_dev *dev = &ss->devs[i];

		memset(&out[i], 0, sizeof(out[i]));
		rd_query(dev->rd, &out[i].rd);
		rd_counters(dev->rd, &out[i].counters);
		out[i].enabled = dev->enabled;
		out[i].lgrs = dev->lgrs;
		for (const struct smc_lgr *lgr = ss->lgr_list; lgr != NULL; lgr = lgr->next)
			out[i].links += lgr->dev == dev && lgr->links[0]->state == SMC_LINK_ACTIVE;
	}
	return n;
}
