#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bench moderation: latency and CPU of polling, static and adaptive moderation.

What is measured and how: doc/moderation.md."""
import argparse

import lab as L
import moderation_machine
import moderation_sim
import moderation_turns

PARTS = {"sim": moderation_sim.run, "turns": moderation_turns.run, "machine": moderation_machine.run}


def main():
    ap = argparse.ArgumentParser(prog="bench moderation")
    ap.add_argument("--build", default=str(L.TOP / "build"))
    ap.add_argument("--quick", action="store_true", help="few short windows; the simulation is always the same")
    ap.add_argument("--only", default=",".join(PARTS), help=f"parts to run, of {', '.join(PARTS)}")
    args = ap.parse_args()
    table = L.Table("moderation", args.build)
    for part in args.only.split(","):
        if part not in PARTS:
            ap.error(f"there is no part '{part}'")
        PARTS[part](table, args)
    table.finish()


main()
