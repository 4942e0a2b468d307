#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every shell script passes bash -n, and what it calls is there: a function of its own or of a
file it sources, something of bash's, or a program. A script calls some of its functions
only hours into a run, or never on a good day.

usage: test_scripts.py SOURCE_ROOT
"""
import pathlib
import re
import shutil
import subprocess
import sys

KEYWORDS = set("if then elif else fi while until do done { } ! time coproc".split())
# Functions that run what follows so many arguments.
RUNNERS = {"at_exit": 0, "wait_for": 1, "check": 1, "holds": 2, "says": 1, "timeout": 0}
# Programs of packages that scripts/setup installs for some suites only.
ELSEWHERE = set("""cpio depmod modprobe dpdk-telemetry.py ip make ovs-vsctl ovsdb-server ovsdb-tool ps
tshark xz""".split())
# Run by a shell that is not bash, on a system that is not this one.
GUEST = {"tests/guest/init", "tests/guest/smcrun", "tests/guest/smcup"}


class Scan:
    """Words where a command stands, and functions that are defined, of one text."""

    def __init__(self, text):
        self.text, self.at = text, 0
        self.calls, self.functions, self.sources = [], set(), []
        self.heredocs = []
        self.commands(None)

    # ---- characters ------------------------------------------------------------------
    def peek(self, n=1):
        return self.text[self.at:self.at + n]

    def line(self):
        return self.text.count("\n", 0, self.at) + 1

    def newline(self):
        """Behind a newline come the bodies of here-documents."""
        self.at += 1
        for end, strip in self.heredocs:
            while self.at < len(self.text):
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                body = self.text[self.at:stop]
                self.at = stop + 1
                if (body.lstrip("\t") if strip else body) == end:
                    break
        self.heredocs = []

    def blanks(self):
        while self.at < len(self.text):
            if self.peek() in " \t":
                self.at += 1
            elif self.peek(2) == "\\\n":
                self.at += 2
            else:
                return

    def until(self, close):
        """Skip to behind close, reading what is quoted or run inside."""
        while self.at < len(self.text) and self.peek(len(close)) != close:
            self.piece()
        self.at += len(close)

    def piece(self):
        """One character, or a quotation, an expansion, a substitution as a whole."""
        c = self.peek()
        if c == "\\":
            self.at += 2
        elif c == "'":
            self.at = self.text.find("'", self.at + 1) + 1 or len(self.text)
        elif self.peek(2) == "$'":
            self.at = re.compile(r"\$'(\\.|[^'\\])*'", re.S).match(self.text, self.at).end()
        elif c == '"':
            self.at += 1
            while self.at < len(self.text) and self.peek() != '"':
                if self.peek() in "\\$`":
                    self.piece()
                else:
                    self.at += 1
            self.at += 1
        elif self.peek(3) == "$((":
            self.at += 3
            self.arithmetic()
        elif self.peek(2) in ("$(", "<(", ">("):
            self.at += 2
            self.commands(")")
        elif self.peek(2) == "${":
            self.at += 2
            self.until("}")
        elif c == "`":
            self.at = self.text.find("`", self.at + 1) + 1 or len(self.text)
        elif c == "\n":
            self.newline()
        else:
            self.at += 1

    def arithmetic(self):
        depth = 2
        while self.at < len(self.text) and depth > 0:
            depth += {"(": 1, ")": -1}.get(self.peek(), 0)
            if self.peek() in "()":
                self.at += 1
            else:
                self.piece()

    # ---- words -----------------------------------------------------------------------
    def word(self):
        begin = self.at
        while self.at < len(self.text) and self.peek() not in " \t\n;&|()<>":
            self.piece()
        return self.text[begin:self.at]

    def redirection(self):
        m = re.compile(r"(\d+|\{\w+\})?(<<<|<<-?|<>|>>|>\||[<>]&|&>>|&>|<(?!\()|>(?!\())").match(self.text, self.at)
        if m is None:
            return False
        self.at = m.end()
        self.blanks()
        target = self.word()
        if m.group(2) in ("<<", "<<-"):
            self.heredocs.append((re.sub(r"['\"\\]", "", target), m.group(2) == "<<-"))
        return True

    def assignment(self):
        """NAME=value or NAME=(...) in front of a command, or instead of one."""
        m = re.compile(r"[A-Za-z_]\w*(\[[^]\n]*\])?\+?=").match(self.text, self.at)
        if m is None:
            return False
        self.at = m.end()
        if self.peek() == "(":
            self.at += 1
            self.until(")")
        else:
            self.word()
        return True

    # ---- commands ----------------------------------------------------------------------
    def commands(self, close):
        """Up to close, which is ")", ";;" or the end."""
        words = []
        while self.at < len(self.text):
            self.blanks()
            c = self.peek()
            if close is not None and not words and close == ";;" and re.match(r"esac\b", self.text[self.at:self.at + 5]):
                return
            if close is not None and self.peek(len(close)) == close:
                self.at += len(close)
                self.command(words)
                return
            if c == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif c == "\n":
                self.newline()
                words = self.command(words)
            elif self.redirection():
                pass
            elif c in ";&|":
                self.at += 1
                words = self.command(words)
            elif c == "(" and not words:
                self.open_parenthesis()
            elif c == "(":
                words = self.define(words)
            elif c == ")":
                self.at += 1
            elif not words and self.assignment():
                pass
            else:
                words = self.one_word(words)
        self.command(words)

    def open_parenthesis(self):
        if self.peek(2) == "((":
            self.at += 2
            self.arithmetic()
        else:
            self.at += 1
            self.commands(")")

    def define(self, words):
        """name() ..., or an array given to local or declare."""
        self.at += 1
        self.until(")")
        if words[-1][0].endswith("="):
            return words
        self.functions.add(words[-1][0])
        return []

    def one_word(self, words):
        line, begin = self.line(), self.at
        word = self.word()
        if self.at == begin: # a character with no meaning here
            self.at += 1
            return words
        if words:
            return words + [(word, line)]
        if word == "case":
            self.case()
        elif word == "for":
            self.loop()
        elif word == "[[":
            self.until("]]")
        elif word not in KEYWORDS:
            return [(word, line)]
        return []

    def loop(self):
        self.blanks()
        if self.peek(2) == "((":
            self.at += 2
            self.arithmetic()
            return
        while self.at < len(self.text) and self.peek() not in ";\n":
            self.blanks()
            begin = self.at
            self.word()
            self.at += self.at == begin

    def case(self):
        while self.at < len(self.text):
            self.blanks()
            if self.word() == "in":
                break
        while self.at < len(self.text):
            self.at = re.compile(r"(\s|#[^\n]*\n)*").match(self.text, self.at).end()
            if re.match(r"esac\b", self.text[self.at:self.at + 5]):
                self.at += 4
                return
            self.until(")")
            self.commands(";;")

    def command(self, words):
        """The words of a whole command; what a runner runs counts too."""
        while words:
            name, line = words[0]
            if name in (".", "source") and len(words) > 1:
                self.sources.append(words[1][0].strip("\"'"))
            literal = re.fullmatch(r"[A-Za-z_][\w.+-]*", name)
            if literal is None:
                break
            self.calls.append((name, line))
            if name not in RUNNERS or len(words) <= RUNNERS[name] + 1:
                break
            words = words[RUNNERS[name] + 1:]
            if name == "at_exit":
                words = [(re.split(r"[\s;&|]", words[0][0].strip("\"'"))[0], words[0][1])]
            while words and re.match(r"-|\d", words[0][0]):
                words = words[1:]
        return []


def shell_scripts(root):
    for base in (".ci", "scripts", "tests"):
        for path in sorted((root / base).rglob("*")):
            if not path.is_file() or path.stat().st_size > 1 << 20 or "__pycache__" in path.parts:
                continue
            with open(path, "rb") as f:
                first = f.readline(80)
            if path.suffix == ".sh" or re.match(rb"#!.*\b(ba)?sh\b", first):
                yield path


def builtins():
    said = subprocess.run(["bash", "-c", "compgen -b; compgen -k"], check=True, capture_output=True, text=True)
    return set(said.stdout.split())


def sourced(path, scans):
    """Files that path sources, and those that they source; known by their names."""
    found, todo = set(), [path]
    while todo:
        here = todo.pop()
        if here in found:
            continue
        found.add(here)
        for name in scans[here].sources:
            parts = name.split("/")
            same = [p for p in scans if p.name == parts[-1]]
            if len(parts) > 1 and re.fullmatch(r"[a-z]+", parts[-2]):
                todo += [p for p in same if p.parent.name == parts[-2]]
                continue
            todo += [p for p in same if p.parent == here.parent] or same
    return found


def unknown(path, scans, known):
    """What path calls and nobody knows; a file that is sourced may call what its users define."""
    files = sourced(path, scans)
    for other in scans:
        if path in sourced(other, scans):
            files |= sourced(other, scans)
    functions = set().union(*(scans[f].functions for f in files))
    for name, line in scans[path].calls:
        if name not in known and name not in functions and name not in ELSEWHERE and shutil.which(name) is None:
            yield name, line


def own_test(known):
    """This test finds what it is there to find."""
    text = '''
say() { printf '%s\\n' "gone1 $(gone2 a)"; }
a=(gone3 b) c=$(say x | gone4)
f() { local x y=() z; g+=(a); gone25; }
if gone5 "$a"; then say gone6; elif ! gone7; then :; fi
case $a in gone8) gone9 ;; b | c) say ;; esac; for i in gone10 $(gone11); do say "$i"; done
wait_for 30 gone12 || wait_for 3 say; at_exit "gone13 $x"; [[ gone14 == $(gone15) ]] && ((i = gone16))
say <<-END >gone17 2>&1 # gone18
	gone19
END
timeout -k 5 10 gone20; { gone21; }; (gone22); a=b gone23; while gone24; do break; done
'''
    path = pathlib.Path("x.sh")
    found = {int(name[4:]) for name, _ in unknown(path, {path: Scan(text)}, known | {"wait_for", "at_exit"})}
    expected = {2, 4, 5, 7, 9, 11, 12, 13, 15, 20, 21, 22, 23, 24, 25}
    if found != expected:
        print(f"the test itself: found {sorted(found)}, expected {sorted(expected)}")
    return found == expected


def main():
    root = pathlib.Path(sys.argv[1])
    known = builtins()
    status = 0 if own_test(known) else 1
    paths = list(shell_scripts(root))
    scans = {}
    for path in paths:
        said = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
        if said.returncode != 0:
            print(said.stderr, end="")
            status = 1
        scans[path] = Scan(path.read_text())
    calls = 0
    for path in paths:
        if str(path.relative_to(root)) in GUEST:
            continue
        calls += len(scans[path].calls)
        for name, line in unknown(path, scans, known):
            print(f"{path.relative_to(root)}:{line}: '{name}' is neither function, builtin nor program")
            status = 1
    print(f"{len(paths)} scripts, {calls} commands looked up")
    return status if len(paths) > 50 and calls > 2000 else 1


if __name__ == "__main__":
    sys.exit(main())
