#!/usr/bin/env python3
"""curl fetches and sends a large file through Handfast, over both families. C01 C10 C11 C29."""
import os
import subprocess

import lib
from lib import HOST, MIB, equal, have, hf, ok, only_handfast, run, url


def downloads(digest, ports):
    for family in (4, 6):
        to = lib.TMP / f"got{family}"
        result = run(hf("curl", "-sS", "-f", "-o", to, url(family, ports[family], "file")), 120)
        equal(result.code, 0, f"v{family}_download_exits_with_0", result)
        equal(to.exists() and lib.sha256(to), digest, f"v{family}_download_of_{MIB}_MiB_is_the_same_bytes")
        to.unlink(missing_ok=True)
        print(f"# v{family} download: {MIB / result.seconds:.0f} MiB/s", flush=True)


def uploads(path, digest):
    for family in (4, 6):
        port = lib.upload_server(family)
        for verb in (["-T", path], ["-X", "POST", "-H", "Expect:", "-T", path]):
            result = run(hf("curl", "-sS", "-f", *verb, url(family, port)), 120)
            equal(result.text, digest, f"v{family}_{'PUT' if len(verb) == 2 else 'POST'}_of_{MIB}_MiB_arrives", result)


def wrappers(ports):
    _, digest = lib.make_file(4, "small")
    for family in (4, 6):
        for wrapped in ("loss=2%,delay=20ms,seed=7", "reorder=5%,dup=2%,corrupt=1%,delay=5ms,seed=7", "rate=100mbit"):
            name = f"v{family}_download_over_{wrapped}"
            if not only_handfast(name):
                continue
            to = lib.TMP / "small"
            result = run(hf("curl", "-sS", "-f", "-o", to, url(family, ports[family], "small"),
                            opts=("--host-loopback", "--link", f"host,{wrapped}")), 120)
            equal(result.code == 0 and lib.sha256(to), digest, name, result)


def two_at_once(digest, ports):
    both = [lib.start(hf("curl", "-sS", "-f", "-o", lib.TMP / f"twin{n}", url(4, ports[4], "file")),
                      stderr=subprocess.PIPE) for n in (1, 2)]
    for n, child in enumerate(both, 1):
        _, err = child.communicate(timeout=120)
        equal(child.returncode == 0 and lib.sha256(lib.TMP / f"twin{n}"), digest,
              f"run_{n}_of_two_at_once_gets_the_file", err.decode())


def without_privilege(ports):
    """Root's test runs the supervisor as nobody; another user's already is one."""
    name = "unprivileged_user_downloads"
    if os.geteuid() == 0 and not have(name, "setpriv"):
        return
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
            "--bounding-set=-all", "--"] if os.geteuid() == 0 else []
    probe = run(drop + ["true"])
    if probe.code != 0:
        lib.skip(name, "no other user id here")
        return
    result = run(drop + hf("curl", "-sS", "-f", "-o", "/dev/null", "-w", "%{size_download}",
                           url(4, ports[4], "file")), 120)
    equal(result.text, str(MIB << 20), name, result)


def host_loopback_is_closed(ports):
    name = "without_host_loopback_the_hosts_own_servers_are_refused"
    if only_handfast(name):
        result = run(hf("curl", "-sS", url(4, ports[4], "file"), opts=()))
        equal(result.code, 7, name, result)
        result = run(hf("curl", "-sS", url(4, ports[4], "file", host="127.0.0.1")))
        equal(result.code, 7, "127_0_0_1_is_the_stacks_own_not_the_hosts", result)


lib.begin(600)
if have("curl", "curl"):
    path, digest = lib.make_file(MIB)
    ports = {family: lib.file_server(family) for family in (4, 6)}
    downloads(digest, ports)
    uploads(path, digest)
    wrappers(ports)
    two_at_once(digest, ports)
    without_privilege(ports)
    host_loopback_is_closed(ports)
lib.done()
