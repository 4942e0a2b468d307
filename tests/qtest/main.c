/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our driver against QEMU's virtio-net-pci without a guest: this process is the
 * machine's processor (qtest), and the machine's memory is an arena of ours.
 *
 *	qtest_net [CASE...] -- QEMU ARGUMENT...
 *
 * In QEMU's arguments @RAM@ stands for the file of the memory, @SIZE@ for its
 * octets, @SOCKET@ for the qtest socket. The other end of the netdev has to be
 * a kernel's interface at 10.9.0.1/24 that answers ARP and ping.
 * Prints a line for each step; exit status 0 when all held.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dev_driver.h>
#include <rte_arp.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_malloc.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"
#include "pmd/virtio/devargs.h"
#include "tests/qtest/qtest.h"

#define RAM_LEN    (64u << 20)
#define LOW_LEN    (1u << 20)  /* BIOS and its like: not for us */
#define N_MBUFS    2048u
#define ROOM       (RTE_PKTMBUF_HEADROOM + 2048u)
#define QUEUES     2
#define OUR_IP     RTE_IPV4(10, 9, 0, 2)
#define THEIR_IP   RTE_IPV4(10, 9, 0, 1)

static struct arena *ram;
static struct qtest machine;
static struct vnic_pci pci = { .regs = &qtest_regs, .ctx = &machine };
static struct rte_mempool *mp;
static uint16_t port;
static struct rte_ether_addr ours, theirs;
static struct rte_driver driver = { .name = "net_vnic" };
static struct rte_device bus = { .name = "qtest", .driver = &driver };
static pid_t qemu = -1;
static char sock_path[64];
static unsigned failures;

static void step(bool ok, const char *what)
{
	printf("%s %s\n", ok ? "ok    " : "FAILED", what);
	fflush(stdout);
	failures += !ok;
}

/* ---- the machine ------------------------------------------------------------------ */
static char *fill_in(const char *arg)
{
	char ram_path[64], size[16], *out = strdup(arg);
	const struct { const char *mark, *value; } marks[] = {
		{ "@RAM@", ram_path }, { "@SIZE@", size }, { "@SOCKET@", sock_path },
	};

	snprintf(ram_path, sizeof(ram_path), "/proc/%d/fd/%d", getpid(), arena_region(ram)->fd);
	snprintf(size, sizeof(size), "%u", RAM_LEN);
	for (unsigned i = 0; i < RTE_DIM(marks) && out != NULL; i++) {
		char *at = strstr(out, marks[i].mark), *longer = NULL;

		if (at == NULL)
			continue;
		if (asprintf(&longer, "%.*s%s%s", (int)(at - out), out, marks[i].value,
			     at + strlen(marks[i].mark)) < 0)
			longer = NULL;
		free(out);
		out = longer;
	}
	return out;
}

static int start_machine(char **argv)
{
	char *args[64] = { NULL };

	for (unsigned i = 0; argv[i] != NULL && i < RTE_DIM(args) - 1; i++)
		args[i] = fill_in(argv[i]);
	qemu = fork();
	if (qemu == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive us */
		execvp(args[0], args);
		_exit(127);
	}
	for (unsigned i = 0; args[i] != NULL; i++)
		free(args[i]);
	return qemu < 0 ? -errno : qtest_open(&machine, sock_path, 20000);
}

static void stop_machine(void)
{
	qtest_close(&machine);
	if (qemu > 0) {
		kill(qemu, SIGKILL);
		waitpid(qemu, NULL, 0);
	}
	unlink(sock_path);
}

/* ---- the port ---------------------------------------------------------------------- */
/* Buffers whose IO address is where the machine sees them. */
static int make_pool(void)
{
	size_t len = (size_t)N_MBUFS * ROOM;
	struct rte_pktmbuf_extmem ext = { .elt_size = ROOM, .buf_len = len };

	ext.buf_ptr = arena_alloc(ram, len, 4096);
	if (ext.buf_ptr == NULL)
		return -ENOMEM;
	ext.buf_iova = (rte_iova_t)((uint8_t *)ext.buf_ptr - (uint8_t *)arena_region(ram)->addr);
	mp = rte_pktmbuf_pool_create_extbuf("qtest", N_MBUFS, 0, 0, ROOM, SOCKET_ID_ANY, &ext, 1);
	return mp == NULL ? -ENOMEM : 0;
}

