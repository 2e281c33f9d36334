#!/usr/bin/env python3
"""What a program is told when a connection cannot be made. C11 C12 C14 C15 C18 C23 C24 C25."""
import subprocess

import lib
from lib import FAMILY, HOST, LOOPBACK, SILENT, equal, have, hf, ok, run, skip, url

# Prints the errno's name of one connect: HOST PORT [SYNCNT], or nonblock as the third word.
CONNECT = """
import errno, select, socket, sys
host, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
how = sys.argv[3] if len(sys.argv) > 3 else ''
if how == 'nonblock':
    s.setblocking(False)
elif how:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, int(how))
e = s.connect_ex((host, port))
if e == errno.EINPROGRESS:
    p = select.poll()
    p.register(s, select.POLLOUT)
    p.poll()
    e = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
print(errno.errorcode.get(e, e))
"""


def connect(host, port, *how, timeout=30):
    return run(hf(*lib.python(CONNECT, host, port, *how)), timeout)


def refused():
    for family in (4, 6):
        port = lib.free_port(LOOPBACK[family])
        for how in ((), ("nonblock",)):
            result = connect(HOST[family], port, *how)
            equal(result.text, "ECONNREFUSED", f"v{family}_{''.join(how) or 'blocking'}_refused", result)
        name = f"v{family}_curl_refused_exits_with_7_at_once"
        if have(name, "curl"):
            result = run(hf("curl", "-sS", url(family, port)))
            ok(result.code == 7 and result.seconds < 2, name, result)


def unreachable():
    routes = {4: "192.0.2.0/25 198.51.100.128/25", 6: "2001:db8:a::/48 2001:db8:b::/48"}
    for family in (4, 6):
        no_host, no_entry = routes[family].split()
        for kind, prefix in (("unreachable", no_host), ("prohibit", no_entry)):
            subprocess.run(["ip", f"-{family}", "route", "add", kind, prefix], check=True)
        rows = (("no_route", {4: "203.0.113.9", 6: "2001:db8:c::9"}, "ENETUNREACH"),
                ("unreachable_route", {4: "192.0.2.9", 6: "2001:db8:a::9"}, "EHOSTUNREACH"),
                ("prohibit_route", {4: "198.51.100.139", 6: "2001:db8:b::9"}, "EACCES"))
        for situation, address, want in rows:
            for how in ((), ("nonblock",)):
                result = connect(address[family], 80, *how)
                equal(result.text, want, f"v{family}_{''.join(how) or 'blocking'}_{situation}", result)


def silence():
    if not lib.silent_network():
        skip("silence", "no /dev/net/tun here")
        return
    for family in (4, 6):
        name = f"v{family}_curl_with_connect_timeout_1_gives_up_after_a_second"
        if have(name, "curl"):
            result = run(hf("curl", "-sS", "--connect-timeout", "1", url(family, 80, host=SILENT[family])))
            ok(result.code == 28 and 0.9 < result.seconds < 3, name, result)
        # One SYN and one more: RFC 6298's second, then two more seconds.
        result = connect(SILENT[family], 80, 1)
        ok(result.text == "ETIMEDOUT" and 2.5 < result.seconds < 6,
           f"v{family}_with_SYNCNT_1_silence_is_ETIMEDOUT_after_3_s", result)


lib.begin(120)
refused()
unreachable()
silence()
lib.done()
