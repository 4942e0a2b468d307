#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every test that doc/compliance.md names exists in the sources.

usage: test_compliance.py SOURCE_ROOT
"""
import pathlib
import re
import sys

NAMES_AT_LEAST = 200


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


def main():
    root = pathlib.Path(sys.argv[1])
    text = (root / "doc/compliance.md").read_text()
    named = set(re.findall(r"`(\w+/\w+|\w+__\w+)`", text))
    named = {n for n in named if not n.startswith("tests/")}
    missing = sorted(named - scenarios(root) - cases(root))
    for name in missing:
        print(f"doc/compliance.md names {name}, which is no test")
    if len(named) < NAMES_AT_LEAST:
        print(f"doc/compliance.md names {len(named)} tests only")
        return 1
    # A table whose rows lost their last column would hide tests from this check.
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for line in rows:
        if line.replace("\\|", "").count("|") != 4:
            print(f"not three columns: {line}")
            return 1
    print(f"{len(named)} tests named, {len(rows)} rows")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
