#!/usr/bin/env python3
"""One server, the clients of many run-times: interpreted, static, with threads, with epoll."""
import hashlib
import os

import lib
from lib import HOST, equal, have, hf, run, url

URLLIB = """
import sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())
"""
NODE = """
fetch(process.argv[1]).then(a => a.arrayBuffer())
    .then(b => process.stdout.write(Buffer.from(b)), e => { console.error(e); process.exit(1) })
"""


def clients(family, port):
    """Name, the program that must be there, the command."""
    where = url(family, port, "file")
    source = lib.ROOT / "tests/programs/src/Client.java"
    return (
        ("python3_urllib", lib.PYTHON, lib.python(URLLIB, where)),
        ("static_go", lib.PROGRAMS / "client-go", [lib.PROGRAMS / "client-go", where]),
        ("static_musl", lib.PROGRAMS / "client-musl",
         [lib.PROGRAMS / "client-musl", HOST[family], port, "file"]),
        ("node_fetch", "node", ["node", "-e", NODE, where]),
        ("java_HttpClient", "java", ["java", "-XX:TieredStopAtLevel=1", source, where]),
    )


lib.begin(300)
_, digest = lib.make_file(8)
for family in (4, 6):
    port = lib.file_server(family)
    for name, program, command in clients(family, port):
        name = f"v{family}_{name}_gets_the_file"
        if have(name, program):
            result = run(hf(*command), 60, env={**os.environ, "HOME": str(lib.TMP)})
            equal((result.code, hashlib.sha256(result.out).hexdigest()), (0, digest), name,
                  result.err.decode(errors="replace"))
lib.done()
