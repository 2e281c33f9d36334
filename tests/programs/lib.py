"""What the tests of real programs share: TAP, a network namespace of their own, the programs' other
side, and how a program is started.

HANDFAST       the command under test (build/release/handfast)
HF_PROGRAMS    where the programs built from src/ are
HF_NATIVE=1    runs the programs without Handfast, on the kernel's sockets: the oracle. What fails
               natively too is the test's fault or the machine's
HF_REQUIRE_ALL=1  a missing program fails the test instead of skipping it
HF_MIB         size of the large transfers (256)
"""
import atexit
import fcntl
import hashlib
import http.server
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HANDFAST = os.path.abspath(os.environ.get("HANDFAST", ROOT / "build/release/handfast"))
# AddressSanitizer keeps freed memory back; what is never freed it tells itself, when the command ends.
SANITIZED = os.path.exists(HANDFAST) and b"__asan_init" in pathlib.Path(HANDFAST).read_bytes()
PROGRAMS = pathlib.Path(os.environ.get("HF_PROGRAMS", ROOT / "build/release/tests/programs")).resolve()
NATIVE = os.environ.get("HF_NATIVE") == "1"
REQUIRE_ALL = os.environ.get("HF_REQUIRE_ALL") == "1"
MIB = int(os.environ.get("HF_MIB", "256"))
PYTHON = "/usr/bin/python3"

# How a program reaches the host's own loopback, by family.
HOST = {4: "127.0.0.1", 6: "::1"} if NATIVE else {4: "10.0.2.2", 6: "fd00:2::2"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}

_count = _failed = 0
_children = []
TMP = None


# ---- TAP ----

def ok(good, name, why=""):
    global _count, _failed
    _count += 1
    if not good:
        _failed += 1
        for line in str(why).splitlines()[-40:]:
            print(f"# {line}", file=sys.stderr)
    print(f"{'ok' if good else 'not ok'} {_count} - {name}", flush=True)
    return bool(good)


def equal(got, want, name, why=""):
    return ok(got == want, name, f"got {got!r}, wanted {want!r}\n{why}")


def skip(name, why, missing=False):
    """Reports a test that cannot run here. missing: for want of something that can be installed."""
    global _count
    if missing and REQUIRE_ALL:
        ok(False, name, why)
        return
    _count += 1
    print(f"ok {_count} - {name} # SKIP {why}", flush=True)


def have(name, *programs):
    """True when all programs are here; else the test `name` is skipped."""
    for program in programs:
        if not shutil.which(str(program), path=os.environ["PATH"]):
            skip(name, f"{program} is not installed", missing=True)
            return False
    return True


def only_handfast(name):
    """False, and a skipped test, in native mode."""
    if NATIVE:
        skip(name, "means nothing natively")
    return not NATIVE


def done():
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


# ---- a namespace of one's own ----

def begin(seconds):
    """Puts the test into its own network, mount and (where allowed) process namespace with only
    loopback up, and ends it after so many seconds. Starts the program over to do so."""
    global TMP
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if os.environ.get("HF_TEST_NAMESPACE") != str(os.getppid()):
        _enter_namespace()
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        del os.environ[name]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    TMP = pathlib.Path(tempfile.mkdtemp(prefix="hf-test."))
    TMP.chmod(0o755)
    atexit.register(_clean)
    signal.signal(signal.SIGALRM, _too_long)
    signal.signal(signal.SIGTERM, _too_long)
    signal.alarm(seconds)
    if not NATIVE and not os.access(HANDFAST, os.X_OK):
        print(f"Bail out! {HANDFAST} is not there: make", flush=True)
        sys.exit(1)


def _enter_namespace():
    base = ["unshare", "--net", "--mount"] if os.geteuid() == 0 else ["unshare", "-r", "--net", "--mount"]
    own_pids = ["--pid", "--fork", "--kill-child", "--mount-proc"]
    probe = subprocess.run(base + own_pids + ["true"], capture_output=True)
    command = base + (own_pids if probe.returncode == 0 else ["--fork"])
    # The mark names the parent that the restarted test will have: an inherited one does not count.
    os.environ["HF_TEST_NAMESPACE"] = "0" if probe.returncode == 0 else str(os.getpid())
    try:
        os.execvp("unshare", command + [sys.executable] + sys.argv)
    except OSError as e:
        print(f"1..0 # SKIP no network namespace: {e}")
        sys.exit(1 if REQUIRE_ALL else 0)


