/* SPDX-License-Identifier: BSD-3-Clause */
/* What the views of SMC share. */
#ifndef VIEW_SMC_H
#define VIEW_SMC_H

#include "app/smcgate/pipeline/smc.h"
#include "app/smcgate/view/view.h"

/* rc of a pipeline_smc_*() call in words; what as in view_failed(). */
int view_smc_failed(struct view_error *err, int rc, const char *what);
/* "WORKER.NUMBER" of a link group. */
int view_smc_lgr(struct pipeline *pl, const char *arg, unsigned *worker, uint32_t *id, struct view_error *err);
/* Device by its name: number in the configuration, or a negative errno and err. */
int view_smc_device(struct pipeline *pl, const char *arg, struct view_error *err);
/* A row of `show smc connections`. */
json_t *view_smc_conn(unsigned worker, const struct smc_conn_info *c);
/* KEY, KEY_code, KEY_text: name, number and meaning of a reason; names only "" for none. */
void view_set_reason(json_t *o, const char *key, uint32_t code);

#endif
