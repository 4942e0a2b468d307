# SPDX-License-Identifier: BSD-3-Clause
"""The simulation's part of bench moderation: its rows, and the whole of it as build/bench/moderation_sim.csv."""
import csv
import io
import pathlib
import subprocess

GOAL = 1.2        # p99 of the adaptive policy to the best static one's
IDLE_PERCENT = 3  # CPU without load


def simulate(build, program="moderation_sim"):
    """Text of the program's lines."""
    out = subprocess.run([str(pathlib.Path(build) / "tests/bench" / program)], stdout=subprocess.PIPE, text=True, timeout=120)
    if out.returncode != 0:
        raise SystemExit(f"{program}: status {out.returncode}")
    return out.stdout


def rows_of(text):
    """Dictionaries by column; everything that is a number as one."""
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        rows.append({k: v if k in ("arrivals", "policy", "scenario") else float(v) for k, v in row.items()})
    return rows


def show(rows):
    print(f"{'arrivals':9} {'load %':>6} {'policy':29} {'CPU %':>6} {'p50 us':>8} {'p99 us':>8} {'p99.9 us':>8} {'lost %':>7} "
          f"{'changes/s':>9}")
    for r in rows:
        times = " ".join(f"{r[q]:8.1f}" if r["load"] else f"{'':8}" for q in ("p50", "p99", "p99.9"))
        print(f"{r['arrivals']:9} {r['load']:6g} {r['policy']:29} {r['cpu']:6.1f} {times} {r['lost']:7.3f} {r['changes']:9.0f}")


def run(table, args):
    text = simulate(args.build)
    path = pathlib.Path(args.build) / "bench/moderation_sim.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    rows = rows_of(text)
    show(rows)
    print(f"written to {path}")
    ours = [r for r in rows if r["bound"]]
    for r in ours:
        if not r["judged"] or r["load"] == 0:
            continue
        best = min((s for s in rows if s["policy"].startswith("static") and not s["bound"] and same_load(s, r)),
                   key=lambda s: s["p99"])
        name = f"simulated, {r['policy']}, {r['arrivals']} {r['load']:g} %"
        table.add(f"{name}: p99", "us", r["p99"], best["p99"], best["policy"], goal=GOAL)
        table.add(f"{name}: p50", "us", r["p50"], best["p50"], best["policy"])
        table.add(f"{name}: p99.9", "us", r["p99.9"], best["p99.9"], best["policy"])
        table.add(f"{name}: CPU", "%", r["cpu"], best["cpu"], best["policy"])
    for policy in dict.fromkeys(r["policy"] for r in ours):
        mine = [r for r in ours if r["policy"] == policy]
        table.add(f"simulated, {policy}: longest added", "us", max(r["added"] for r in mine), limit=mine[0]["bound"])
        table.add(f"simulated, {policy}: CPU without load", "%", max(r["cpu"] for r in mine if r["load"] == 0), limit=IDLE_PERCENT)


def same_load(a, b):
    return (a["arrivals"], a["load"]) == (b["arrivals"], b["load"])
