/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/qtest/qtest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MMIO_BASE    0xe0000000u /* between memory and the interrupt controllers */
#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define PCI_ID       0x00
#define PCI_COMMAND  0x04
#define PCI_BAR0     0x10
#define BAR_IS_IO    1u
#define BAR_IS_64    4u
#define COMMAND_MEMORY_AND_MASTER 6u

/* One line of QEMU's into buf, without its end. */
static int read_line(struct qtest *q, char *line, size_t size)
{
	for (;;) {
		char *end = memchr(q->buf, '\n', q->have);
		ssize_t n;

		if (end != NULL) {
			size_t len = (size_t)(end - q->buf);

			snprintf(line, size, "%.*s", (int)len, q->buf);
			q->have -= (unsigned)len + 1;
			memmove(q->buf, end + 1, q->have);
			return 0;
		}
		if (q->have == sizeof(q->buf))
			return -EPROTO;
		n = read(q->fd, q->buf + q->have, sizeof(q->buf) - q->have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EPIPE : -errno;
		q->have += (unsigned)n;
	}
}

/* Write a command and read its answer's line; what interrupts would be is passed over. */
static int exchange(struct qtest *q, char *line, size_t size, int len)
{
	int rc;

	q->accesses++;
	if (write(q->fd, line, (size_t)len) != len)
		return -EPIPE;
	do {
		rc = read_line(q, line, size);
	} while (rc == 0 && strncmp(line, "IRQ ", 4) == 0);
	return rc;
}

/* A command, and the value of its answer (0: none). */
static int command(struct qtest *q, uint64_t *value, const char *fmt, ...)
{
	char line[128];
	va_list ap;
	int n, rc;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&q->lock);
	rc = exchange(q, line, sizeof(line), n);
	pthread_mutex_unlock(&q->lock);
	if (rc < 0)
		return rc;
	if (strncmp(line, "OK", 2) != 0)
		return -EPROTO;
	if (value != NULL)
		*value = strtoull(line + 2, NULL, 0);
	return 0;
}

static int config_select(struct qtest *q, uint8_t devfn, unsigned off)
{
	return command(q, NULL, "outl 0x%x 0x%x\n", PORT_ADDRESS,
		       0x80000000u | (unsigned)devfn << 8 | (off & 0xfc));
}

static int config_read32(struct qtest *q, uint8_t devfn, unsigned off, uint32_t *v)
{
	uint64_t value = 0;
	int rc = config_select(q, devfn, off);

	if (rc == 0)
		rc = command(q, &value, "inl 0x%x\n", PORT_DATA);
	*v = (uint32_t)value;
	return rc;
}

static int config_write32(struct qtest *q, unsigned off, uint32_t v)
{
	int rc = config_select(q, q->devfn, off);

	return rc == 0 ? command(q, NULL, "outl 0x%x 0x%x\n", PORT_DATA, v) : rc;
}

int qtest_open(struct qtest *q, const char *path, unsigned ms)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (q->fd < 0)
		return -errno;
	for (;; ms -= 10) {
		if (connect(q->fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
			return 0;
		if (ms < 10)
			break;
		usleep(10000);
	}
	qtest_close(q);
	return -ETIMEDOUT;
}

void qtest_close(struct qtest *q)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
}

/* A BAR's length is what stays 0 of all ones; then it gets an address. */
static int place_bar(struct qtest *q, unsigned i, uint32_t *next, bool *wide)
{
	unsigned off = PCI_BAR0 + 4 * i;
	uint32_t mask, len;
	int rc;

	rc = config_write32(q, off, UINT32_MAX);
	if (rc == 0)
		rc = config_read32(q, q->devfn, off, &mask);
	if (rc < 0)
		return rc;
	*wide = (mask & 6) == BAR_IS_64 && (mask & BAR_IS_IO) == 0;
	if (mask == 0 || (mask & BAR_IS_IO) != 0)
		return 0;
	len = ~(mask & ~0xfu) + 1;
	*next = (*next + len - 1) & ~(len - 1);
	q->bar[i] = *next;
	q->bar_len[i] = len;
	rc = config_write32(q, off, *next);
	if (rc == 0 && *wide)
		rc = config_write32(q, off + 4, 0);
	*next += len;
	return rc;
}

static int enable(struct qtest *q)
{
	uint32_t next = MMIO_BASE, v;
	bool wide;
	int rc = 0;

	for (unsigned i = 0; i < QTEST_BARS && rc == 0; i += wide ? 2 : 1)
		rc = place_bar(q, i, &next, &wide);
	if (rc == 0)
		rc = config_read32(q, q->devfn, PCI_COMMAND, &v);
	if (rc == 0)
		rc = config_write32(q, PCI_COMMAND, (v & 0xffff) | COMMAND_MEMORY_AND_MASTER);
	return rc;
}

int qtest_find(struct qtest *q, uint16_t vendor, uint16_t device)
{
	for (unsigned slot = 0; slot < 32; slot++) {
		uint32_t id;
		int rc = config_read32(q, (uint8_t)(slot << 3), PCI_ID, &id);

		if (rc < 0)
			return rc;
		if (id != ((uint32_t)device << 16 | vendor))
			continue;
		q->devfn = (uint8_t)(slot << 3);
		return enable(q);
	}
	return -ENODEV;
}

/* ---- the table -------------------------------------------------------------------- */
static int regs_config(void *ctx, void *buf, unsigned len, unsigned off)
{
	struct qtest *q = ctx;
	uint8_t *to = buf;

	for (unsigned i = 0; i < len; i++) {
		uint32_t v;
		int rc = config_read32(q, q->devfn, off + i, &v);

		if (rc < 0)
			return rc;
		to[i] = (uint8_t)(v >> 8 * ((off + i) & 3));
	}
	return 0;
}

static uint64_t regs_bar_len(void *ctx, uint8_t bar)
{
	return bar < QTEST_BARS ? ((struct qtest *)ctx)->bar_len[bar] : 0;
}

static char letter(unsigned width)
{
	return width == 1 ? 'b' : width == 2 ? 'w' : 'l';
}

static uint32_t regs_read(void *ctx, uint8_t bar, uint32_t off, unsigned width)
{
	struct qtest *q = ctx;
	uint64_t v = 0;

	/* A machine that is gone reads all ones, as a device that was pulled out. */
	if (command(q, &v, "read%c 0x%" PRIx64 "\n", letter(width), q->bar[bar] + off) < 0)
		v = UINT64_MAX;
	return width == 1 ? (uint8_t)v : width == 2 ? (uint16_t)v : (uint32_t)v;
}

static void regs_write(void *ctx, uint8_t bar, uint32_t off, unsigned width, uint32_t v)
{
	struct qtest *q = ctx;

	(void)command(q, NULL, "write%c 0x%" PRIx64 " 0x%x\n", letter(width), q->bar[bar] + off, v);
}

const struct vnic_pci_regs qtest_regs = {
	.config = regs_config,
	.bar_len = regs_bar_len,
	.read = regs_read,
	.write = regs_write,
};
