#!/usr/bin/env python3
"""Turns the citations in code and tests into docs/conformance.md: clause, functions, tests, and what
differs from the kernel.

A citation is `RFC 6298 5.4`, `RFC 9293 MUST-8` (docs/tcp-clauses.md), with more of these labels after
commas, `C13` (docs/posix/connect.md), `NetSem connect_5d` (docs/posix/netsem.md), with more rules after
commas. What differs is what tests/posix lists, which `make conformance` holds to be neither more nor less
than what differs.
--check writes nothing and fails when docs/conformance.md is not what would be written, when a clause,
standard or rule that is not said to be "not done" lacks code or a test, or when a citation names none."""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
POSIX = ROOT / "tests/posix"
PAGE = ROOT / "docs/conformance.md"
CLAUSES = ROOT / "docs/posix/connect.md"
RULES = ROOT / "docs/posix/netsem.md"
TCP = ROOT / "docs/tcp-clauses.md"
RULE = r"[a-z]+(?:_[a-z0-9]+)*_\d+[a-z]?\b(?!_)"
LABEL = r"(?:MUST|SHLD|REC|MAY)-\d+"
COMMA = r",(?: |\s+[*#] )"
CITATION = re.compile(
    rf"\bRFC(?: |\s+\* )(?P<rfc>\d{{3,5}})"
    rf"(?:(?P<where>(?: |\s+\* ){LABEL}| \d+(?:\.\d+)*)(?P<labels>(?:{COMMA}{LABEL})*))?"
    r"|\b(?P<c>C(?:0[1-9]|[12]\d))(?:-(?P<to>C(?:0[1-9]|[12]\d)))?\b"
    rf"|\bNetSem(?: |\s+\* )(?P<rules>{RULE}(?:{COMMA}{RULE})*)")
LISTED_CLAUSE = re.compile(r"^\| (C\d\d) \| (.*) \|$", re.M)
LISTED_LABEL = re.compile(rf"^\| ({LABEL}) \| (.*?) \| ?(.*?) ?\|$", re.M)
LISTED_STANDARD = re.compile(r"^\| ((?:RFC \d+(?:, )?)+) \| (.*?) \| ?(.*?) ?\|$", re.M)
LISTED_RULE = re.compile(rf"^\| ({RULE}) \| (.*?) \| (.*?) ?\|$", re.M)
FUNCTION = re.compile(r"^(?!typedef|_Static_assert)[A-Za-z_][^;=]*?\b(\w+)\([^;]*$")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
MODES = (("`handfast run`", "expected-differences", "open"),
         ("library", "expected-differences-library", "open-library"))
HEADER = """# Conformance

What must be so, where it is carried out, which tests carry its name, and what differs from the Linux kernel. Made by
`make clauses` from the citations in the code and from the lists in `tests/posix`; do not edit.

A program of `tests/posix` makes observations, each for IPv4 and for IPv6. All must hold on the kernel; the same program
then runs under `handfast run`, and its source on the library. `make conformance` does so and fails when another
observation differs than those listed, when a listed one does not, and when there are more or fewer observations than
told here. In the columns of results `=` means that each conformance program named in the row answers as the kernel
does, a number how many of the row's observations do not (told at the end, program by program), `open` that a program is
not judged yet, and `–` that only tests at packet level or of real programs carry the clause.

TCP's clauses are tested at packet level, segment by segment and in virtual time: `tests/unit/tcp`. Where their note begins
with "not done", it tells why.
"""


# ---- Citations ----

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


def citations(text):
    """(clause, line number from 0) of each citation."""
    for m in CITATION.finditer(text):
        line = text.count("\n", 0, m.start())
        if m["rfc"]:
            for where in [(m["where"] or "").strip(" *\n"), *re.findall(LABEL, m["labels"] or "")]:
                yield f"RFC {m['rfc']}" + (f" {where}" if where else ""), line
        elif m["rules"]:
            for rule in re.findall(RULE, m["rules"]):
                yield f"NetSem {rule}", line
        else:
            for clause in spread(m["c"], m["to"]):
                yield clause, line


class Place(collections.namedtuple("Place", "file function")):
    def __str__(self):
        return f"`{self.file}{': ' if self.function else ''}{self.function}`"


