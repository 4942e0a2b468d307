#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every test that doc/compliance*.md names exists in the sources.

usage: test_compliance.py SOURCE_ROOT
"""
import pathlib
import re
import sys

NAMES_AT_LEAST = {"compliance.md": 200, "compliance-smc.md": 20, "compliance-roce.md": 60,
                  "compliance-virtio.md": 90}


def scenarios(root):
    """table/name of every scenario."""
    found = set()
    for path in (root / "tests/unit/tcp").glob("test_*.c"):
        table = path.stem[len("test_"):]
        found.update(f"{table}/{name}" for name in re.findall(r'"(\w+)"', path.read_text()))
    return found


def cases(root):
    """function__case of every CUnit case that is run."""
    found = set()
    for path in (root / "tests/unit").rglob("*.c"):
        found.update(re.findall(r"TEST_CASE\((\w+)\)", path.read_text()))
    return found


def check(root, path, known):
    """Of one file: the number of tests named, and of what is wrong."""
    text = path.read_text()
    named = set(re.findall(r"`(\w+/\w+|\w+__\w+)`", text))
    named = {n for n in named if not n.startswith("tests/")}
    programs = set(re.findall(r"`(tests/\w[\w/.-]*)`", text))
    wrong = [f"{name}, which is no test" for name in sorted(named - known)]
    wrong += [f"{name}, which is not there" for name in sorted(programs) if not (root / name).exists()]
    # A table whose rows lost their last column would hide tests from this check.
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    wrong += [f"not three columns: {line}" for line in rows if line.replace("\\|", "").count("|") != 4]
    for line in wrong:
        print(f"{path.name}: {line}")
    print(f"{path.name}: {len(named)} tests named, {len(rows)} rows")
    return len(named), len(wrong)


def main():
    root = pathlib.Path(sys.argv[1])
    known = scenarios(root) | cases(root)
    status = 0
    for name, at_least in NAMES_AT_LEAST.items():
        named, wrong = check(root, root / "doc" / name, known)
        if named < at_least or wrong:
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
