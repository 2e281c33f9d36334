#!/usr/bin/env python3
"""On a machine that allows sockets little buffer (net.core.wmem_max): a writer that waits for room is woken, and a
reset is told."""
import os

import lib
from lib import FAMILY, LOOPBACK, equal, hf, run

SIZES = (4608, 16384, 65536)  # the least that Linux lets it be; near where a byte kept would be too much
PROGRAM = """
import hashlib, select, socket, struct, sys, threading
family, host = int(sys.argv[1]), sys.argv[2]
listener = socket.create_server((host, 0), family=family)

def pair(nonblocking=False):
    client = socket.socket(family)
    client.setblocking(not nonblocking)
    client.connect_ex(listener.getsockname())
    server = listener.accept()[0]
    if nonblocking:
        print("connected", select.select([], [client], [], 20)[1] == [client])
        client.setblocking(True)
    return client, server

def hash_of(sock, got):
    h = hashlib.sha256()
    while piece := sock.recv(1 << 16):
        h.update(piece)
    got.append(h.hexdigest())

def carry(client, server, sizes):
    data, got = b"".join(bytes([n % 251]) * n for n in sizes), []
    reader = threading.Thread(target=hash_of, args=(server, got))
    reader.start()
    at = 0
    for n in sizes:
        client.sendall(data[at:at + n])
        at += n
        if not select.select([], [client], [], 20)[1]:
            print("after", n, "there is no room")
    client.shutdown(socket.SHUT_WR)
    reader.join()
    print("arrived", got == [hashlib.sha256(data).hexdigest()])

def reset(client, server, size):
    client.sendall(b"x" * size)
    left = size
    while left:
        left -= len(server.recv(left))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    try:
        print("read", client.recv(1))
    except OSError as error:
        print(error.strerror)

for nonblocking in False, True:
    carry(*pair(nonblocking), [3 << 20])
    carry(*pair(nonblocking), [1, 700, 5000] * 50)
for size in 1, 3000, 100000:
    reset(*pair(), size)
"""

lib.begin(200)
env = {**os.environ, "LD_PRELOAD": str(lib.PROGRAMS / "narrow.so"),
       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
for family in (4, 6):
    argv = lib.python(PROGRAM, int(FAMILY[family]), LOOPBACK[family])
    native = run(argv, 60)
    for size in SIZES:
        ours = run(hf(*argv), 60, env={**env, "NARROW": str(size)})
        equal((ours.code, ours.text), (0, native.text), f"v{family}_buffers_of_{size}_bytes", f"{ours}\n{native}")
lib.done()
