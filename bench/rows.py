"""The rows of the bench: what is run at which side, and what is compared with what."""


class Comparison:
    """Ours beside a peer's: two references (side, command, figure)."""

    def __init__(self, peer, ours, theirs):
        self.peer, self.ours, self.theirs = peer, ours, theirs


class Row:
    """less: of two figures the lesser is the better. Ratios above 1 are in our favour."""

    ratio_is_cost = False

    def __init__(self, name, unit, comparisons, less=False, families=(4, 6)):
        self.name, self.unit, self.less, self.families = name, unit, less, families
        self.comparisons = comparisons

    def runs(self):
        for comparison in self.comparisons:
            yield comparison.ours[:2]
            yield comparison.theirs[:2]

    def compare(self, measured, comparison, family):
        """(ours, theirs, ratio), or None where one of them is not there."""
        ours = measured.median(comparison.ours, family)
        theirs = measured.median(comparison.theirs, family)
        if ours is None or theirs is None:
            return None
        return ours, theirs, theirs / ours if self.less else ours / theirs


class Ports(Row):
    """The worst of connect()'s times over how full the ports are; the ratio is to ours when they
    are empty, and what it costs. The kernel's own figure is at half of them, in its own order."""

    ratio_is_cost = True
    FILL = (0, 500, 900, 990, 999, 1000)  # of a thousand

    def __init__(self):
        super().__init__("port-occupancy", "ns", [Comparison("kernel", None, ("kernel", "ports 510 2", "p50"))])

    def ours(self, order):
        return [("core", f"ports {fill} {order}", "p50") for fill in self.FILL]

    def runs(self):
        yield "kernel", "ports 510 2"
        for order in (0, 1):
            for side, command, _ in self.ours(order):
                yield side, command

    def compare(self, measured, comparison, family):
        values = [[measured.median(ref, family) for ref in self.ours(order)] for order in (0, 1)]
        theirs = measured.median(comparison.theirs, family)
        if None in values[0] + values[1] or theirs is None:
            return None
        worst = max(values[0] + values[1])
        return worst, theirs, worst / values[0][0]


def same(command, figure, peers, side="core"):
    """The same work at our side and at those of the peers."""
    return [Comparison(peer, (side, command, figure), (peer, command, figure)) for peer in peers]


def is_long(side, command):
    """Done once rather than in every round."""
    row, *numbers = command.split()
    return row == "ports" or row in ("cycle", "memory") and bool(numbers) and int(numbers[0]) >= 1000


QUICK = [
    Row("connect-cycle", "/s", same("cycle", "rate", ("kernel", "lwip"))),
    Row("connect-cycle-held", "/s", [
        Comparison("kernel", ("core", "cycle 1000000", "rate"), ("kernel", "cycle 9000", "rate")),
        Comparison("lwip", ("core", "cycle 1000000", "rate"), ("lwip", "cycle 2000", "rate"))]),
    Row("connect-latency", "ns", same("latency", "p50", ("kernel", "lwip"), side="face"), less=True),
    Ports(),
    Row("rr", "/s", same("rr", "rate", ("kernel",), side="face") + same("rr", "rate", ("lwip",))),
    Row("bulk", "B/s", same("bulk", "rate", ("kernel", "lwip"))),
    Row("udp", "/s", same("udp", "rate", ("kernel", "lwip"))),
    Row("unix-cycle", "/s", same("unix-cycle", "rate", ("kernel",)), families=(4,)),
]

# bench/run's names and ours.
HOST_LINK = {
    "run-download": "run-download",
    "run-upload": "run-upload",
    "run-connects": "run-connect",
    "run-round-trips": "run-rr",
}
