"""The rows of the bench: what is run at which side, and what is compared with what.

A reference names a figure: (side, command, figure), where the command is a row of that side's program
and its numbers. A list of references stands for the worst of them."""


class Comparison:
    """Ours beside a peer's. bar: the ratio that must hold; goal: what we are after; of a limit, which
    has no peer, the same for our figure itself."""

    def __init__(self, peer, ours, theirs, bar=None, goal=None):
        self.peer, self.ours, self.theirs, self.bar, self.goal = peer, ours, theirs, bar, goal

    def refs(self):
        for ref in (self.ours, self.theirs):
            yield from ref if isinstance(ref, list) else [ref] if ref else []


class Row:
    """less: of two figures the lesser is the better. Ratios above 1 are in our favour."""

    def __init__(self, name, title, unit, comparisons, less=False, families=(4, 6)):
        self.name, self.title, self.unit, self.less, self.families = name, title, unit, less, families
        self.comparisons = comparisons

    def runs(self):
        return {ref[:2] for comparison in self.comparisons for ref in comparison.refs()}

    def figure(self, measured, ref, family):
        """None when it is not there."""
        if not isinstance(ref, list):
            return measured.median(ref, family)
        values = [measured.median(one, family) for one in ref]
        return None if None in values else max(values) if self.less else min(values)

    def compare(self, measured, comparison, family):
        """(ours, theirs, ratio), or None where one of them is not there."""
        ours = self.figure(measured, comparison.ours, family)
        if ours is None or comparison.theirs is None:
            return ours and (ours, None, None)
        theirs = self.figure(measured, comparison.theirs, family)
        return theirs and (ours, theirs, theirs / ours if self.less else ours / theirs)

    def meets(self, comparison, compared, wanted):
        """Does it reach the bar, or the goal?"""
        ours, theirs, ratio = compared
        if theirs is None:
            return ours <= wanted if self.less else ours >= wanted
        return ratio >= wanted


def limit(ref, bar, goal):
    return Comparison(None, ref, None, bar, goal)


def same(command, figure, side="core", **peers):
    """The same work at our side and at the peers', each with its bar and goal or ()."""
    return [Comparison(peer.replace("_", "-"), (side, command, figure), (peer.replace("_", "-"), command, figure),
                       *wanted) for peer, wanted in peers.items()]


def is_long(side, command):
    """Done once rather than in every round."""
    row, *numbers = command.split()
    return row == "ports" or row in ("cycle", "memory") and bool(numbers) and int(numbers[0]) >= 1000


FILL = (0, 500, 900, 990, 999)  # of a thousand
ORDERS = (0, 1)  # random, upwards
EMPTY = ("core", "ports 0 0", "p50")
HELD = ("core", "cycle 1000000", "rate")
OFFSETS = (1, 16, 64, 128, 2048, 4032)  # of the program's buffers in their pages


def rows(pairs):
    return [
        Row("connect-cycle", "connect, accept, close by RST", "/s",
            same("cycle", "rate", kernel=(40, 60), lwip=(1.3, 2), lwip_defaults=())),
        Row("connect-cycle-held", "the same with 1,000,000 pairs held", "/s", [
            Comparison("none held", HELD, ("core", "cycle", "rate"), 0.5, 0.8),
            Comparison("kernel", HELD, ("kernel", "cycle 9000", "rate")),
            Comparison("lwip", HELD, ("lwip", "cycle 2000", "rate"))]),
        Row("connect-cycle-fin", "the same by FIN, 4,096 addresses, TIME-WAIT", "/s",
            same("cycle-fin 4096", "rate", kernel=(20, 40), lwip=())),
        Row("connect-cycle-posix", "connect, accept, close by RST, POSIX calls", "/s",
            same("cycle", "rate", side="face", kernel=())),
        Row("connect-latency", "blocking connect(), median", "ns",
            same("latency", "p50", side="face", kernel=(15, 30), lwip=()), less=True),
        Row("connect-latency-p99", "blocking connect(), 99th percentile", "ns",
            same("latency", "p99", side="face", kernel=(15, 30))
            + [Comparison("its median", ("face", "latency", "p99"), ("face", "latency", "p50"), 1 / 3)], less=True),
        Row("port-occupancy", "connect(), worst of 0 … 99.9 % of ports taken", "ns", [
            Comparison("none taken", [("core", f"ports {f} {o}", "p50") for f in FILL for o in ORDERS], EMPTY, 1 / 1.5),
            Comparison("kernel", [("core", f"ports {f} {o}", "p50") for f in FILL for o in ORDERS],
                       ("kernel", "ports 510 2", "p50"))], less=True),
        Row("port-exhausted", "connect(), no port left", "ns",
            [limit([("core", f"ports 1000 {o}", "p50") for o in ORDERS], 2000, 500)], less=True),
        Row("memory", f"memory of a pair, {pairs:,} open", "B",
            [limit(("core", f"memory {pairs}", "bytes"), 1300, 1000),
             Comparison("kernel", ("core", f"memory {pairs}", "bytes"), ("kernel", "memory 9000", "bytes")),
             Comparison("lwip", ("core", f"memory {pairs}", "bytes"), ("lwip", "memory 2000", "bytes"))], less=True),
        Row("memory-after", "what is left of it when all are closed", "B",
            [limit(("core", f"memory {pairs}", "bytes-after"), 130, 13)], less=True),
        Row("open-rate", "pairs opened", "/s", [limit(("core", f"memory {pairs}", "open-rate"), 250e3, 1e6)]),
        Row("close-rate", "pairs closed", "/s", [limit(("core", f"memory {pairs}", "close-rate"), 250e3, 1e6)]),
        Row("rr", "round trips of one byte (kernel: by POSIX calls)", "/s",
            same("rr", "rate", side="face", kernel=(15, 30)) + same("rr", "rate", lwip=(1.3, 2), lwip_defaults=())),
        Row("bulk", "bulk through one connection, copies in and out", "B/s",
            same("bulk", "rate", kernel=(3, 3), lwip=(1, 1), lwip_defaults=())
            + [Comparison("two copies", ("core", "bulk", "rate"), ("core", "copies", "best"), 0.45, 0.75)]),
        Row("bulk-16", "the same, 16 KiB at a time rather than 64", "B/s",
            same("bulk 0 16", "rate", kernel=())
            + [Comparison("two copies", ("core", "bulk 0 16", "rate"), ("core", "copies 16", "best"))]),
        Row("bulk-offset", "bulk, worst of several offsets of the buffers", "B/s", [
            Comparison("offset 0", [("core", f"bulk {o}", "rate") for o in OFFSETS], ("core", "bulk", "rate"))]),
        Row("bulk-posix", "bulk by POSIX calls", "B/s", same("bulk", "rate", side="face", kernel=())),
        Row("udp", "connected UDP, a datagram of 64 bytes sent and received", "/s",
            same("udp", "rate", kernel=(20, 20), lwip=(0.8, 1.2), lwip_defaults=())),
        Row("udp-posix", "the same by POSIX calls", "/s", same("udp", "rate", side="face", kernel=())),
        Row("reconnect", "connect() of a UDP socket anew, POSIX calls", "/s",
            same("reconnect", "rate", side="face", kernel=(5, 10))),
        Row("unix-cycle", "AF_UNIX stream, connect, accept, close", "/s",
            same("unix-cycle", "rate", kernel=(10, 20)), families=(4,)),
        Row("unix-bulk", "AF_UNIX stream, bulk", "B/s", same("unix-bulk", "rate", kernel=(2, 4)), families=(4,)),
        Row("unix-cycle-posix", "AF_UNIX stream, connect, accept, close, POSIX calls", "/s",
            same("unix-cycle", "rate", side="face", kernel=()), families=(4,)),
        Row("timer-arm", "1,000,000 timers, arm one", "ns",
            [limit(("core", "timers 1000000", "arm"), 100, 30)], less=True, families=(4,)),
        Row("timer-cancel", "1,000,000 timers, cancel one", "ns",
            [limit(("core", "timers 1000000", "cancel"), 100, 30)], less=True, families=(4,)),
        Row("timer-fire", "1,000,000 timers, fire one", "ns",
            [limit(("core", "timers 1000000", "fire"), 100, 30)], less=True, families=(4,)),
        Row("shards", "two stacks on two threads, connect cycle", "/s",
            [Comparison("one", ("core", "shards", "two"), ("core", "shards", "one"), 1.9, 1.98)]),
    ]


