#!/usr/bin/env python3
"""Programs that talk to themselves over their own loopback, in many ways: what they print must be what they
print natively, line by line."""
import os

import lib
from lib import equal, have, hf, run

SOURCES = lib.ROOT / "tests/programs/src"
PROGRAMS = (
    ("python_asyncio_and_processes", lib.PYTHON, [lib.PYTHON, SOURCES / "alone.py"]),
    ("node_http_net_dgram_http2", "node", ["node", SOURCES / "alone.js"]),
    ("java_NIO_and_closing_from_another_thread", "java",
     ["java", "-XX:TieredStopAtLevel=1", SOURCES / "Alone.java"]),
)

lib.begin(300)
env = {**os.environ, "HOME": str(lib.TMP)}
for name, program, command in PROGRAMS:
    if have(name, program):
        native = run(command, 100, env=env)
        ours = run(hf(*command), 100, env=env)
        equal((ours.code, ours.text), (0, native.text), name, f"{ours}\n{native}")
lib.done()
