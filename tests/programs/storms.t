#!/usr/bin/env python3
"""Very many sockets: none fails, and what they cost the supervisor comes back while the program
still lives. The look-ups and abandoned connects close their sockets in every state."""
import asyncio
import os
import socket
import threading

import lib
from lib import FAMILY, HOST, LOOPBACK, NATIVE, SILENT, equal, have, hf, ok, run, skip, url

STORM = lib.PROGRAMS / "storm"
CONNECTIONS, PARALLEL = 20000, 200
LOOKUPS = {4: 50000, 6: 50000}
ABANDONED = {4: 5000, 6: 5000}
FEW_FDS, FEW_KIB = 8, 1024  # what may differ for reasons other than a leak


def in_thread(serve):
    """Runs serve(report) in a thread; returns what it reports."""
    got, answer = threading.Event(), []
    threading.Thread(target=serve, args=(lambda x: (answer.append(x), got.set()),), daemon=True).start()
    got.wait(10)
    return answer[0]


def hello_server(family):
    """A small HTTP server that bears hundreds of clients at once; returns its port."""
    class Hello(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
            self.transport.close()

    async def serve(report):
        server = await asyncio.get_running_loop().create_server(Hello, LOOPBACK[family], 0, backlog=1024)
        report(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    return in_thread(lambda report: asyncio.run(serve(report)))


def echo_server(family):
    def serve(report):
        s = socket.socket(FAMILY[family], socket.SOCK_DGRAM)
        s.bind((LOOPBACK[family], 0))
        report(s.getsockname()[1])
        while True:
            data, peer = s.recvfrom(2048)
            s.sendto(data, peer)

    return in_thread(serve)


def cost(pid):
    """(descriptors, KiB resident) of a process."""
    with open(f"/proc/{pid}/status") as f:
        kib = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    return len(os.listdir(f"/proc/{pid}/fd")), kib


def storm(kind, family, count, address, port, patience):
    """Runs one storm and compares the supervisor's cost before and after, the program still there."""
    name = f"v{family}_{count}_{kind}"
    child = lib.start(hf(STORM, kind, count, address, port), stdin=lib.subprocess.PIPE,
                      stdout=lib.subprocess.PIPE, text=True)
    child.stdout.readline()
    before = cost(child.pid)
    child.stdin.write("\n")
    child.stdin.flush()
    good = child.stdout.readline().strip()
    equal(good, f"done {count}", f"{name}_all_go_well")

    def is_back():
        now = cost(child.pid)
        return now[0] <= before[0] + FEW_FDS and (lib.SANITIZED or now[1] <= before[1] + FEW_KIB)

    if not NATIVE:
        lib.wait_until(is_back, patience)
        after = cost(child.pid)
        ok(is_back(), f"{name}_leave_nothing_in_the_supervisor",
           f"descriptors and KiB before {before}, after {after}")
    child.stdin.close()
    equal(child.wait(10), 0, f"{name}_program_ends")


lib.begin(600)
for family in (4, 6):
    name = f"v{family}_{CONNECTIONS // 2}_connections_{PARALLEL}_at_once_with_ab"
    port = hello_server(family)
    if have(name, "ab"):
        result = run(hf("ab", "-q", "-n", CONNECTIONS // 2, "-c", PARALLEL, url(family, port)), 120)
        equal((result.code, "Failed requests:        0" in result.text), (0, True), name, result)
    name = f"v{family}_{CONNECTIONS // 2}_connections_{PARALLEL}_at_once_with_go"
    if have(name, lib.PROGRAMS / "client-go"):
        result = run(hf(lib.PROGRAMS / "client-go", "-n", CONNECTIONS // 2, "-c", PARALLEL,
                        url(family, port)), 120)
        equal(result.text, str(CONNECTIONS // 2), name, result)
    storm("lookups", family, LOOKUPS[family], HOST[family], echo_server(family), 45)
if lib.silent_network():
    for family in (4, 6):
        storm("abandon", family, ABANDONED[family], SILENT[family], 80, 30)
        storm("timeout", family, 500, SILENT[family], 80, 30)
else:
    skip("abandoned_connects", "no /dev/net/tun here")
lib.done()
