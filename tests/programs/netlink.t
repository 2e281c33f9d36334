#!/usr/bin/env python3
"""What programs are told of the network: by netlink (ip, ss, getifaddrs() of glibc and musl, Go, Node) and by
ioctl() on sockets of other families (Python's if_nametoindex). Natively there is loopback alone."""
import json

import lib
from lib import NATIVE, equal, have, hf, ok, only_handfast, run

LO = {"lo 127.0.0.1", "lo ::1"}
ALL = LO if NATIVE else LO | {"hf0 10.0.2.15", "hf0 fd00:2::15"}
LINKS = ["1 lo"] if NATIVE else ["1 lo", "2 hf0"]

# A listener and a connection to it, which ss is to find.
SOCKETS = """
import socket, subprocess, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
s.bind((sys.argv[1], 0))
s.listen(7)
c = socket.create_connection(s.getsockname()[:2])
a = s.accept()[0]
u = socket.socket(s.family, socket.SOCK_DGRAM)
u.bind((sys.argv[1], 0))
ports = {str(s.getsockname()[1]): 'S', str(c.getsockname()[1]): 'C', str(u.getsockname()[1]): 'U'}
for kind in '-Htan', '-Huan':
    for line in subprocess.run(['ss', kind], stdout=subprocess.PIPE, text=True).stdout.splitlines():
        state, _, _, here, there = line.split()[:5]
        ends = [ports.get(end.rsplit(':', 1)[1], '*') for end in (here, there)]
        if ends != ['*', '*']:  # a connection of an earlier test, natively
            print(state, *ends)
"""

# Links come, as seen by a program that asks again and again while others do.
STORM = """
import socket, threading
def ask():
    for _ in range(50):
        if ('lo' not in dict(map(reversed, socket.if_nameindex())) or socket.if_nametoindex('lo') != 1
                or not socket.getaddrinfo('::1', 80, flags=socket.AI_ADDRCONFIG)):
            wrong.append(1)
wrong = []
threads = [threading.Thread(target=ask) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(len(wrong))
"""

NODE = """
const all = require('os').networkInterfaces();
for (const link in all) for (const a of all[link]) console.log(link, a.address);
"""


def told(result):
    return json.loads(result.out) if result.code == 0 and result.out.strip() else []


def ip():
    if not have("ip", "ip"):
        return
    result = run(hf("ip", "-j", "addr"))
    links = told(result)
    got = {f"{link['ifname']} {a['local']}" for link in links for a in link["addr_info"]}
    equal(got, ALL, "ip_tells_the_programs_addresses", result)
    lo = next(iter(links), {})
    equal((lo.get("ifindex"), lo.get("mtu"), lo.get("link_type"), sorted(lo.get("flags", []))),
          (1, 65536, "loopback", ["LOOPBACK", "LOWER_UP", "UP"]), "ip_tells_what_loopback_is", result)
    result = run(hf("ip", "-j", "link", "show", "dev", "lo"))
    equal([link["ifname"] for link in told(result)], ["lo"], "ip_tells_of_one_link", result)
    result = run(hf("ip", "link", "show", "dev", "nosuch"))
    equal(result.code, 1, "ip_tells_that_there_is_no_such_link", result)
    result = run(hf("ip", "-j", "route", "show", "table", "local"))
    ok(any(r["dst"] == "127.0.0.1" and r["dev"] == "lo" for r in told(result)), "ip_tells_local_routes", result)
    result = run(hf("ip", "-j", "route", "get", "127.0.0.1"))
    equal([(r["type"], r["dev"], r["prefsrc"]) for r in told(result)], [("local", "lo", "127.0.0.1")],
          "ip_tells_the_way_to_loopback", result)
    result = run(hf("ip", "-j", "rule"))
    equal([(r["priority"], r["table"]) for r in told(result)],
          [(0, "local"), (32766, "main"), (32767, "default")], "ip_tells_the_rules", result)
    equal(run(hf("ip", "-j", "neigh")).code, 0, "ip_tells_neighbours")
    if not only_handfast("ip_tells_the_programs_routes"):
        return
    for family, via, net, source in (("-4", "10.0.2.2", "10.0.2.0/24", "10.0.2.15"),
                                     ("-6", "fd00:2::2", "fd00:2::/64", "fd00:2::15")):
        result = run(hf("ip", family, "-j", "route"))
        got = {(r["dst"], r.get("gateway"), r["dev"]) for r in told(result)}
        equal(got, {("default", via, "hf0"), (net, None, "hf0")}, f"ip_tells_the_programs_routes{family}", result)
        far = "192.0.2.1" if family == "-4" else "2001:db8::1"
        result = run(hf("ip", family, "-j", "route", "get", far))
        equal([(r["gateway"], r["dev"], r["prefsrc"]) for r in told(result)], [(via, "hf0", source)],
              f"ip_tells_the_way_out{family}", result)
    result = run(hf("ip", "-j", "addr", opts=("--link", "none")))
    equal([link["ifname"] for link in told(result)], ["lo"], "without_a_link_there_is_loopback_alone", result)
    for name, words in (("link", "link set lo down"), ("address", "addr add 10.9.9.9/24 dev lo"),
                        ("route", "route add 10.8.0.0/16 dev lo")):
        result = run(hf("ip", *words.split()))
        ok(result.code, f"{name}_cannot_be_changed", result)
    flags = told(run(["ip", "-j", "addr", "show", "dev", "lo"]))[0]
    ok("UP" in flags["flags"] and {a["local"] for a in flags["addr_info"]} == {"127.0.0.1", "::1"},
       "and_the_hosts_loopback_is_as_it_was", flags)


def ss():
    if not have("ss", "ss"):
        return
    for family in (4, 6):
        result = run(hf(*lib.python(SOCKETS, lib.LOOPBACK[family])))
        equal(sorted(result.text.splitlines()), ["ESTAB C S", "ESTAB S C", "LISTEN S *", "UNCONN U *"],
              f"ss_tells_the_programs_sockets_v{family}", result)


def others():
    for name in ("interfaces", "interfaces-musl", "interfaces-go"):
        program = lib.PROGRAMS / name
        if have(name, program):
            result = run(hf(program))
            lines = result.text.splitlines()
            equal({line for line in lines if line[0].isalpha()}, ALL, f"{name}_addresses", result)
            equal([line for line in lines if line[0].isdigit()], LINKS, f"{name}_links", result)
    result = run(hf(*lib.python("import socket\nfor i, n in socket.if_nameindex(): print(i, n)\n"
                                "assert all(socket.if_nametoindex(n) == i for i, n in socket.if_nameindex())\n"
                                "assert socket.if_indextoname(1) == 'lo'")))
    equal((result.code, result.text.splitlines()), (0, LINKS), "python_links", result)
    if have("node_addresses", "node"):
        result = run(hf("node", "-e", NODE))
        equal(set(result.text.splitlines()), ALL, "node_addresses", result)
    result = run(hf(*lib.python(STORM)))
    equal(result.text, "0", "threads_that_ask_at_once", result)


lib.begin(120)
ip()
ss()
others()
lib.done()
