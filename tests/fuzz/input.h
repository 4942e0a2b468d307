/* SPDX-License-Identifier: BSD-3-Clause */
/* A fuzzer's octets, read as a list of steps; when they are used up all that comes is 0. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t left;
};

static inline unsigned octet(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

static inline unsigned word(struct input *in)
{
	unsigned high = octet(in);

	return high << 8 | octet(in);
}

/* What has to hold whatever the input is. */
static inline void check(bool ok)
{
	if (!ok)
		abort();
}

#endif
