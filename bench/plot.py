"""Plots as SVG, by nothing but text: lines over axes, and bars of ratios."""
import html
import math

COLOURS = ("#0b62a4", "#c03d2b", "#3f8f3b", "#7a4fa3")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 90, 170, 50, 60
FONT = 'font-family="sans-serif" font-size="13" fill="#222"'


def text(x, y, words, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {FONT} {extra}>{html.escape(str(words))}</text>'


def line(x1, y1, x2, y2, colour="#ddd", extra=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {extra}/>'


def picture(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">\n'
            f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")


def tick(value):
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"


def decades(values):
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)
    return [10.0 ** n for n in range(low, high + 1)]


class Axis:
    """Values to places. Logarithmic where they span more than 50 times; 0 then stands at the left."""

    def __init__(self, values, start, end):
        positive = [v for v in values if v > 0]
        self.start, self.end = start, end
        self.is_log = max(positive) > 50 * min(positive) and max(positive) > 2000
        self.ticks = decades(positive) if self.is_log else self.linear(max(positive))
        if self.is_log and min(values) == 0:
            self.ticks.insert(0, self.ticks[0] / 10)
        self.has_zero = min(values) == 0

    @staticmethod
    def linear(top):
        step = 10.0 ** math.floor(math.log10(top))
        step = step / 2 if top / step < 4 else step
        return [n * step for n in range(math.ceil(top / step) + 1)]

    def place(self, value):
        first, last = self.ticks[0], self.ticks[-1]
        if self.is_log:
            value, first, last = (math.log10(max(v, first)) for v in (value, first, last))
        return self.start + (value - first) / (last - first) * (self.end - self.start)

    def label(self, value):
        return "0" if self.is_log and self.has_zero and value == self.ticks[0] else tick(value)


def curves(title, x_title, y_title, lines):
    """lines: (label, [(x, y)]), at least one point each."""
    x_axis = Axis([x for _, points in lines for x, _ in points], LEFT, WIDTH - RIGHT)
    y_axis = Axis([y for _, points in lines for _, y in points], HEIGHT - BOTTOM, TOP)
    parts = [text(LEFT, 26, title, extra='font-weight="bold"'),
             text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_title, "middle"),
             text(0, 0, y_title, "middle", f'transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"')]
    for value in y_axis.ticks:
        y = y_axis.place(value)
        parts += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 8, y + 4, y_axis.label(value), "end")]
    for value in x_axis.ticks:
        x = x_axis.place(value)
        parts += [line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5, "#888"),
                  text(x, HEIGHT - BOTTOM + 20, x_axis.label(value), "middle")]
    for (label, points), colour in zip(lines, COLOURS):
        places = [(x_axis.place(x), y_axis.place(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
        words, y = label.split(", "), places[-1][1] + 4
        parts += [text(places[-1][0] + 10, y + 15 * n, part, extra=f'style="fill:{colour}"')
                  for n, part in enumerate(words)]
    return picture(WIDTH, HEIGHT, parts)


def bars(title, entries):
    """entries: (label, ratio, bar or None, goal or None). A stroke marks the bar, a dot the goal."""
    height, row, left, right = 70 + 22 * len(entries), 22, 260, 660
    axis = Axis([1] + [v for _, *values in entries for v in values if v], left, right)
    axis.is_log, axis.ticks = True, decades([v for _, *values in entries for v in values if v])
    parts = [text(16, 26, title, extra='font-weight="bold"')]
    for value in axis.ticks:
        x = axis.place(value)
        parts += [line(x, 40, x, height - 26, "#888" if value == 1 else "#ddd"),
                  text(x, height - 8, f"{value:g} ×", "middle")]
    for n, (label, ratio, bar, goal) in enumerate(entries):
        y, x, one = 46 + row * n, axis.place(ratio), axis.place(axis.ticks[0])
        colour = "#0b62a4" if bar is None or ratio >= bar else "#c03d2b"
        parts += [text(left - 10, y + 12, label, "end"),
                  f'<rect x="{one:.1f}" y="{y}" width="{max(x - one, 1):.1f}" height="14" fill="{colour}"/>',
                  text(right + 12, y + 12, f"{ratio:.3g} ×")]
        if bar:
            parts.append(line(axis.place(bar), y - 2, axis.place(bar), y + 16, "#000", 'stroke-width="2.5"'))
        if goal:
            parts.append(f'<circle cx="{axis.place(goal):.1f}" cy="{y + 7}" r="4" fill="none" stroke="#000"/>')
    return picture(WIDTH, height, parts)
