/* SPDX-License-Identifier: BSD-3-Clause */
/* For --check-config: the lcores that EAL would have with this command line. */
#ifndef SMCGATE_LCORES_H
#define SMCGATE_LCORES_H

#include "app/smcgate/config/config.h"

#define LCORES_ARGS_MAX 32

/*
 * EAL's arguments of argv, up to "--", that say which lcores there are (-l, -c, -s, --lcores, --main-lcore and their
 * values), into out, which has room for LCORES_ARGS_MAX; returns how many. -1: nothing stands before a "--", so that
 * nobody has said how the program is going to be started.
 */
int lcores_args(int argc, char **argv, char **out);

/*
 * Start EAL with these and without memory or devices, and check the lcores of cfg against its workers, as a start
 * would: adds to errs. EAL is left to the caller, who also removes its run directory; it cannot be started twice.
 * -EINVAL: it refuses the arguments, and has said why.
 */
int lcores_check(char **args, int n_args, char *program, struct config *cfg, struct cfg_errors *errs);

/* config_deal_queues() with EAL's workers. */
int lcores_deal(struct config *cfg, struct cfg_errors *errs);

#endif
