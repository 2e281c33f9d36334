#!/usr/bin/env python3
"""All processes of a run together have as many sockets as one may have descriptors: when the program has closed some,
there is room again, at once."""
import lib
from lib import hf, ok, run

LIMIT = 200
PROGRAM = """
import resource, socket
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

def fill():
    held = []
    try:
        while True:
            held.append(socket.socket())
    except OSError:
        return held

for _ in range(3):
    held = fill()
    none = fill()
    print(len(held) > hard // 2, len(none))
    for s in held:
        s.close()

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
held = fill()
none = fill()
for s in held:
    s.close()
print("accepted", listener.accept()[1] == client.getsockname())
"""

lib.begin(60)
got = run(["prlimit", f"--nofile={LIMIT}", *hf(lib.PYTHON, "-c", PROGRAM)], 50)
ok(got.code == 0 and got.text.split("\n")[:4] == ["True 0"] * 3 + ["accepted True"], "closed_sockets_make_room_at_once", f"{got}")
lib.done()
