"""What was measured as a table in Markdown, as tab-separated lines, and as plots."""
import pathlib
import re

import plot
import rows
from machine import short

FIGURES = re.compile(r"(<!-- figures -->\n).*(<!-- end of figures -->)", re.S)


class Line:
    """One row beside one peer, by family: {4: (ours, theirs, ratio), 6: ...}. spread: how far ours lie
    from their middle, as a share of it, in the family where they do more."""

    def __init__(self, name, title, unit, peer, by_family, spread, wanted, reached):
        self.name, self.title, self.unit, self.peer, self.by_family = name, title, unit, peer, by_family
        self.spread = spread          # None where there is but one
        self.bar, self.goal = wanted  # None where there is none
        self.reached = reached        # of the bar and of the goal

    def ratio(self):
        """The lower of the families', None of a limit."""
        ratios = [ratio for _, _, ratio in self.by_family.values() if ratio is not None]
        return min(ratios) if ratios else None


def lines_of(table, measured):
    for row in table:
        for c in row.comparisons:
            found = {f: row.compare(measured, c, f) for f in row.families}
            found = {f: compared for f, compared in found.items() if compared}
            if found:
                reached = [wanted is not None and all(row.meets(c, x, wanted) for x in found.values())
                           for wanted in (c.bar, c.goal)]
                spreads = [measured.spread(c.ours, f) for f in found]
                spread = None if None in spreads else max(spreads)
                yield Line(row.name, row.title, row.unit, c.peer, found, spread, (c.bar, c.goal), reached)


def lines_of_link(link):
    """link: (name, family) -> [(peer, ours, theirs, unit, ratio, spread)], names as bench/run has them."""
    for there, (name, title, wanted) in rows.LINKS.items():
        for n, (peer, _, _, unit, _, _) in enumerate(link.get((there, 4), [])):
            found = {f: (link[there, f][n][1], link[there, f][n][2], link[there, f][n][4]) for f in (4, 6)}
            bar, goal = wanted.get(peer, (None, None))
            ratio = min(r for _, _, r in found.values())
            spreads = [link[there, f][n][5] for f in (4, 6)]
            spread = None if None in spreads else max(spreads)
            yield Line(name, title, unit, peer, found, spread, (bar, goal),
                       [w is not None and ratio >= w for w in (bar, goal)])


def both(line, n):
    values = [compared[n] for compared in line.by_family.values()]
    return " · ".join("" if value is None else short(value) for value in values)


def wish(line, value, is_reached):
    if value is None:
        return ""
    number = short(value) if line.ratio() is None else f"{value:.3g} ×"
    return number + (" ✓" if is_reached else " ✗")


def table(lines):
    yield "| what | ours, IPv4 · IPv6 | spread | beside | theirs | ratio | bar | goal |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    title = ours = None
    for line in lines:
        is_more = f"{line.title}, {line.unit}" == title
        title = f"{line.title}, {line.unit}"
        cells = ["" if is_more else title, "" if is_more and both(line, 0) == ours else both(line, 0)]
        ours = both(line, 0)
        cells += ["" if line.spread is None or not cells[1] else f"± {line.spread:.0%}",
                  line.peer or "limit"]
        cells += ["", ""] if line.ratio() is None else [both(line, 1), both(line, 2)]
        cells += [wish(line, line.bar, line.reached[0]), wish(line, line.goal, line.reached[1])]
        yield f"| {' | '.join(cells)} |"


def ratio_plot(lines):
    entries = [(f"{line.name} / {line.peer}", line.ratio(), line.bar, line.goal)
               for line in lines if line.ratio() is not None and line.bar is not None]
    return plot.bars("Ours beside theirs (stroke: bar, ring: goal)", entries)


def curve_plots(measured):
    for name, title, x_title, y_title, lines in rows.CURVES:
        found = [(label, [(x, measured.median(ref, 4)) for x, ref in points if measured.median(ref, 4)])
                 for label, points in lines]
        found = [(label, points) for label, points in found if len(points) > 1]
        if found:
            yield name, plot.curves(title, x_title, y_title, found)


def write(directory, conditions, lines, measured):
    directory.mkdir(parents=True, exist_ok=True)
    text = "\n".join([conditions, "", *table(lines), ""])
    (directory / "table.md").write_text(text, encoding="utf-8")
    (directory / "ratios.svg").write_text(ratio_plot(lines), encoding="utf-8")
    for name, svg in curve_plots(measured):
        (directory / f"{name}.svg").write_text(svg, encoding="utf-8")
    return text


def publish(document, text):
    """Puts the table in the place of the one that the document has."""
    path = pathlib.Path(document)
    path.write_text(FIGURES.sub(lambda m: m[1] + text + m[2], path.read_text(encoding="utf-8")), encoding="utf-8")