QUICK_PEERS = ("kernel", "lwip")
QUICK = ("connect-cycle", "connect-cycle-held", "connect-latency", "port-occupancy", "rr", "bulk", "udp", "unix-cycle")


def quick():
    """The rows that guard the bars, beside the kernel's and lwIP's figures only. That of the ports
    compares ours with ours, but the line must have a peer: it has the kernel's figure."""
    for row in rows(0):
        if row.name in QUICK:
            if row.name != "port-occupancy":
                row.comparisons = [c for c in row.comparisons if c.peer in QUICK_PEERS]
            yield row


# What bench/run and bench/path/tap measure: their names; ours, title, and bar and goal by peer.
AHEAD = {"slirp4netns": (2, 2), "pasta": (1, 1)}
LINKS = {
    "download": ("run-download", "`handfast run`: download", {"kernel": (0.8, 1), **AHEAD}),
    "upload": ("run-upload", "`handfast run`: upload", {"kernel": (0.6, 0.8), **AHEAD}),
    "connects": ("run-connect", "`handfast run`: connects, one by one", {"kernel": (0.35, 0.5), **AHEAD}),
    "connect-p50": ("run-connect-p50", "`handfast run`: connect(), median", {"kernel": (0.25, 1 / 3), **AHEAD}),
    "connect-p99": ("run-connect-p99", "`handfast run`: connect(), 99th percentile", {}),
    "connects-64": ("run-connects-64", "`handfast run`: connects, 64 at once", {}),
    "round-trips": ("run-rr", "`handfast run`: round trips of one byte", {"kernel": (0.35, 0.45), **AHEAD}),
    "tap-send": ("tap-send", "to the kernel's TCP over a TAP device; the kernel's over veth", {"kernel": (0.8, 1.2)}),
    "tap-receive": ("tap-receive", "the same, from the kernel's TCP", {"kernel": (0.8, 1.2)}),
}
QUICK_LINK = ("run-download", "run-upload", "run-connect", "run-rr")


# Plots of one family: file, title, axes, and lines: label, points (x, reference).
CURVES = (
    ("held", "Connections per second while others are held", "pairs held", "connect + accept + close, /s", (
        ("Handfast", [(n, ("core", f"cycle {n}" if n else "cycle", "rate")) for n in (0, 1000, 10000, 100000, 1000000)]),
        ("kernel", [(n, ("kernel", f"cycle {n}" if n else "cycle", "rate")) for n in (0, 1000, 9000)]),
        ("lwIP raw", [(n, ("lwip", f"cycle {n}" if n else "cycle", "rate")) for n in (0, 100, 1000, 2000)]))),
    ("ports", "Next connect() to one peer", "ports taken, per mille", "connect(), ns", (
        ("Handfast", [(f, ("core", f"ports {f} 0", "p50")) for f in (*FILL, 1000)]),
        ("kernel, filled in its own order", [(f, ("kernel", f"ports {f} 2", "p50")) for f in (0, 250, 490, 510, 700)]))),
)
