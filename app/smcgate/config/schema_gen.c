/* SPDX-License-Identifier: BSD-3-Clause */
/* schema_gen: makes config/smcgate.schema.json and doc/configuration.md from the
 * tables, and checks configurations (app/config/gen.h). */
#include "app/config/gen.h"
#include "app/smcgate/config/config.h"

static const char head[] =
	"# Configuration\n"
	"\n"
	"<!-- Made from app/smcgate/config/tables.c and the services' tables: ninja -C build "
	"update-config-files -->\n"
	"\n"
	"`smcgate <EAL options> -- -c FILE` reads FILE, a JSON object, before anything is started. Whatever "
	"is\n"
	"unknown, missing, out of range or contradictory is refused, all of it in one go, each with its JSON "
	"path,\n"
	"what was found and what is allowed:\n"
	"\n"
	"    smcgate: $.ports[0].mtu: found 60000, allowed: an integer from 68 to 9216\n"
	"    smcgate: $.gatewy: unknown key, did you mean \"gateway\"?\n"
	"\n"
	"`smcgate -- --check-config -c FILE` does only that; with EAL's options in front of the `--` it also says whether\n"
	"EAL has the lcores that the file names. The same rules, as far as a schema can say "
	"them, are in\n"
	"`config/smcgate.schema.json` for editors. Keys marked *running* can change while the program runs, "
	"by console\n"
	"commands; the file itself is read once. `config/example.json` is a place to start from.\n";

static int
check(const char *file, struct cfg_errors *errs)
{
	struct config *cfg;
	int rc = config_load(file, &cfg, errs);

	config_free(cfg);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct cfg_gen gen = {
		.program = "smcgate", .fields = config_fields, .title = "Configuration of smcgate",
		.comment = "Made from app/smcgate/config/tables.c and the services' tables: "
			   "ninja -C build update-config-files. Keys with x-runtime can change while "
			   "the program runs.",
		.head = head, .check = check,
	};

	return cfg_gen_main(&gen, argc, argv);
}
