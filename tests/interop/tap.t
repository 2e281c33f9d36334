#!/usr/bin/env python3
"""Our TCP against the kernel's over an Ethernet link (TAP): an interop table. C28 C29.

Two peers, the same program, one on our stack and one on the kernel's, do what the test tells them in
lines of JSON. Natively (HF_NATIVE=1) both are on the kernel's."""
import hashlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "programs"))
import lib  # noqa: E402
from lib import NATIVE, PYTHON, equal, hf, ok, skip  # noqa: E402

OURS = {4: "10.9.0.2", 6: "fd00:9::2"}
KERNELS = {4: "10.9.0.1", 6: "fd00:9::1"}
TAP = "hftest"
MB = int(os.environ.get("HF_INTEROP_MB", "100"))


# ---- a peer ----

class Peer:
    """The sockets of one side, by name. A failing call's answer is its errno's name."""

    def __init__(self):
        self.sockets = {}

    def bind(self, name, family, address):
        s = self.sockets[name] = socket.socket(lib.FAMILY[family])
        s.bind((address, 0))
        return s.getsockname()[1]

    def listen(self, name):
        self.sockets[name].listen()

    def accept(self, listener, name):
        self.sockets[name] = self.sockets[listener].accept()[0]

    def connect(self, name, address, port):
        self.sockets[name].connect((address, port))

    def send(self, name, count):
        """Sends so many bytes; the answer is their hash."""
        s, digest, block = self.sockets[name], hashlib.sha256(), os.urandom(1 << 18)
        while count:
            piece = block[:count]
            s.sendall(piece)
            digest.update(piece)
            count -= len(piece)
        return digest.hexdigest()

    def receive(self, name):
        """Receives up to the end; the answer is the hash."""
        digest = hashlib.sha256()
        while block := self.sockets[name].recv(1 << 18):
            digest.update(block)
        return digest.hexdigest()

    def shut(self, name):
        self.sockets[name].shutdown(socket.SHUT_WR)

    def close(self, name):
        self.sockets.pop(name).close()

    def probe(self, name):
        """Asks every second whether the other end lives."""
        s = self.sockets[name]
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)

    def reset(self, name):
        self.sockets[name].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(name)


def be_peer():
    import errno
    peer = Peer()
    for line in sys.stdin:
        verb, *args = json.loads(line)
        try:
            answer = getattr(peer, verb)(*args)
        except OSError as e:
            answer = errno.errorcode.get(e.errno, str(e))
        print(json.dumps(answer), flush=True)


class Remote:
    """A peer in a process of its own; `tell` begins a call, `answer` waits for its end."""

    def __init__(self, command, address):
        self.address = address
        self.child = lib.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, *words):
        self.child.stdin.write(json.dumps(words) + "\n")
        self.child.stdin.flush()

    def answer(self):
        line = self.child.stdout.readline()
        return json.loads(line) if line else "peer is gone"

    def do(self, *words):
        self.tell(*words)
        return self.answer()

    def end(self):
        self.child.stdin.close()
        return self.child.wait(20)


# ---- the table; a and b are the peers, a connects to b ----

def joined(a, b, family):
    """Connects a's socket "c" to b's "c"; what connect() said."""
    port = b.do("bind", "l", family, b.address[family])
    b.do("listen", "l")
    a.do("bind", "c", family, a.address[family])
    said = a.do("connect", "c", b.address[family], port)
    if said is None:
        b.do("accept", "l", "c")
    b.do("close", "l")
    return said


def row_connect(a, b, family, name):
    equal(joined(a, b, family), None, f"{name}_connects")
    sent = a.do("send", "c", 5)
    a.do("close", "c")
    equal(b.do("receive", "c"), sent, f"{name}_bytes_and_close_arrive")
    b.do("close", "c")


