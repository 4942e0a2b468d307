/* SPDX-License-Identifier: BSD-3-Clause */
/* vnicd_schema_gen: makes config/vnicd.schema.json and doc/vnicd-configuration.md
 * from the tables, and checks configurations (app/config/gen.h). */
#include "app/config/gen.h"
#include "app/vnicd/config/config.h"

static const char head[] =
	"# Configuration of vnicd\n"
	"\n"
	"<!-- Made from app/vnicd/config/tables.c: ninja -C build update-config-files -->\n"
	"\n"
	"`vnicd <EAL options> -- -c FILE` reads FILE, a JSON object, before anything is started, and refuses it\n"
	"with all that is wrong in it. `vnicd -- --check-config -c FILE` does only that. The same rules, as far\n"
	"as a schema can say them, are in `config/vnicd.schema.json`. Keys marked *running* can change while the\n"
	"program runs, by telemetry commands (doc/vnicd.md). `config/vnicd-example.json` is a place to start from.\n";

static int
check(const char *file, struct cfg_errors *errs)
{
	struct vnicd_config *cfg;
	int rc = vnicd_config_load(file, &cfg, errs);

	vnicd_config_free(cfg);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct cfg_gen gen = {
		.program = "vnicd", .fields = vnicd_config_fields, .title = "Configuration of vnicd",
		.comment = "Made from app/vnicd/config/tables.c: ninja -C build update-config-files. Keys with "
			   "x-runtime can change while the program runs.",
		.head = head, .check = check,
	};

	return cfg_gen_main(&gen, argc, argv);
}
