/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of DPDK's virtual devices before they exist. */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/config/tables.h"

/* net_af_packet takes packets of a ring frame (framesz=, 2048 by default)
 * without the kernel's TPACKET2_HDRLEN. */
#define AF_PACKET_FRAME 2048
#define AF_PACKET_HEADER 52

const char *
config_vdev_argument(const char *vdev, const char *key, size_t *len)
{
	size_t key_len = strlen(key);

	for (const char *at = strchr(vdev, ','); at != NULL; at = strchr(at, ',')) {
		at++;
		if (strncmp(at, key, key_len) == 0 && at[key_len] == '=') {
			at += key_len + 1;
			*len = strcspn(at, ",");
			return at;
		}
	}
	return NULL;
}

static bool
is_driver(const struct config_port *p, const char *driver)
{
	return strncmp(p->vdev, driver, strlen(driver)) == 0;
}

/* vdev and device are two ways to name one thing. */
static void
check_name(const struct config_port *p, const char *path, struct cfg_errors *errs)
{
	size_t len = strcspn(p->vdev, ",");

	if (strncmp(p->vdev, p->device, len) != 0 || p->device[len] != '\0')
		cfg_error(errs, path, "found \"%s\", allowed: \"%s\" or \"%s,ARGUMENTS\", after device",
			  p->vdev,
			  p->device, p->device);
}

static void
check_iface(const struct config *cfg, unsigned port, const char *path, struct cfg_errors *errs)
{
	const struct config_port *p = &cfg->ports[port];
	size_t len = 0, other_len;
	const char *iface = config_vdev_argument(p->vdev, "iface", &len), *other;

	if (iface == NULL || (!is_driver(p, "net_tap") && !is_driver(p, "net_af_packet")))
		return;
	if (len == 0 || len >= IFNAMSIZ)
		cfg_error(errs, path, "found iface \"%.*s\", allowed: a name of 1 to %d characters", (int)len,
			  iface,
			  IFNAMSIZ - 1);
	for (unsigned i = 0; i < port; i++) {
		other = config_vdev_argument(cfg->ports[i].vdev, "iface", &other_len);
		if (other != NULL && other_len == len && strncmp(other, iface, len) == 0)
			cfg_error(errs, path, "found iface \"%.*s\", which is that of $.ports[%u]", (int)len,
				  iface, i);
	}
}

/* A back end has one front end. */
static void
check_socket(const struct config *cfg, unsigned port, const char *path, struct cfg_errors *errs)
{
	const struct config_port *p = &cfg->ports[port];
	size_t len = 0, other_len;
	const char *sock = config_vdev_argument(p->vdev, "path", &len), *other;

	if (sock == NULL || !is_driver(p, "net_vnic"))
		return;
	for (unsigned i = 0; i < port; i++) {
		other = config_vdev_argument(cfg->ports[i].vdev, "path", &other_len);
		if (is_driver(&cfg->ports[i], "net_vnic") && other != NULL && other_len == len &&
		    strncmp(other, sock, len) == 0)
			cfg_error(errs, path, "found path \"%.*s\", which is that of $.ports[%u]", (int)len, sock, i);
	}
}

static void
check_mtu(const struct config_port *p, unsigned port, struct cfg_errors *errs)
{
	size_t len = 0;
	const char *framesz = config_vdev_argument(p->vdev, "framesz", &len);
	unsigned long frame = framesz != NULL ? strtoul(framesz, NULL, 10) : AF_PACKET_FRAME;
	char path[40];

	if (!is_driver(p, "net_af_packet") || p->mtu + AF_PACKET_HEADER <= frame)
		return;
	snprintf(path, sizeof(path), "$.ports[%u].mtu", port);
	cfg_error(errs, path, "found %u, allowed: at most %lu with a framesz of %lu in vdev", p->mtu,
		  frame > AF_PACKET_HEADER ? frame - AF_PACKET_HEADER : 0, frame);
}

void
config_check_vdev(const struct config *cfg, unsigned port, struct cfg_errors *errs)
{
	const struct config_port *p = &cfg->ports[port];
	char path[40];

	if (p->vdev[0] == '\0')
		return;
	snprintf(path, sizeof(path), "$.ports[%u].vdev", port);
	check_name(p, path, errs);
	check_iface(cfg, port, path, errs);
	check_socket(cfg, port, path, errs);
	check_mtu(p, port, errs);
}
