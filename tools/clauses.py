#!/usr/bin/env python3
"""Turns the citations in code and tests into docs/clauses.md: clause, functions, tests.

A citation is `RFC 9293 3.10.7.3`, `RFC 9293 MUST-8`, `C13` (docs/posix/connect.md), `NetSem connect_5d`.
--check writes nothing and fails when docs/clauses.md is not what would be written, or when a clause of
docs/posix/connect.md lacks code or a test."""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/clauses.md"
LIST = ROOT / "docs/posix/connect.md"
CITATION = re.compile(
    r"\bRFC (?P<rfc>\d{3,5})(?: (?P<where>(?:MUST-|SHLD-|MAY-)\d+|\d+(?:\.\d+)*))?"
    r"|\b(?P<c>C(?:0[1-9]|[12]\d))(?:-(?P<to>C(?:0[1-9]|[12]\d)))?\b"
    r"|\bNetSem (?P<rule>[a-z_0-9]+_\d+[a-z]?)")
LISTED = re.compile(r"^\| (C\d\d) \|(.*)\|$", re.M)
FUNCTION = re.compile(r"^(?!typedef|_Static_assert)[A-Za-z_][^;=]*?\b(\w+)\([^;]*$")
HEADER = """# Clauses, and where they are carried out

Made by `make clauses` from the citations in the code; do not edit.
"""


def functions(lines):
    """For each line the function that it belongs to: its body, or the comment right above it."""
    names = [""] * len(lines)
    for start, line in enumerate(lines):
        match = FUNCTION.match(line.split("{")[0])
        if not match:
            continue
        end = start
        if not line.endswith("}"):
            while end + 1 < len(lines) and not lines[end].startswith("}"):
                end += 1
        while start > 0 and lines[start - 1].startswith(("/*", " *", "//")):
            start -= 1
        for i in range(start, end + 1):
            names[i] = match.group(1)
    return names


def spread(first, last):
    low, high = int(first[1:]), int((last or first)[1:])
    return [f"C{n:02}" for n in range(low, high + 1)]


def clauses_in(line):
    for m in CITATION.finditer(line):
        if m["rfc"]:
            yield f"RFC {m['rfc']}" + (f" {m['where']}" if m["where"] else "")
        elif m["rule"]:
            yield f"NetSem {m['rule']}"
        else:
            yield from spread(m["c"], m["to"])


def collect():
    """clause -> (set of places in code, set of test files)"""
    found = collections.defaultdict(lambda: (set(), set()))
    for top in ("include", "src", "tests"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix not in (".c", ".h", ".t", ".py", ".script") or not path.is_file():
                continue
            short = path.relative_to(ROOT / "src") if top == "src" else path.relative_to(ROOT)
            lines = path.read_text(errors="replace").splitlines()
            names = functions(lines) if path.suffix == ".c" and top == "src" else [""] * len(lines)
            for line, name in zip(lines, names):
                for clause in clauses_in(line):
                    if top == "tests":
                        found[clause][1].add(str(short))
                    else:
                        found[clause][0].add(f"{short}{': ' + name if name else ''}")
    return found


def order(clause):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", clause)]


def render(found):
    rows = ["", "| clause | code | tests |", "| --- | --- | --- |"]
    for clause in sorted(found, key=order):
        cells = [" · ".join(f"`{place}`" for place in sorted(places)) for places in found[clause]]
        rows.append(f"| {clause} | {cells[0]} | {cells[1]} |")
    return HEADER + "\n".join(rows) + "\n"


def problems(found):
    listed = LISTED.findall(LIST.read_text())
    if len(listed) != 29:
        yield f"{LIST.relative_to(ROOT)}: {len(listed)} clauses are listed, not 29"
    for clause, text in listed:
        code, tests = found.get(clause, (set(), set()))
        if not code:
            yield f"{clause} is cited by no code: {text.strip()}"
        if not tests:
            yield f"{clause} is cited by no test: {text.strip()}"


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: tools/clauses.py [--check]")
    found = collect()
    page = render(found)
    if not sys.argv[1:]:
        PAGE.write_text(page)
        print(f"clauses: {len(found)} written")
        return 0
    bad = list(problems(found))
    if not PAGE.exists() or PAGE.read_text() != page:
        bad.append("docs/clauses.md is stale: make clauses")
    print("\n".join(bad + [f"clauses: {len(found)} cited, {len(bad)} problems"]))
    return 1 if bad else 0


sys.exit(main())
