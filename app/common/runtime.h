/* SPDX-License-Identifier: BSD-3-Clause */
/* What of a process outlives EAL and must not: its run directory and its
 * files on hugetlbfs. */
#ifndef COMMON_RUNTIME_H
#define COMMON_RUNTIME_H

/* Remember where they are; after rte_eal_init(), whether it succeeded or not. */
void runtime_note(void);
/* Remove them; after rte_eal_cleanup(). Leaves those of a live process that
 * has the same prefix alone. */
void runtime_remove(void);

#endif
