#!/usr/bin/env python3
"""Names resolve through the host's resolver, wherever that listens; plain and connected UDP."""
import socket
import subprocess
import threading

import lib
from lib import FAMILY, HOST, LOOPBACK, equal, have, hf, ok, only_handfast, run, url

RESOLVER = "127.0.0.53"  # a private loopback address, as systemd-resolved uses it

LOOK_UP = """
import socket, sys
print(' '.join(sorted({a[4][0] for a in socket.getaddrinfo(sys.argv[1], 80, type=socket.SOCK_STREAM)})))
"""

# Asks the echo server at ADDRESS PORT in each way that UDP knows; prints what came back, and sizes.
UDP = """
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ':' in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(b'plain', (host, port))
data, peer = s.recvfrom(100)
print(data.decode(), peer[0] == host and peer[1] == port)
s.connect((host, port))
s.send(b'connected')
print(s.recv(100).decode(), s.getpeername()[1] == port)
for size in (0, 1, 1472, 9000, int(sys.argv[3])):
    s.send(b'x' * size)
    print(size, len(s.recv(65536)))
s.sendmsg([b'in ', b'pieces'])
print(s.recvmsg(100)[0].decode())
"""

UDP_REFUSED = """
import errno, socket, sys, time
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b'anybody there?')
error, end = 0, time.monotonic() + 5
while not error and time.monotonic() < end:  # recv and poll do not tell: docs/deviations.md
    time.sleep(0.01)
    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
print(errno.errorcode.get(error, error))
"""


def resolver():
    """dnsmasq at RESOLVER:53, and a resolv.conf that names it, seen in this mount namespace only."""
    addresses = [f"--address=/web.test/{HOST[family]}" for family in (4, 6)]
    lib.start(["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--port=53", "--bind-interfaces",
               f"--listen-address={RESOLVER}", "--user=root", "--group=root", "--pid-file",
               "--conf-file=/dev/null", "--local=/test/", *addresses], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    conf = lib.TMP / "resolv.conf"
    conf.write_text(f"nameserver {RESOLVER}\noptions timeout:2 attempts:2\n")
    conf.chmod(0o644)
    subprocess.run(["mount", "--bind", conf, lib.os.path.realpath("/etc/resolv.conf")], check=True)
    return lib.wait_until(lambda: lib.accepts(RESOLVER, 53), 10)


def names():
    if not have("names_resolve", "dnsmasq"):
        return
    if not ok(resolver(), "resolver_is_up"):
        return
    both = " ".join(sorted(HOST.values()))
    result = run(hf(*lib.python(LOOK_UP, "web.test")))
    equal(result.text, both, "getaddrinfo_resolves_both_families", result)
    result = run(hf("getent", "hosts", "web.test"))
    ok(result.text.startswith(HOST[6]), "getent_resolves", result)
    result = run(hf(*lib.python(LOOK_UP, "no-such.test")))
    ok("Name or service not known" in result.err.decode() and result.seconds < 2,
       "unknown_name_is_told_at_once", result)
    lib.make_file(1)
    port = lib.file_server(4)
    if have("curl_by_name", "curl"):
        result = run(hf("curl", "-4", "-sS", "-f", "-o", "/dev/null", url(4, port, "file", host="web.test")))
        equal(result.code, 0, "curl_by_name", result)
    if have("static_go_by_name", lib.PROGRAMS / "client-go"):
        result = run(hf(lib.PROGRAMS / "client-go", url(4, port, "file", host="web.test")))
        equal((result.code, len(result.out)), (0, 1 << 20), "static_go_by_name", result)
    if have("static_musl_by_name", lib.PROGRAMS / "client-musl"):
        result = run(hf(lib.PROGRAMS / "client-musl", "web.test", port, "file"))
        equal((result.code, len(result.out)), (0, 1 << 20), "static_musl_by_name", result)
    if only_handfast("resolver_of_the_virtual_network"):
        for address in ("10.0.2.3", "fd00:2::3"):
            conf = f"nameserver {address}"
            result = run(hf("unshare", "-m", "sh", "-c", f"echo {conf} >{lib.TMP}/r && mount --bind {lib.TMP}/r "
                            "/etc/resolv.conf && getent hosts web.test"))
            ok(result.text.startswith(HOST[6]), f"{address}_is_the_hosts_resolver", result)
        result = run(hf(*lib.python("import socket; print(socket.socket().connect_ex(('127.0.0.53', 54)))")))
        equal(result.text, "111", "other_ports_of_the_resolvers_address_stay_the_stacks_own", result)


def echo_server(family):
    s = socket.socket(FAMILY[family], socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.bind((LOOPBACK[family], 0))

    def serve():
        while True:
            s.sendto(*s.recvfrom(65536))

    threading.Thread(target=serve, daemon=True).start()
    return s.getsockname()[1]


def udp():
    largest = {4: 65507, 6: 65527}
    for family in (4, 6):
        result = run(hf(*lib.python(UDP, HOST[family], echo_server(family), largest[family])))
        sizes = (0, 1, 1472, 9000, largest[family])
        want = ["plain True", "connected True", *[f"{n} {n}" for n in sizes], "in pieces"]
        equal(result.text.splitlines(), want, f"v{family}_udp_plain_connected_and_of_all_sizes", result)
        free = lib.free_port(LOOPBACK[family], socket.SOCK_DGRAM)
        result = run(hf(*lib.python(UDP_REFUSED, HOST[family], free)))
        equal(result.text, "ECONNREFUSED", f"v{family}_udp_port_unreachable_reaches_the_connected_socket", result)


lib.begin(120)
udp()
names()
lib.done()
