#!/usr/bin/env python3
"""The command itself: exit status, signals, stdio, usage. And processes: fork, exec, threads, passing
descriptors on, all by ordinary programs."""
import fcntl
import os
import signal
import subprocess
import termios

import lib
from lib import HANDFAST, NATIVE, equal, hf, ok, only_handfast, run

# A parent connects to a server of its own in a child, and hands the connection to a second child
# over a UNIX socket, which after exec answers on it.
PASS_ON = """
import os, socket, subprocess, sys
if sys.argv[1:] == ['heir']:
    with socket.socket(fileno=0) as u:
        _, fds, _, _ = socket.recv_fds(u, 16, 1)
        with socket.socket(fileno=fds[0]) as c:
            c.sendall(b'from the heir')
    sys.exit()
s = socket.socket()
s.bind(('127.0.0.1', 0))
s.listen()
if os.fork() == 0:
    c = socket.create_connection(s.getsockname())
    data = b''
    while block := c.recv(64):
        data += block
    print(data.decode(), flush=True)
    os._exit(0)
c, _ = s.accept()
ours, theirs = socket.socketpair()
heir = subprocess.Popen([sys.executable, '-c', open('/proc/self/cmdline').read().split('\\0')[2], 'heir'],
                        stdin=theirs)
socket.send_fds(ours, [b'x'], [c.fileno()])
c.close()
heir.wait()
os.wait()
"""

# A hundred threads with a connection each to one echo server in a thread.
THREADS = """
import socket, threading
s = socket.socket(socket.AF_INET6)
s.bind(('::1', 0))
s.listen(100)
def serve():
    for _ in range(100):
        c, _ = s.accept()
        threading.Thread(target=lambda c=c: (c.sendall(c.recv(64)), c.close())).start()
good = []
def ask(n):
    with socket.create_connection(s.getsockname()[:2]) as c:
        c.sendall(b'%d' % n)
        good.append(c.recv(64) == b'%d' % n)
threads = [threading.Thread(target=serve)] + [threading.Thread(target=ask, args=(n,)) for n in range(100)]
for t in threads: t.start()
for t in threads: t.join()
print(sum(good))
"""


def exit_codes():
    plain = lib.TMP / "plain.txt"
    plain.write_text("no program\n")
    rows = (("true_gives_0", ["true"], 0), ("false_gives_1", ["false"], 1),
            ("exit_status_is_the_programs", ["sh", "-c", "exit 77"], 77))
    for name, command, want in rows:
        result = run(hf(*command))
        equal(result.code, want, name, result)
    rows = (("unknown_program_gives_127", ["run", "--", "no-such-program-anywhere"], 127),
            ("unknown_path_gives_127", ["run", "--", "/no/such/program"], 127),
            ("file_that_is_not_executable_gives_126", ["run", "--", str(plain)], 126),
            ("directory_gives_126", ["run", "--", "/"], 126),
            ("no_program_gives_125", ["run"], 125), ("no_command_gives_125", [], 125),
            ("unknown_option_gives_125", ["run", "--no-such-option", "--", "true"], 125),
            ("unknown_command_gives_125", ["no-such-command"], 125),
            ("unknown_link_gives_125", ["run", "--link", "carrier-pigeon", "--", "true"], 125),
            ("malformed_publish_gives_125", ["run", "--publish", "x:y:z:w", "--", "true"], 125))
    for name, words, want in rows:
        if only_handfast(name):
            result = run([HANDFAST, *words])
            ok(result.code == want and result.err, f"{name}_and_a_message", result)


def help_and_version():
    for name, words, text in (("help", ["--help"], b"run"), ("run_help", ["run", "--help"], b"--link"),
                              ("version", ["--version"], b"0.1")):
        if only_handfast(name):
            result = run([HANDFAST, *words])
            ok(result.code == 0 and text in result.out and not result.err, f"{name}_goes_to_stdout", result)


def take_terminal():
    """In the child: standard input is its terminal, and it is in the foreground."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def signals():
    """The supervisor is in the program's foreground group: a terminal's ^C goes to all of it."""
    trap = """import signal, sys
both = [signal.SIGINT, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, both)
print("ready", flush=True)
signal.sigwait(both)
print("caught", "twice" if signal.sigtimedwait(both, 0.2) else "once")
sys.exit(3)"""
    for name, by_terminal in (("SIGINT_of_a_terminal_reaches_the_program_once", True),
                              ("SIGTERM_to_the_command_reaches_the_program", False)):
        terminal, slave = os.openpty()
        child = lib.start(hf("python3", "-c", trap), stdin=slave, stdout=subprocess.PIPE, text=True,
                          preexec_fn=take_terminal)
        os.close(slave)
        child.stdout.readline()
        if by_terminal:
            os.write(terminal, b"\x03")
        else:
            os.kill(child.pid, signal.SIGTERM)
        try:
            out, _ = child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            out = "nothing within 10 s"
        equal((out.strip(), child.returncode), ("caught once", 3), name)
        os.close(terminal)
    result = run(hf("sh", "-c", "kill -KILL $$"))
    ok(result.code in (-signal.SIGKILL, 128 + signal.SIGKILL), "program_killed_by_a_signal_is_told", result)


def stdio():
    result = run(hf("cat"), stdin=b"in and out\n")
    equal((result.code, result.out, result.err), (0, b"in and out\n", b""), "stdio_is_the_programs_own", result)
    result = run(hf("sh", "-c", "echo err >&2; ls /proc/self/fd | wc -l"))
    native = run(["sh", "-c", "ls /proc/self/fd | wc -l"])
    equal((result.out, result.err), (native.out, b"err\n"), "program_inherits_no_other_descriptors", result)


def verbose():
    name = "v_tells_each_connect_in_a_line"
    if only_handfast(name):
        port = lib.free_port()
        result = run(hf(*lib.python("import socket, sys; socket.socket().connect_ex(('10.0.2.2', int(sys.argv[1])))", port),
                        opts=("-v", "--host-loopback")))
        lines = [l for l in result.err.decode().splitlines()
                 if f"connect 10.0.2.2:{port} " in l and "Connection refused" in l]
        equal(len(lines), 1, name, result)
        log = lib.TMP / "log"
        result = run(hf(*lib.python("import socket; socket.socket().connect_ex(('10.0.2.2', 9))"),
                        opts=("-v", "--log", log)))
        ok(not result.err and "10.0.2.2:9" in log.read_text(), "log_goes_to_the_file_that_is_named", result)


lib.begin(120)
exit_codes()
help_and_version()
signals()
stdio()
verbose()
result = run(hf(*lib.python(PASS_ON)))
equal(result.text, "from the heir", "connection_is_passed_to_another_process_by_SCM_RIGHTS", result)
result = run(hf(*lib.python(THREADS)))
equal(result.text, "100", "hundred_threads_connect_at_once", result)
lib.done()
