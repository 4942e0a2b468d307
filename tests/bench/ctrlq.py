#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bench ctrlq: the control queue, many commands at a time against one; a device that hangs.

What is measured and how: doc/benchmarks.md."""
import argparse
import pathlib
import statistics
import subprocess

import lab as L

LATE_US = 10000


def measure(build, rounds):
    program = pathlib.Path(build) / "tests/bench/ctrlq_cost"
    out = subprocess.run([str(program), str(rounds)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    lines = [l.split() for l in out.stdout.splitlines()]
    if out.returncode != 0:
        raise SystemExit(f"ctrlq_cost: status {out.returncode}\n{out.stdout[-3000:]}")
    return {k: [l[1:] for l in lines if l and l[0] == k] for k in ("batch", "cpu", "late", "turns")}


def batches(table, rows):
    most = 0
    for latency, at_work, *rest in rows:
        one, all_, (doorbells,) = (list(map(float, p.split())) for p in " ".join(rest).split("|"))
        d = int(at_work)
        speed = [a / b for a, b in zip(one, all_)]
        most = max(most, doorbells)
        table.add(f"latency {latency} us, D = {d}: times as fast", "one by one/all", statistics.median(speed), d, "D",
                  least=1 if d == 1 else 0.8, ratios=[s / d for s in speed])
    table.add("doorbells a command, at most", "doorbells", most, limit=1 / 8)


def costs(table, rows):
    for name, percent, submit, reap in rows:
        table.add(f"CPU at 1000 commands/s, {name.replace('_', ' ')}", "% of a core", float(percent), limit=2)
        print(f"# {name}: a command takes {float(submit):.2f} us to submit, {float(reap):.2f} us to reap")


def hang(table, late, turns):
    late = sorted(map(float, late))
    table.add(f"hung device: event after its deadline, median of {len(late)}", "us", statistics.median(late), limit=LATE_US)
    table.add("hung device: event after its deadline, longest", "us", late[-1], limit=LATE_US)
    (_, before, before_p, n, packets, lost0), (_, after, after_p, _, packets1, lost1) = turns
    table.add(f"packets lost by the other three of {packets1}", "packets", float(lost1), limit=0)
    table.add("their turns while it hangs, 99.9 % within", "us", float(after_p), float(before_p), "before")
    table.add("their longest turn while it hangs", "us", float(after), float(before), "before")
    if int(lost0):
        print(f"# {lost0} of {packets} packets were lost before it hung")


def main():
    ap = argparse.ArgumentParser(prog="bench ctrlq")
    ap.add_argument("--build", default=str(L.TOP / "build"))
    ap.add_argument("--quick", action="store_true", help="three rounds")
    args = ap.parse_args()
    table = L.Table("ctrlq", args.build)
    rows = measure(args.build, 3 if args.quick else 30)
    batches(table, rows["batch"])
    costs(table, rows["cpu"])
    hang(table, rows["late"][0], rows["turns"])
    table.finish()


main()
