"""asyncio's streams and datagrams, a forking server with processes of all kinds as its clients, a descriptor
that is passed on, few descriptors."""
import asyncio
import multiprocessing
import multiprocessing.connection
import os
import resource
import socket
import socketserver
import threading

HOSTS = ("127.0.0.1", "::1")


async def count_bytes(reader, writer):
    writer.write(str(len(await reader.read(-1))).encode())
    await writer.drain()
    writer.close()


async def ask(address, n):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"z" * n)
    writer.write_eof()
    return int(await reader.read())


class Answers(asyncio.DatagramProtocol):
    def __init__(self):
        self.first = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, addr):
        self.first.set_result((data, addr[0]))


async def streams_and_datagrams():
    server = await asyncio.start_server(count_bytes, HOSTS, 0)
    where = [s.getsockname()[:2] for s in server.sockets]
    print("streams", sum(await asyncio.gather(*[ask(where[i % 2], i * 3000) for i in range(60)])))
    for host in HOSTS:
        transport, answers = await asyncio.get_running_loop().create_datagram_endpoint(
            Answers, local_addr=(host, 0))
        transport.sendto(b"to myself", transport.get_extra_info("sockname"))
        print("datagram", await answers.first)
        transport.close()
    try:
        await asyncio.open_connection("127.0.0.1", 1)
    except OSError as e:
        print("refused", e.errno)


async def send_a_file():
    size = os.path.getsize(os.__file__)
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    client.setblocking(False)
    peer, _ = server.accept()
    got = []
    reader = threading.Thread(target=lambda: got.append(sum(map(len, iter(lambda: peer.recv(4096), b"")))))
    reader.start()
    with open(os.__file__, "rb") as file:
        sent = await asyncio.get_running_loop().sock_sendfile(client, file)
    client.close()
    reader.join()
    print("sendfile", sent == size, got == [size])


class Twice(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(10) * 2)


class Forking(socketserver.ForkingMixIn, socketserver.TCPServer):
    address_family = socket.AF_INET6


def ask_twice(address):
    with socket.create_connection(address) as s:
        s.sendall(b"mp")
        return s.recv(10)


def say(address):
    with multiprocessing.connection.Client(address) as c:
        c.send({"from": "a process"})


def processes():
    server = Forking(("::1", 0), Twice)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(3) as pool:
            print(method, set(pool.map(ask_twice, [server.server_address[:2]] * 6)))
    server.shutdown()
    with multiprocessing.connection.Listener(("127.0.0.1", 0)) as listener:
        child = multiprocessing.Process(target=say, args=(listener.address,))
        child.start()
        with listener.accept() as c:
            print(c.recv())
        child.join()


def descriptors():
    a, b = socket.socketpair(socket.AF_UNIX)
    listener = socket.create_server(("127.0.0.1", 0))
    socket.send_fds(a, [b"x"], [listener.fileno()])
    again = socket.socket(fileno=socket.recv_fds(b, 1, 1)[1][0])
    client = socket.create_connection(listener.getsockname())
    print("passed on", again.accept()[1] == client.getsockname())
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    many = []
    try:
        while True:
            many.append(socket.socket())
    except OSError as e:
        print("no more", e.errno)


if __name__ == "__main__":
    asyncio.run(streams_and_datagrams())
    asyncio.run(send_a_file())
    processes()
    descriptors()