def collect():
    """clause -> (places in code, places in tests)"""
    found = collections.defaultdict(lambda: (set(), set()))
    for top in ("include", "src", "tests"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix not in (".c", ".h", ".t", ".py", ".script") or not path.is_file():
                continue
            short = path.relative_to(ROOT / top) if top == "src" else path.relative_to(ROOT)
            text = path.read_text(errors="replace")
            lines = text.splitlines()
            names = functions(lines) if path.suffix == ".c" else [""] * len(lines)
            for clause, line in citations(text):
                found[clause][top == "tests"].add(Place(str(short), names[line]))
    return found


def order(clause):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", clause)]


# ---- What differs ----

class Program:
    """The source of a conformance program: which function tells an observation."""

    def __init__(self, name):
        text = (POSIX / f"{name}.c").read_text()
        lines = text.splitlines()
        self.bodies = collections.defaultdict(str)
        for line, function in zip(lines, functions(lines)):
            self.bodies[function] += line + "\n"
        self.formats = [(self.pattern(literal), function) for function, body in self.bodies.items()
                        for literal in LITERAL.findall(re.sub(r'"\s*\n\s*"', "", body))]

    @staticmethod
    def pattern(literal):
        """What a printf format can tell, and how many characters of it are certain."""
        parts = re.split(r"%[-0-9.]*l*[a-z]", literal)
        return re.compile(".*".join(map(re.escape, parts))), sum(map(len, parts))

    def tellers(self, observation):
        """The functions that may tell it: those with the most certain format; all when there is none."""
        observation = re.sub(r"^(both|v4|v6): ", "", observation)
        fitting = [(certain, function) for (pattern, certain), function in self.formats
                   if certain and pattern.fullmatch(observation)]
        best = max(fitting, default=(0, ""))[0]
        return {function for certain, function in fitting if certain == best} or set(self.bodies)

    def reached(self, function):
        """The function and what it calls, in this file."""
        seen, todo = set(), [function]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += [other for other in self.bodies
                         if other and re.search(rf"\b{other}\b", self.bodies[name])]
        return seen


def listed(name):
    for line in (POSIX / name).read_text().splitlines():
        if line and not line.startswith("#"):
            yield [part.strip() for part in line.split("|")]


class Differences:
    """What one way of running the programs does otherwise."""

    def __init__(self, mode, differing, opened, programs):
        self.mode = mode
        self.programs = programs
        self.open = {row[0] for row in listed(opened)}
        self.rows = collections.defaultdict(list)
        reason = ""
        for program, observation, why in listed(differing):
            reason = reason if why.startswith("as above") else why
            self.rows[program].append((observation, reason))

    @staticmethod
    def observations(rows):
        return sum(2 if observation.startswith("both: ") else 1 for observation, _ in rows
                   if not observation.startswith("case "))

    def of(self, place):
        """The listed rows of the function that is cited, or of the whole program."""
        name = place.file[len("tests/posix/"):-len(".c")]
        program = self.programs[name]
        if not place.function:
            return self.rows[name]
        reached = program.reached(place.function)
        return [row for row in self.rows[name]
                if (row[0][5:] in reached if row[0].startswith("case ")
                    else program.tellers(row[0]) & reached)]

    def cell(self, places):
        judged = {p for p in places if p.file.startswith("tests/posix/") and p.file.endswith(".c")}
        if not judged:
            return "–"
        names = {p.file[len("tests/posix/"):-len(".c")] for p in judged}
        rows = {(p.file, row) for p in judged for row in self.of(p)}
        cells = [str(n)] if (n := self.observations([row for _, row in rows])) else []
        if any(row[0].startswith("case ") for _, row in rows):
            cells.append("not run where it cannot be")
        if names & self.open:
            cells.append("open: " + ", ".join(sorted(names & self.open)))
        return "; ".join(cells) or "="

    def told(self, name):
        """A section's lines about one program."""
        for observation, reason in self.rows[name]:
            yield f"| {name} | {self.mode} | {observation} | {reason} |"


# ---- The page ----

def cell(places):
    return " · ".join(map(str, sorted(places)))


def judged_table(entries, found, differences):
    yield ""
    yield "| clause | code | tests | " + " | ".join(d.mode for d in differences) + " |"
    yield "| --- | --- | --- |" + " --- |" * len(differences)
    for name, key, note in entries:
        code, tests = found.get(key, (set(), set()))
        results = " | ".join(d.cell(tests) for d in differences)
        yield f"| **{name}** {note} | {cell(code)} | {cell(tests)} | {results} |"


def program_table(counts, differences):
    yield ""
    yield "| program | observations | " + " | ".join(d.mode for d in differences) + " |"
    yield "| --- | ---: |" + " ---: |" * len(differences)
    for name, count in counts.items():
        cells = []
        for d in differences:
            cases = sum(observation.startswith("case ") for observation, _ in d.rows[name])
            text = "open" if name in d.open else str(d.observations(d.rows[name]) or "=")
            cells.append(text + (f", {cases} cases not run" if cases else ""))
        yield f"| {name} | {count} | {' | '.join(cells)} |"
    totals = [str(sum(map(d.observations, d.rows.values()))) for d in differences]
    yield f"| all | {sum(map(int, counts.values()))} | {' | '.join(totals)} |"


class Demand:
    """A row of docs/tcp-clauses.md: a clause of RFC 9293, or a standard, which all its sections speak for."""

    def __init__(self, name, text, note):
        self.name, self.text, self.note = name, text, note
        self.is_label = not name.startswith("RFC ")
        self.is_done = not note.startswith("not done") or not self.is_label

    def places(self, found, top):
        """Where it is cited; top: 0 in code, 1 in tests."""
        if self.is_label:
            return found.get(f"RFC 9293 {self.name}", (set(), set()))[top]
        return {place._replace(function="") for clause, tops in found.items() for place in tops[top]
                if re.match(r"RFC \d+", clause) and re.match(r"RFC \d+", clause)[0] in self.name.split(", ")}


def tcp_demands():
    text = TCP.read_text()
    return [Demand(*row) for pattern in (LISTED_LABEL, LISTED_STANDARD) for row in pattern.findall(text)]


def tcp_table(demands, found, titles):
    yield ""
    yield f"| {' | '.join(titles)} |"
    yield "| --- | --- | --- | --- |"
    for d in demands:
        yield f"| **{d.name}** {d.text} | {cell(d.places(found, 0))} | {cell(d.places(found, 1))} | {d.note} |"


def render(found, clauses, rules, tcp, counts, differences):
    lines = ["", "## connect(): [the clauses](posix/connect.md)"]
    lines += judged_table([(c, c, text) for c, text in clauses], found, differences)
    lines += ["", "## [NetSem's rules](posix/netsem.md)"]
    lines += judged_table([(rule, f"NetSem {rule}", text + (f" (**Linux does otherwise:** {other})" if other else ""))
                           for rule, text, other in rules], found, differences)
    lines += ["", "## TCP: [RFC 9293](tcp-clauses.md)"]
    lines += tcp_table([d for d in tcp if d.is_label], found, ["clause", "code", "tests", "note"])
    lines += ["", "## TCP: [the other standards](tcp-clauses.md#the-other-standards)"]
    lines += tcp_table([d for d in tcp if not d.is_label], found, ["standard", "code", "tests", "not done"])
    lines += ["", "## The programs"]
    lines += program_table(counts, differences)
    lines += ["", "### What differs", "",
              "`both:` stands for the observation by IPv4 and the one by IPv6, `case` for a whole case that is not run.",
              "", "| program | | observation | why |", "| --- | --- | --- | --- |"]
    lines += [line for name in counts for d in differences for line in d.told(name)]
    lines += ["", "## RFCs", "", "| clause | code | tests |", "| --- | --- | --- |"]
    for clause in sorted((c for c in found if c.startswith("RFC ") and "-" not in c), key=order):
        code, tests = ({place._replace(function="") if place.file.startswith("tests/") else place
                        for place in places} for places in found[clause])
        lines.append(f"| {clause} | {cell(code)} | {cell(tests)} |")
    return HEADER + "\n".join(lines) + "\n"


def tcp_problems(found, demands):
    for d in demands:
        if d.is_done and not d.places(found, 0):
            yield f"{d.name} is cited by no code: {d.text}"
        if d.is_done and not d.places(found, 1):
            yield f"{d.name} is cited by no test: {d.text}"
    labels = {f"RFC 9293 {d.name}" for d in demands}
    for clause in sorted(c for c in found if c.startswith("RFC ") and "-" in c and c not in labels):
        yield f"{clause} is cited ({cell(found[clause][0] | found[clause][1])}) and is no clause"


def problems(found, clauses, rules, tcp, counts, programs):
    if len(clauses) != 29:
        yield f"{CLAUSES.relative_to(ROOT)}: {len(clauses)} clauses are listed, not 29"
    wanted = [(c, text) for c, text in clauses] + [(f"NetSem {rule}", text) for rule, text, _ in rules]
    for clause, text in wanted:
        code, tests = found.get(clause, (set(), set()))
        if not code:
            yield f"{clause} is cited by no code: {text}"
        if not tests:
            yield f"{clause} is cited by no test: {text}"
    for clause in sorted(set(found) - {clause for clause, _ in wanted}, key=order):
        if clause.startswith("NetSem "):
            yield f"{clause} is cited ({cell(found[clause][0] | found[clause][1])}) and is no rule"
    yield from tcp_problems(found, tcp)
    if list(counts) != sorted(programs):
        yield "tests/posix/observations: not one line for each program, in order: tests/posix/run count"


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: tools/clauses.py [--check]")
    found = collect()
    clauses = LISTED_CLAUSE.findall(CLAUSES.read_text())
    rules = LISTED_RULE.findall(RULES.read_text())
    tcp = tcp_demands()
    names = [str(path.relative_to(POSIX))[:-len(".c")] for path in sorted(POSIX.glob("*/*.c"))]
    programs = {name: Program(name) for name in names}
    differences = [Differences(*mode, programs) for mode in MODES]
    counts = {name: count for name, count in listed("observations")}
    page = render(found, clauses, rules, tcp, counts, differences)
    if not sys.argv[1:]:
        PAGE.write_text(page)
        print(f"clauses: {len(found)} written")
        return 0
    bad = list(problems(found, clauses, rules, tcp, counts, programs))
    if not PAGE.exists() or PAGE.read_text() != page:
        bad.append("docs/conformance.md is stale: make clauses")
    print("\n".join(bad + [f"clauses: {len(found)} cited, {len(bad)} problems"]))
    return 1 if bad else 0


sys.exit(main())
