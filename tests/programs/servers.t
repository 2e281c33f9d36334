#!/usr/bin/env python3
"""Servers as the programs: several workers, fork per connection, published on the host. C28."""
import os
import subprocess

import lib
from lib import LOOPBACK, NATIVE, accepts, equal, have, hf, ok, only_handfast, run, skip, url

INSIDE = 8080  # a port of the program's own network; natively the published port itself


def published(command, family=4):
    """Starts the server that command(port inside) says; returns it and its port on the host."""
    port = lib.free_port(LOOPBACK[family])
    inside = port if NATIVE else INSIDE
    where = f"[{LOOPBACK[family]}]" if family == 6 else LOOPBACK[family]
    with open(lib.TMP / "server.log", "ab") as log:
        child = lib.start(hf(*command(inside), opts=("--publish", f"{where}:{port}:{INSIDE}")), stderr=log)
    return child, port


def end(child, name):
    """A server ends when it is told to."""
    child.terminate()
    try:
        child.wait(10)
        ok(True, f"{name}_ends_when_told")
    except subprocess.TimeoutExpired:
        ok(False, f"{name}_ends_when_told", "still there after 10 s")
        os.killpg(child.pid, 9)


REDIS = """
redis-server --port $1 --bind 127.0.0.1 ::1 --save '' --daemonize no --dir "$2" >"$2/redis.log" & server=$!
until redis-cli -p $1 ping >/dev/null 2>&1; do kill -0 $server || exit 9; done
redis-cli -p $1 set key value
redis-cli -h ::1 -p $1 get key
redis-benchmark -p $1 -n 20000 -c 50 -q -t set,get >"$2/benchmark" && echo benchmark
echo up >"$2/up"; read go <"$2/go"
redis-cli -p $1 shutdown nosave
wait $server
"""


def redis():
    name = "redis_server_and_client_in_one_run"
    if not have(name, "redis-server", "redis-cli", "redis-benchmark"):
        return
    port = lib.free_port()
    os.mkfifo(lib.TMP / "up")
    os.mkfifo(lib.TMP / "go")
    child = lib.start(hf("sh", "-c", REDIS, "sh", port, lib.TMP), stdout=subprocess.PIPE, text=True)
    with open(lib.TMP / "up") as up:
        up.read()
    if only_handfast("nothing_of_redis_shows_on_the_hosts_loopback"):
        ok(not accepts("127.0.0.1", port) and not accepts("::1", port),
           "nothing_of_redis_shows_on_the_hosts_loopback")
    (lib.TMP / "go").write_text("go\n")
    out, _ = child.communicate(timeout=60)
    equal((out.split(), child.returncode), (["OK", "value", "benchmark"], 0), name)


NGINX = """
worker_processes 2;
daemon off;
master_process on;
pid TMP/nginx.pid;
error_log TMP/nginx.log;
USER
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path TMP/t1; proxy_temp_path TMP/t2; fastcgi_temp_path TMP/t3;
    uwsgi_temp_path TMP/t4; scgi_temp_path TMP/t5;
    sendfile on;
    server { listen PORT; listen [::]:PORT; root TMP/www; }
}
"""


def nginx(family):
    name = f"v{family}_nginx_2_workers_published"
    if not have(name, "nginx"):
        return

    def command(inside):
        text = NGINX.replace("TMP", str(lib.TMP)).replace("PORT", str(inside))
        text = text.replace("USER", "user root;" if os.geteuid() == 0 else "")
        (lib.TMP / "nginx.conf").write_text(text)
        return ["nginx", "-e", lib.TMP / "nginx.log", "-c", lib.TMP / "nginx.conf"]

    _, digest = lib.make_file(16, "large")
    (lib.TMP / "www/small").write_text("x" * 612)
    child, port = published(command, family)
    up = lib.wait_until(lambda: accepts(LOOPBACK[family], port) and
                        run(["curl", "-sf", url(family, port, "small", LOOPBACK[family])]).code == 0, 10)
    if not ok(up, f"{name}_is_reached", (lib.TMP / "nginx.log").read_text()):
        end(child, name)
        return
    where = url(family, port, "small", LOOPBACK[family])
    if have(f"{name}_20000_requests_by_ab", "ab"):
        result = run(["ab", "-q", "-n", "20000", "-c", "50", where], 120)
        ok(result.code == 0 and "Failed requests:        0" in result.text and "Non-2xx" not in result.text,
           f"{name}_20000_requests_by_ab", result)
    if have(f"{name}_wrk_without_errors", "wrk"):
        result = run(["wrk", "-t2", "-c50", "-d3s", where], 60)
        ok(result.code == 0 and "Socket errors" not in result.text and "Non-2xx" not in result.text,
           f"{name}_wrk_without_errors", result)
    result = run(["curl", "-sS", "-f", "-o", lib.TMP / "large", url(family, port, "large", LOOPBACK[family])])
    equal(result.code == 0 and lib.sha256(lib.TMP / "large"), digest, f"{name}_large_file_by_sendfile", result)
    end(child, name)


