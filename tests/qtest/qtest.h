/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of a PCI device in a QEMU without a guest, over QEMU's qtest
 * socket: a host process is the machine's processor. Slow (0.1 ms an access). Registers may
 * be accessed by several threads. QEMU's pc machine: configuration space by ports 0xcf8
 * and 0xcfc, memory of BARs where we put it.
 */
#ifndef TESTS_QTEST_H
#define TESTS_QTEST_H

#include <pthread.h>
#include <stdint.h>

#include "pmd/virtio/pci.h"

#define QTEST_BARS 6

struct qtest {
	int fd;
	pthread_mutex_t lock;          /* a command and its answer */
	char buf[256];
	unsigned have;
	uint8_t devfn;                 /* of the device found */
	uint64_t bar[QTEST_BARS], bar_len[QTEST_BARS];
	uint64_t accesses;
};

/* Connect to the socket, trying for ms. */
int qtest_open(struct qtest *q, const char *path, unsigned ms);
void qtest_close(struct qtest *q);
/* Find the device on bus 0, give its memory BARs addresses, enable it. -ENODEV. */
int qtest_find(struct qtest *q, uint16_t vendor, uint16_t device);

/* ctx is the struct qtest. */
extern const struct vnic_pci_regs qtest_regs;

#endif