def row_refused(a, b, family, name):
    port = b.do("bind", "x", family, b.address[family])
    a.do("bind", "c", family, a.address[family])
    equal(a.do("connect", "c", b.address[family], port), "ECONNREFUSED", f"{name}_is_refused_at_a_closed_port")
    a.do("close", "c")
    b.do("close", "x")


def row_transfer(a, b, family, name):
    joined(a, b, family)
    for source, sink, way in ((a, b, "there"), (b, a, "back")):
        sink.tell("receive", "c")
        sent = source.do("send", "c", MB * 1000000)
        source.do("shut", "c")
        equal(sink.answer(), sent, f"{name}_{MB}_MB_{way}")
    a.do("close", "c")
    b.do("close", "c")


def row_half_close(a, b, family, name):
    joined(a, b, family)
    a.do("shut", "c")
    equal(b.do("receive", "c"), hashlib.sha256().hexdigest(), f"{name}_half_close_is_seen")
    a.tell("receive", "c")
    sent = b.do("send", "c", 1000000)
    b.do("close", "c")
    equal(a.answer(), sent, f"{name}_bytes_still_come_after_half_close")
    a.do("close", "c")


def row_reset(a, b, family, name):
    """A lost RST is not sent again: over a wire that loses, only a probe draws another."""
    joined(a, b, family)
    b.do("probe", "c")
    b.tell("receive", "c")
    a.do("reset", "c")
    equal(b.answer(), "ECONNRESET", f"{name}_reset_is_seen")
    b.do("close", "c")


def row_simultaneous(a, b, family, name):
    """Delayed by the link, each SYN is on its way when the other is sent. RFC 9293 3.5, figure 7."""
    ports = [peer.do("bind", "s", family, peer.address[family]) for peer in (a, b)]
    a.tell("connect", "s", b.address[family], ports[1])
    b.tell("connect", "s", a.address[family], ports[0])
    equal([a.answer(), b.answer()], [None, None], f"{name}_simultaneous_open")
    sent = a.do("send", "s", 1000)
    a.do("close", "s")
    equal(b.do("receive", "s"), sent, f"{name}_bytes_over_a_simultaneous_open")
    b.do("close", "s")


def table(link, rows):
    opts = ("--link", f"tap:{TAP},address={OURS[4]}/24,address={OURS[6]}/64{',' if link else ''}{link}")
    me = [PYTHON, os.path.abspath(__file__), "peer"]
    ours, kernels = Remote(hf(*me, opts=opts), OURS), Remote(me, KERNELS)
    for family in (4, 6):
        for row in rows:
            for a, b, way in ((ours, kernels, "we_to_kernel"), (kernels, ours, "kernel_to_us")):
                row(a, b, family, "_".join(filter(None, (f"v{family}", way, link.replace(",", "_")))))
    equal([ours.end(), kernels.end()], [0, 0], f"peers_end{'_' if link else ''}{link}")


def network():
    """The kernel's end of the wire; natively both addresses are the kernel's."""
    if NATIVE:
        words = [f"addr add {a}/24 dev lo" for a in (OURS[4], KERNELS[4])]
        words += [f"-6 addr add {a}/64 dev lo nodad" for a in (OURS[6], KERNELS[6])]
    else:
        words = [f"tuntap add {TAP} mode tap", f"addr add {KERNELS[4]}/24 dev {TAP}",
                 f"-6 addr add {KERNELS[6]}/64 dev {TAP} nodad", f"link set {TAP} up"]
    return all(subprocess.run(["ip", *w.split()]).returncode == 0 for w in words)


if sys.argv[1:] == ["peer"]:
    be_peer()
    sys.exit()
lib.begin(400)
if network():
    rows = [row_connect, row_refused, row_transfer, row_half_close, row_reset]
    table("", rows)
    if NATIVE:
        skip("loss_and_simultaneous_open", "the kernel's loopback has neither")
    else:
        table("loss=1%,seed=1", rows)
        table("delay=200ms", [row_simultaneous])
else:
    skip("interop", "no TAP device here")
lib.done()
