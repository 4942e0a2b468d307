# SPDX-License-Identifier: BSD-3-Clause
"""Part of bench moderation: instructions of a worker's turn, by callgrind (build/tests/bench/turn_cost). Two null ports,
bursts of 32 from each or nothing. Peer: the same turn of busy-poll, so that the ratio is what moderation costs."""
import pathlib
import re
import subprocess

MODES = ("busy-poll", "static", "adaptive")
TURNS = (3000, 9000)  # two runs, of which the difference counts
GOAL = 1.05


def total(program, forward, mode, fill, turns):
    """Instructions and turns of a run."""
    out = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=lcore_run", str(program),
                          forward, mode, fill, str(turns)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=180)
    done, seen = re.search(r"(\d+) turns", out.stdout), re.search(r"Collected\s*:\s*(\d+)", out.stderr)
    if out.returncode != 0 or done is None or seen is None:
        raise SystemExit(f"turn_cost: status {out.returncode}\n{out.stderr[-1000:]}")
    return int(seen[1]), int(done[1])


def a_turn(program, *what):
    (i0, t0), (i1, t1) = (total(program, *what, n) for n in TURNS)
    return (i1 - i0) / (t1 - t0)


def run(table, args):
    program = pathlib.Path(args.build) / "tests/bench/turn_cost"
    for forward, fill in (("io", "empty"), ("io", "full")) if args.quick else (("io", "empty"), ("io", "full"), ("mac", "full")):
        busy = None
        for mode in MODES:
            cost = a_turn(program, forward, mode, fill)
            busy = busy or cost
            table.add(f"turn, {forward}, {fill}: {mode}", "instructions", cost, busy, "busy-poll", goal=GOAL)
            if fill == "full":
                table.add(f"packet of it: {mode}", "instructions", cost / 64)