static int make_port(void)
{
	struct vnic_dev *d = calloc(1, sizeof(*d));
	struct rte_eth_dev *eth = rte_eth_dev_allocate("net_vnic_qtest");
	char why[128];
	int rc;

	if (d == NULL || eth == NULL)
		return -ENOMEM;
	eth->data->dev_private = rte_zmalloc("vnic", sizeof(struct vnic_dev *), 0);
	eth->device = &bus;
	rc = vnic_args_parse(&d->args, "reply_ms=5000", why, sizeof(why));
	if (rc < 0)
		return rc;
	d->ops = &vnic_pci_ops;
	d->transport = &pci;
	d->transport_flags = VNIC_TRANSPORT_CONFIG | VNIC_TRANSPORT_CTRL;
	d->dma_arena = ram;
	d->dma_offset = -(uint64_t)(uintptr_t)arena_region(ram)->addr;
	snprintf(d->name, sizeof(d->name), "net_vnic_qtest");
	rc = vnic_ethdev_create(eth, d);
	if (rc < 0)
		return rc;
	rte_eth_dev_probing_finish(eth);
	port = eth->data->port_id;
	return 0;
}

static int setup_port(uint16_t queues, uint16_t descriptors)
{
	struct rte_eth_conf conf = { 0 };
	int rc = rte_eth_dev_configure(port, queues, queues, &conf);

	for (uint16_t q = 0; q < queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(port, q, descriptors, SOCKET_ID_ANY, NULL, mp);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port, q, descriptors, SOCKET_ID_ANY, NULL);
	}
	return rc == 0 ? rte_eth_dev_start(port) : rc;
}

/* ---- frames ----------------------------------------------------------------------- */
static struct rte_mbuf *frame(const struct rte_ether_addr *dst, uint16_t type, uint16_t len, void **payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	struct rte_ether_hdr *eth;

	if (m == NULL)
		return NULL;
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*eth) + len));
	memset(eth, 0, sizeof(*eth) + len);
	eth->dst_addr = *dst;
	eth->src_addr = ours;
	eth->ether_type = rte_cpu_to_be_16(type);
	*payload = eth + 1;
	return m;
}

static void send_arp(uint16_t q)
{
	static const struct rte_ether_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct rte_arp_hdr *arp;
	struct rte_mbuf *m = frame(&all, RTE_ETHER_TYPE_ARP, sizeof(*arp), (void **)&arp);

	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = RTE_ETHER_ADDR_LEN;
	arp->arp_plen = 4;
	arp->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);
	arp->arp_data.arp_sha = ours;
	arp->arp_data.arp_sip = rte_cpu_to_be_32(OUR_IP);
	arp->arp_data.arp_tip = rte_cpu_to_be_32(THEIR_IP);
	if (rte_eth_tx_burst(port, q, &m, 1) != 1)
		rte_pktmbuf_free(m);
}

static void send_ping(uint16_t q, uint16_t seq, uint16_t size)
{
	struct { struct rte_ipv4_hdr ip; struct rte_icmp_hdr icmp; } *p;
	uint16_t len = (uint16_t)(sizeof(*p) + size);
	struct rte_mbuf *m = frame(&theirs, RTE_ETHER_TYPE_IPV4, len, (void **)&p);

	p->ip.version_ihl = RTE_IPV4_VHL_DEF;
	p->ip.total_length = rte_cpu_to_be_16(len);
	p->ip.time_to_live = 64;
	p->ip.next_proto_id = IPPROTO_ICMP;
	p->ip.src_addr = rte_cpu_to_be_32(OUR_IP);
	p->ip.dst_addr = rte_cpu_to_be_32(THEIR_IP);
	p->ip.hdr_checksum = rte_ipv4_cksum(&p->ip);
	p->icmp.icmp_type = RTE_IP_ICMP_ECHO_REQUEST;
	p->icmp.icmp_seq_nb = rte_cpu_to_be_16(seq);
	p->icmp.icmp_cksum = (uint16_t)~rte_raw_cksum(&p->icmp, sizeof(p->icmp) + size);
	if (rte_eth_tx_burst(port, q, &m, 1) != 1)
		rte_pktmbuf_free(m);
}

/* A frame to us: ARP tells their address; a ping's answer gives its number. */
static int take_frame(struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_arp_hdr *arp = (const void *)(eth + 1);
	const struct rte_ipv4_hdr *ip = (const void *)(eth + 1);
	const struct rte_icmp_hdr *icmp = (const void *)(ip + 1);

	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP) &&
	    arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY)) {
		theirs = arp->arp_data.arp_sha;
		return -2;
	}
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && ip->next_proto_id == IPPROTO_ICMP &&
	    icmp->icmp_type == RTE_IP_ICMP_ECHO_REPLY)
		return rte_be_to_cpu_16(icmp->icmp_seq_nb);
	return -1;
}