def socat(family):
    name = f"v{family}_socat_forks_for_each_connection"
    if not have(name, "socat"):
        return
    child, port = published(
        lambda inside: ["socat", f"TCP{family}-LISTEN:{inside},fork,reuseaddr,backlog=64", "EXEC:cat"], family)
    lib.wait_until(lambda: accepts(LOOPBACK[family], port) and echoed(family, port, b"first"), 10)
    good = sum(echoed(family, port, b"%d " % n * 1000) for n in range(50))
    equal(good, 50, name)
    end(child, name)


def echoed(family, port, message):
    """Sends a message, half-closes, and has it back whole."""
    try:
        with lib.socket.create_connection((LOOPBACK[family], port), 5) as s:
            s.sendall(message)
            s.shutdown(lib.socket.SHUT_WR)
            got = b""
            while block := s.recv(65536):
                got += block
            return got == message
    except OSError:
        return False


SSHD = """
Port PORT
HostKey TMP/host_key
AuthorizedKeysFile TMP/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
"""


def ssh():
    name = "ssh_to_an_sshd_inside"
    if not have(name, "sshd", "ssh", "ssh-keygen"):
        return
    if os.geteuid() != 0 or not os.access("/root", os.W_OK):
        skip(name, "sshd wants root")
        return
    for key in ("host_key", "key"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", lib.TMP / key])
    os.makedirs("/run/sshd", exist_ok=True)

    def command(inside):
        (lib.TMP / "sshd_config").write_text(
            SSHD.replace("TMP", str(lib.TMP)).replace("PORT", str(inside)))
        return [lib.shutil.which("sshd"), "-D", "-e", "-f", lib.TMP / "sshd_config"]

    def log_in(port, host, wrap=lambda *w: list(w)):
        return run(wrap("ssh", "-i", lib.TMP / "key", "-p", port, "-o", "StrictHostKeyChecking=no",
                        "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-F", "/dev/null",
                        f"root@{host}", "cat; echo done"), 30, stdin=b"x" * 1000000)

    def greets(port):
        """sshd itself is there: a published port accepts before anybody inside listens."""
        try:
            with lib.socket.create_connection(("127.0.0.1", port), 2) as s:
                return s.recv(4) == b"SSH-"
        except OSError:
            return False

    want = b"x" * 1000000 + b"done\n"
    child, port = published(command)
    lib.wait_until(lambda: greets(port), 10)
    result = log_in(port, "127.0.0.1")
    equal((result.code, result.out), (0, want), name, result.err.decode())
    end(child, name)
    port = lib.free_port()
    outside = lib.start(command(port), stderr=subprocess.DEVNULL)
    lib.wait_until(lambda: greets(port), 10)
    result = log_in(port, lib.HOST[4], hf)
    equal((result.code, result.out), (0, want), "ssh_inside_to_an_sshd_outside", result.err.decode())
    outside.terminate()


UDP_ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', int(sys.argv[1])))
print('ready', flush=True)
while True:
    s.sendto(*s.recvfrom(65536))
"""


def udp_published():
    port = lib.free_port(kind=lib.socket.SOCK_DGRAM)
    inside = port if NATIVE else INSIDE
    child = lib.start(hf(*lib.python(UDP_ECHO, inside), opts=("--publish", f"127.0.0.1:{port}:{INSIDE}/udp")),
                      stdout=subprocess.PIPE)
    child.stdout.readline()
    with lib.socket.socket(lib.socket.AF_INET, lib.socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect(("127.0.0.1", port))
        try:
            for message in (b"one", b"", b"x" * 1400):
                s.send(message)
                equal(s.recv(2000), message, f"published_udp_server_echoes_{len(message)}_bytes")
        except OSError as e:
            ok(False, "published_udp_server_echoes", e)
    end(child, "udp_server")


lib.begin(400)
redis()
for family in (4, 6):
    nginx(family)
    socat(family)
ssh()
udp_published()
lib.done()
