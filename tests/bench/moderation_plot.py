#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw doc/moderation-load.svg and doc/moderation-walks.svg from the simulation, with gnuplot.

  tests/bench/moderation_plot.py [BUILD]"""
import pathlib
import subprocess
import sys

import moderation_sim as S

TOP = pathlib.Path(__file__).resolve().parents[2]
LOADS = (1, 10, 50, 100)
STYLES = {"busy-poll": "lc rgb '#777777' dt 2", "static 0": "lc rgb '#1f77b4'", "static 2": "lc rgb '#6baed6'",
          "static 4": "lc rgb '#9ecae1'", "DIM, Linux": "lc rgb '#d62728'", "DIM, improved": "lc rgb '#ff7f0e' dt 4",
          "adaptive": "lc rgb '#2ca02c' lw 2.5", "adaptive, 100 us": "lc rgb '#98df8a' lw 2.5",
          "adaptive, polled": "lc rgb '#8c564b' dt 3"}


def gnuplot(script):
    out = subprocess.run(["gnuplot"], input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    if out.returncode != 0 or "warning" in out.stderr:
        raise SystemExit(f"gnuplot: {out.stderr}")


def head(name, width, height, rows, columns, margins):
    return f"""set terminal svg size {width},{height} font 'sans,11' background '#ffffff'
set output '{TOP / 'doc' / name}'
set multiplot layout {rows},{columns} columnsfirst {margins}
set grid lc rgb '#dddddd'
"""


def block(name, lines):
    return f"${name} << EOD\n" + "\n".join(lines) + "\nEOD\n"


def loads(rows):
    """One column of pictures for each arrival process: p99 above, CPU below."""
    policies, arrivals = list(STYLES), list(dict.fromkeys(r["arrivals"] for r in rows))
    script = head("moderation-load.svg", 1180, 620, 2, len(arrivals), "margins 0.05,0.83,0.05,0.95 spacing 0.04,0.09")
    script += "set xrange [-0.3:3.3]\nset xtics (" + ", ".join(f"'{l} %%' {i}" for i, l in enumerate(LOADS)) + ")\n"
    for a in arrivals:
        lines = [" ".join([str(i)] + [f"{r[c]}" for p in policies for r in rows for c in ("p99", "cpu")
                                      if (r["arrivals"], r["load"], r["policy"]) == (a, l, p)]) for i, l in enumerate(LOADS)]
        script += block(a, lines)
        for row, (column, label) in enumerate((("p99", "p99 latency, us"), ("cpu", "CPU, %"))):
            script += f"set title '{a}: {label}'\n"
            script += "set logscale y\nset yrange [0.3:400]\n" if row == 0 else "unset logscale y\nset yrange [0:105]\n"
            script += "set key at screen 0.995,0.95 right top spacing 1.4\n" if (row, a) == (1, arrivals[-1]) else "unset key\n"
            script += "plot " + ", ".join(f"${a} using 1:{2 + 2 * i + row} with linespoints pt 7 ps 0.5 {STYLES[p]} title '{p}'"
                                          for i, p in enumerate(policies)) + "\n"
    return script


def walks(rows):
    scenarios = list(dict.fromkeys(r["scenario"] for r in rows))
    script = head("moderation-walks.svg", 1080, 620, 2, 2, "margins 0.05,0.98,0.1,0.95 spacing 0.06,0.13")
    script += "set yrange [-0.4:4.4]\nset ytics 0,1,4\nset xlabel 'window'\nset ylabel 'profile'\n"
    for i, s in enumerate(scenarios):
        script += block(f"w{i}", [f"{r['window']:g} {r['original']:g} {r['improved']:g}" for r in rows if r["scenario"] == s])
        script += f"set title '{s}'\n" + ("set key top right\n" if i == 0 else "unset key\n")
        script += (f"plot $w{i} using 1:2 with steps lc rgb '#d62728' title 'original', "
                   f"$w{i} using 1:3 with steps lw 2.5 lc rgb '#2ca02c' title 'improved'\n")
    return script


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else TOP / "build"
    gnuplot(loads(S.rows_of(S.simulate(build))))
    gnuplot(walks(S.rows_of(S.simulate(build, "moderation_walk"))))


main()