/* Frames until the wanted one came, or ms are over. */
static bool wait_for(uint16_t queues, int want, unsigned ms)
{
	for (unsigned n = 0; n < ms * 10; n++) {
		for (uint16_t q = 0; q < queues; q++) {
			struct rte_mbuf *m;

			while (rte_eth_rx_burst(port, q, &m, 1) == 1) {
				int got = take_frame(m);

				rte_pktmbuf_free(m);
				if (got == want)
					return true;
			}
		}
		usleep(100);
	}
	return false;
}

static bool resolve(uint16_t queues)
{
	for (unsigned n = 0; n < 20; n++) {
		send_arp(0);
		if (wait_for(queues, -2, 500))
			return true;
	}
	return false;
}

/* count echoes over each queue in turn, of growing size; all have to come back. */
static bool pings(uint16_t queues, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		send_ping((uint16_t)(i % queues), (uint16_t)i, (uint16_t)(56 + i * 13 % 1300));
		if (!wait_for(queues, (int)i, 3000))
			return false;
	}
	return true;
}

/* ---- the steps -------------------------------------------------------------------- */
static void control_commands(void)
{
	struct rte_ether_addr other = { { 0x02, 0, 0, 0, 0, 0x77 } };

	step(rte_eth_promiscuous_enable(port) == 0 && rte_eth_promiscuous_get(port) == 1, "promiscuous on");
	step(rte_eth_promiscuous_disable(port) == 0, "promiscuous off");
	step(rte_eth_allmulticast_enable(port) == 0, "all multicast on");
	step(rte_eth_allmulticast_disable(port) == 0, "all multicast off");
	step(rte_eth_dev_mac_addr_add(port, &other, 0) == 0, "second address");
	step(rte_eth_dev_mac_addr_remove(port, &other) == 0, "second address removed");
	step(rte_eth_dev_default_mac_addr_set(port, &other) == 0, "address set");
	ours = other;
	step(resolve(QUEUES) && pings(QUEUES, 4), "traffic with the address set");
}

static void cycles(void)
{
	bool ok = true;

	for (unsigned n = 0; n < 5 && ok; n++) {
		ok = rte_eth_dev_stop(port) == 0 && rte_eth_dev_start(port) == 0 && resolve(QUEUES) &&
		     pings(QUEUES, 2);
	}
	step(ok, "stopped and started five times, traffic each time");
	ok = rte_eth_dev_stop(port) == 0 && setup_port(1, 64) == 0 && resolve(1) && pings(1, 100);
	step(ok, "one pair of 64 descriptors, 100 echoes");
}

static int run(char **argv)
{
	struct rte_eth_link link;
	int rc = start_machine(argv);

	step(rc == 0, "the machine answers");
	if (rc == 0) {
		rc = qtest_find(&machine, VNIC_PCI_VENDOR, VNIC_PCI_NET_MODERN);
		step(rc == 0, "a modern virtio network device on its bus");
	}
	if (rc == 0)
		rc = make_pool();
	if (rc == 0)
		rc = make_port();
	step(rc == 0, "a port of it");
	if (rc < 0)
		return rc;
	rc = setup_port(QUEUES, 256);
	step(rc == 0, "two pairs of queues configured and started");
	if (rc < 0)
		return rc;
	rte_eth_macaddr_get(port, &ours);
	step(rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP, "link up");
	step(resolve(QUEUES), "ARP answered by the kernel");
	step(pings(QUEUES, 50), "50 echoes of 56 to 1300 octets over both pairs");
	control_commands();
	cycles();
	rte_eth_dev_stop(port);
	step(rte_eth_dev_close(port) == 0, "closed");
	step(rte_mempool_in_use_count(mp) == 0, "every buffer back");
	return 0;
}

int main(int argc, char **argv)
{
	char *eal[] = { argv[0], (char *)(uintptr_t)"--no-huge", (char *)(uintptr_t)"--no-pci",
			(char *)(uintptr_t)"--no-shconf", (char *)(uintptr_t)"--no-telemetry",
			(char *)(uintptr_t)"-m64", (char *)(uintptr_t)"--log-level=lib.eal:4", NULL };
	int rc, at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	if (at + 1 >= argc) {
		fprintf(stderr, "usage: qtest_net -- QEMU ARGUMENT...\n");
		return 2;
	}
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return 2;
	snprintf(sock_path, sizeof(sock_path), "/tmp/smcgate-qtest-%d", getpid());
	rc = arena_create(&ram, "ram", RAM_LEN, -1, false);
	if (rc == 0 && arena_alloc(ram, LOW_LEN, 4096) != NULL)
		rc = run(argv + at + 1);
	stop_machine();
	if (rc < 0)
		fprintf(stderr, "qtest_net: %s\n", strerror(-rc));
	rte_eal_cleanup();
	rmdir(rte_eal_get_runtime_dir()); /* empty with --no-shconf */
	return rc < 0 || failures != 0;
}
