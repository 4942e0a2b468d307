/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "app/vnicd/config/check.h"
#include "app/vnicd/config/config.h"

/* Takes the reference to root. */
static int
from_json(const char *name, json_t *root, struct vnicd_config **out, struct cfg_errors *errs)
{
	struct vnicd_config *cfg = calloc(1, sizeof(*cfg));
	int rc = -EINVAL;

	if (cfg == NULL) {
		cfg_error(errs, name, "no memory");
		rc = -ENOMEM;
		goto fail;
	}
	cfg_read_object(vnicd_config_fields, NULL, root, "$", cfg, errs);
	errs->n_read = errs->n;
	if (json_is_object(root))
		vnicd_config_check(cfg, errs);
	if (cfg_errors_any(errs))
		goto fail;
	json_decref(root);
	*out = cfg;
	return 0;
fail:
	json_decref(root);
	vnicd_config_free(cfg);
	return rc;
}

int
vnicd_config_parse(const char *text, size_t len, struct vnicd_config **out, struct cfg_errors *errs)
{
	json_t *root;
	int rc = cfg_json_parse("configuration", text, len, &root, errs);

	*out = NULL;
	return rc == 0 ? from_json("configuration", root, out, errs) : rc;
}

int
vnicd_config_load(const char *file, struct vnicd_config **out, struct cfg_errors *errs)
{
	json_t *root;
	int rc = cfg_json_load(file, &root, errs);

	*out = NULL;
	return rc == 0 ? from_json(file, root, out, errs) : rc;
}

void
vnicd_config_free(struct vnicd_config *cfg)
{
	if (cfg == NULL)
		return;
	cfg_free_object(vnicd_config_fields, NULL, cfg);
	free(cfg);
}