def _too_long(signum, frame):
    print("# out of time", file=sys.stderr)
    print(f"not ok {_count + 1} - within its time", flush=True)
    _clean()
    os._exit(1)


def _clean():
    for child in _children:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    shutil.rmtree(TMP, ignore_errors=True)


# ---- programs ----

def hf(*argv, opts=("--host-loopback",)):
    """The command line that runs argv on our stack (natively: as it is)."""
    argv = [str(a) for a in argv]
    return argv if NATIVE else [HANDFAST, "run", *opts, "--", *argv]


def start(argv, **kw):
    """Starts argv in a process group of its own, which the end of the test takes down."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    child = subprocess.Popen([str(a) for a in argv], start_new_session=True, **kw)
    _children.append(child)
    return child


class Result:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    @property
    def text(self):
        return self.out.decode(errors="replace").strip()

    def __str__(self):
        return (f"exit {self.code} after {self.seconds:.2f} s\n"
                f"{self.text[-2000:]}\n{self.err.decode(errors='replace')[-2000:]}")


def run(argv, timeout=60, stdin=None, **kw):
    """Runs argv to its end: exit code (None when it had to be killed), output and time."""
    began = time.monotonic()
    child = start(argv, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
    try:
        out, err = child.communicate(stdin, timeout)
        code = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        code = None
    return Result(code, out, err, time.monotonic() - began)


def python(source, *args):
    """Command words that run a Python snippet."""
    return [PYTHON, "-c", source, *[str(a) for a in args]]


def wait_until(condition, seconds):
    """Asks until the condition holds; its last answer when time is up."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.02)


def accepts(host, port):
    """A TCP connection to host:port can be made from here, by the kernel."""
    try:
        with socket.create_connection((host, port), 2):
            return True
    except OSError:
        return False


def free_port(host="127.0.0.1", kind=socket.SOCK_STREAM):
    """A port that is free in this namespace, which nobody else uses."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


# ---- the other side ----

def make_file(mib, name="file"):
    """A file of so many MiB that do not compress, below TMP/www; returns (path, sha256)."""
    www = TMP / "www"
    www.mkdir(exist_ok=True)
    digest = hashlib.sha256()
    with open(www / name, "wb") as f:
        for _ in range(mib):
            block = os.urandom(1 << 20)
            digest.update(block)
            f.write(block)
    return www / name, digest.hexdigest()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def file_server(family):
    """`python3 -m http.server` over TMP/www on the host's loopback; returns its port."""
    server = start([PYTHON, "-u", "-m", "http.server", "0", "--bind", LOOPBACK[family],
                    "--directory", TMP / "www"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return int(server.stdout.readline().split(b" port ")[1].split()[0])


class _Upload(http.server.BaseHTTPRequestHandler):
    """Answers a PUT or POST with the sha256 of what came."""
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left:
            block = self.rfile.read(min(left, 1 << 18))
            if not block:
                return
            digest.update(block)
            left -= len(block)
        answer = digest.hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PUT

    def log_message(self, *args):
        pass


def upload_server(family):
    """A server on the host's loopback that tells what was uploaded; returns its port."""
    class Server(http.server.ThreadingHTTPServer):
        address_family = FAMILY[family]
        daemon_threads = True

    server = Server((LOOPBACK[family], 0), _Upload)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def url(family, port, path="", host=None):
    host = host or HOST[family]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/{path}"


def silent_network():
    """Routes 198.51.100.0/24 and 2001:db8:51::/64 to a TUN that nobody reads: a SYN to them is never
    answered. Returns False where there is no TUN. Kept until the test ends."""
    try:
        tun = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"silent", 0x1001))  # TUNSETIFF, TUN|NO_PI
    except OSError:
        return False
    os.set_inheritable(tun, False)
    for command in ("link set silent up", "addr add 192.0.2.1/32 dev silent",
                    "-6 addr add 2001:db8::1/128 dev silent nodad",
                    "route add 198.51.100.0/24 dev silent src 192.0.2.1",
                    "-6 route add 2001:db8:51::/64 dev silent src 2001:db8::1"):
        subprocess.run(["ip", *command.split()], check=True)
    return True


SILENT = {4: "198.51.100.7", 6: "2001:db8:51::7"}
