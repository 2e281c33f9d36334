"""What the programs of the bench share: what machine this is, a network without a way out, and how figures are
written."""
import os
import pathlib
import platform
import resource
import subprocess
import sys
import time

ARRANGE = """
ip link set lo up
ip -6 route add local fd00:77::/64 dev lo
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
echo
exec cat
"""


class Namespace:
    """A network with nothing but loopback, for as long as the `with` lasts, or this program."""

    def __enter__(self):
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        self.holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--net", "sh", "-ec", ARRANGE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"\n":
            sys.exit("bench: no network namespace can be made here")
        self.words = ["nsenter", "--target", str(self.holder.pid), "--user", "--net", "--preserve-credentials", "--"]
        return self

    def __exit__(self, *_):
        self.holder.kill()


class Others:
    """How much of a processor, of the time that the `with` lasts, others took: all that it was busy with
    but for our children that have ended and what live() tells of those that have not, in seconds. 0 where
    cpu is not one processor."""

    def __init__(self, cpu, live=lambda: 0):
        self.cpu, self.live = cpu, live

    def __enter__(self):
        self.began, self.busy, self.ours = time.monotonic(), self.busy_s(), self.ours_s()
        self.share = 0
        return self

    def __exit__(self, *_):
        lasted = time.monotonic() - self.began
        if self.cpu.isdigit():
            others = self.busy_s() - self.busy - (self.ours_s() - self.ours)
            self.share = min(max(others / lasted, 0), 0.9)

    def busy_s(self):
        """user, nice, system, irq, softirq and steal."""
        for line in pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines():
            name, *ticks = line.split()
            if name == f"cpu{self.cpu}":
                return sum(int(ticks[n]) for n in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")
        return 0

    def ours_s(self):
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime + self.live()


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def compiler():
    done = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[0] if done.returncode == 0 else "no gcc"


def short(value):
    """About three digits, as people write them."""
    if value >= 1e9:
        return f"{value / 1e9:.3g} G"
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    if value >= 1e3:
        return f"{value:,.0f}"
    return f"{value:.3g}"
