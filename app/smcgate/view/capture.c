/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet capture: `show capture`. */
#include <errno.h>

#include "app/smcgate/capture.h"
#include "app/smcgate/view/view.h"

static int build_capture(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			 struct view_error *err)
{
	struct capture_info info;
	json_t *o;

	if (ctx->capture == NULL)
		return view_fail(err, -ENOTSUP, "capture: not in this program");
	capture_info(ctx->capture, &info);
	o = json_object();
	view_set_str(o, "state", capture_state_names[info.state]);
	view_set_str(o, "file", info.file);
	view_set_str(o, "ports", info.ports);
	view_set_u64(o, "snap_length", info.snap_length);
	view_set_u64(o, "packets", info.packets);
	view_set_u64(o, "bytes", info.bytes);
	view_set_u64(o, "max_bytes", info.max_bytes);
	view_set_u64(o, "dropped", info.dropped);
	view_set_str(o, "error", info.error);
	*out = o;
	return 0;
}

const struct view view_capture[] = {
	{ "capture", { { 0 } }, build_capture, VIEW_BLOCKS, NULL,
	  "the capture: its file, packets written and dropped" },
	{ NULL },
};
