/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our driver against QEMU's virtio-net-pci without a guest: this process is the
 * machine's processor (qtest), and the machine's memory is an arena of ours.
 *
 *	qtest_net [rss] -- QEMU ARGUMENT...
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

#include <rte_eal.h>
#include <rte_ethdev.h>

#include "pmd/base/arena.h"
#include "tests/qtest/net.h"
#include "tests/qtest/qtest.h"

#define RAM_LEN    (64u << 20)
#define LOW_LEN    (1u << 20)  /* BIOS and its like: not for us */
#define PAIRS      2
#define RESETS     400

static struct arena *ram;
static struct qtest machine;
static struct vnic_pci pci = { .regs = &qtest_regs, .ctx = &machine };
static pid_t qemu = -1;
static char sock_path[64];

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

/* ---- the steps ---------------------------------------------------------------------- */
static int find_device(char **argv)
{
	int rc = start_machine(argv);

	step(rc == 0, "the machine answers");
	if (rc == 0) {
		rc = qtest_find(&machine, VNIC_PCI_VENDOR, VNIC_PCI_NET_MODERN);
		step(rc == 0, "a modern virtio network device on its bus");
	}
	if (rc == 0) {
		rc = net_create(ram, &pci);
		step(rc == 0, "a port of it");
	}
	return rc;
}

static int run(bool rss, char **argv)
{
	int rc = find_device(argv);

	if (rc < 0)
		return rc;
	rc = net_setup(PAIRS, 256, rss ? RTE_ETH_RX_OFFLOAD_RSS_HASH : 0, rss);
	step(rc == 0, "two pairs of queues configured and started");
	if (rc < 0)
		return rc;
	steps_first();
	steps_control();
	if (rss) {
		steps_flows();
		steps_rss();
	}
	steps_reset(RESETS);
	steps_restart();
	steps_offload();
	rte_eth_dev_stop(net.port);
	step(rte_eth_dev_close(net.port) == 0, "closed");
	step(rte_mempool_in_use_count(net.mp) == 0, "every buffer back");
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
		fprintf(stderr, "usage: qtest_net [rss] -- QEMU ARGUMENT...\n");
		return 2;
	}
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return 2;
	snprintf(sock_path, sizeof(sock_path), "/tmp/smcgate-qtest-%d", getpid());
	rc = arena_create(&ram, "ram", RAM_LEN, -1, false);
	if (rc == 0 && arena_alloc(ram, LOW_LEN, 4096) != NULL)
		rc = run(at > 1 && strcmp(argv[1], "rss") == 0, argv + at + 1);
	stop_machine();
	if (rc < 0)
		fprintf(stderr, "qtest_net: %s\n", strerror(-rc));
	rte_eal_cleanup();
	rmdir(rte_eal_get_runtime_dir()); /* empty with --no-shconf */
	return rc < 0 || step_failures != 0;
}
