/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/tap_open.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "app/vnicd/switch.h"
#include "pmd/virtio/virtio_net.h"

static int
failed(const struct vnicd_config_uplink *conf, const char *what)
{
	int rc = -errno;

	VNICD_LOG(ERR, "%s: interface %s: cannot %s: %s%s", conf->name, conf->tap, what, strerror(-rc),
		  rc == -EPERM || rc == -EACCES ? " (needs root or CAP_NET_ADMIN)" : "");
	return rc;
}

static struct ifreq
named(const struct vnicd_config_uplink *conf)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", conf->tap);
	return r;
}

/* Since Linux 6.2 (if_tun.h); both or none. */
#define OFFLOAD_USO (0x20u | 0x40u)

/* Does this kernel know UDP segments? It takes them then, too, whatever it leaves to us. */
static int
set_offloads(const struct vnicd_config_uplink *conf, int fd, bool *uso)
{
	unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	*uso = ioctl(fd, TUNSETOFFLOAD, tcp | OFFLOAD_USO) == 0;
	if (conf->offloads)
		return *uso ? 0 : ioctl(fd, TUNSETOFFLOAD, tcp);
	return ioctl(fd, TUNSETOFFLOAD, 0);
}

/* One queue; the first makes the interface. The kernel may tell us by an offload
 * header what it has left to do, if we take that. */
static int
open_queue(const struct vnicd_config_uplink *conf, bool *uso)
{
	struct ifreq r = named(conf);
	int len = sizeof(struct vnic_net_hdr), one = 1, rc;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return failed(conf, "open /dev/net/tun");
	r.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (conf->queues > 1)
		r.ifr_flags |= IFF_MULTI_QUEUE;
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		rc = failed(conf, "make it");
	else if (ioctl(fd, TUNSETVNETHDRSZ, &len) < 0 || ioctl(fd, TUNSETVNETLE, &one) < 0)
		rc = failed(conf, "set the header's form");
	else if (set_offloads(conf, fd, uso) < 0)
		rc = failed(conf, "set offloads");
	else
		return fd;
	close(fd);
	return rc;
}

static int
set_up(const struct vnicd_config_uplink *conf, int s)
{
	struct ifreq r = named(conf);

	if (ioctl(s, SIOCGIFFLAGS, &r) < 0)
		return failed(conf, "read its flags");
	r.ifr_flags |= IFF_UP;
	return ioctl(s, SIOCSIFFLAGS, &r) < 0 ? failed(conf, "set it up") : 0;
}

static int
set_address(const struct vnicd_config_uplink *conf, int s)
{
	struct ifreq r = named(conf);

	r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(r.ifr_hwaddr.sa_data, &conf->mac, sizeof(conf->mac));
	return ioctl(s, SIOCSIFHWADDR, &r) < 0 ? failed(conf, "set its address") : 0;
}

static int
configure(const struct vnicd_config_uplink *conf)
{
	struct ifreq r = named(conf);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (s < 0)
		return failed(conf, "open a socket");
	r.ifr_mtu = (int)conf->mtu;
	if (ioctl(s, SIOCSIFMTU, &r) < 0)
		rc = failed(conf, "set its MTU");
	if (rc == 0 && !rte_is_zero_ether_addr(&conf->mac))
		rc = set_address(conf, s);
	if (rc == 0 && conf->up)
		rc = set_up(conf, s);
	close(s);
	return rc;
}

int
vnicd_tap_open(const struct vnicd_config_uplink *conf, int *fds, bool *uso)
{
	unsigned n;
	int rc = 0;

	for (n = 0; n < conf->queues; n++) {
		fds[n] = open_queue(conf, uso);
		if (fds[n] < 0) {
			rc = fds[n];
			break;
		}
	}
	if (rc == 0)
		rc = configure(conf);
	if (rc < 0) {
		while (n > 0)
			close(fds[--n]);
	}
	return rc;
}
