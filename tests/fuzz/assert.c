/* SPDX-License-Identifier: BSD-3-Clause */
/* Fixtures of unit tests in a fuzz target: an assertion of theirs that does not
 * hold ends the program, outside of any test. Takes CUnit's place at link time. */
#include <stdio.h>
#include <stdlib.h>

#include <CUnit/CUnit.h>

CU_BOOL
CU_assertImplementation(CU_BOOL value, unsigned int line, const char *condition, const char *file,
			const char *function, CU_BOOL fatal)
{
	if (!value) {
		fprintf(stderr, "%s:%u: %s\n", file, line, condition);
		abort();
	}
	return CU_TRUE;
}
