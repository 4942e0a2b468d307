/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive offloads switched while the port runs: what QEMU's card and the tap behind it then do. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/vnic.h"
#include "tests/qtest/net.h"

#define CSUM (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)
#define PORT 9999

struct datagram {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
} __rte_packed __rte_aligned(2);

/* The kernel sends a datagram to our first address. */
static bool kernel_sends(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT),
					.sin_addr.s_addr = htonl(NET_OUR_IP) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char data[300];
	bool ok;

	memset(data, 0x5a, sizeof(data));
	ok = fd >= 0 && sendto(fd, data, sizeof(data), 0, (const struct sockaddr *)&to, sizeof(to)) == sizeof(data);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool is_ours(const struct rte_mbuf *m)
{
	const struct datagram *d = rte_pktmbuf_mtod(m, const struct datagram *);

	return m->data_len >= sizeof(*d) && d->eth.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
	       d->ip.next_proto_id == IPPROTO_UDP && d->udp.dst_port == rte_cpu_to_be_16(PORT);
}

/* Is it as told: with a partial checksum that the card says is to be completed, or with a good one? */
static bool is_as_told(const struct rte_mbuf *m, bool partial)
{
	const struct datagram *d = rte_pktmbuf_mtod(m, const struct datagram *);
	bool good = rte_ipv4_udptcp_cksum_verify(&d->ip, &d->udp) == 0;
	uint64_t flags = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	return partial ? flags == RTE_MBUF_F_RX_L4_CKSUM_NONE && !good : flags == 0 && good;
}

static bool comes(bool partial)
{
	uint64_t end = clock_now_ms() + NET_PATIENCE_MS;
	struct rte_mbuf *m;
	int found = -1;

	if (!kernel_sends())
		return false;
	while (found < 0 && clock_now_ms() < end) {
		if (rte_eth_rx_burst(net.port, 0, &m, 1) == 0)
			continue;
		if (is_ours(m))
			found = is_as_told(m, partial);
		rte_pktmbuf_free(m);
	}
	return found == 1;
}

void steps_offload(void)
{
	uint64_t got = 0;
	int rc = rte_eth_dev_stop(net.port);

	if (rc == 0)
		rc = net_setup(1, 64, CSUM, false);
	step(rc == 0 && net_resolve() && net_pings(4), "one pair with receive checksums");
	if (rc != 0)
		return;
	step(comes(true), "a datagram of the kernel's with a checksum that is still to be made");
	step(vnic_rx_offloads_set(net.port, 0) == 0 && comes(false), "offloads off: the same with a checksum");
	step(rte_eth_dev_stop(net.port) == 0 && rte_eth_dev_start(net.port) == 0 && net_resolve() && comes(false),
	     "the same after a start");
	step(vnic_rx_offloads_set(net.port, CSUM) == 0 && comes(true), "offloads on again");
	step(vnic_rx_offloads_set(net.port, CSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO) == -EINVAL &&
	     vnic_rx_offloads_get(net.port, &got) == 0 && got == CSUM, "what was not configured is refused");
}
