#!/usr/bin/env python3
"""Runs packetdrill's scripts on Handfast and prints how many pass, by directory.

    tools/packetdrill.py [--plugin SO | --kernel] [--jobs N] [-v] PACKETDRILL SCRIPTS

PACKETDRILL is the program, built elsewhere; SCRIPTS a folder of .pkt files, or one. Each script runs over IPv4, IPv6
and IPv4-mapped addresses, as far as its name allows. What a script's shell commands set by sysctl reaches the plug-in
as flags, and the commands themselves are left out; a script that sets what the stack has no setting for runs without
it. --kernel runs the scripts as they are, on the machine's own TCP, for comparison. A failing variant fails the script.
Nothing may leave the machine: start it in a network namespace with nothing in it (make packetdrill does)."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# What packetdrill's own scripts take for granted, in its defaults.sh.
DEFAULTS = {"tcp_rmem": "4096/540000/15728640", "tcp_wmem": "4096/262144/4194304", "tcp_timestamps": "1",
            "tcp_sack": "1", "tcp_syn_retries": "5", "tcp_synack_retries": "5", "tcp_ecn": "0",
            "tcp_syncookies": "1", "tcp_mtu_probing": "0", "tcp_fastopen": "0x70403",
            "tcp_fastopen_key": "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4", "tcp_slow_start_after_idle": "0"}
KNOWN = set(DEFAULTS) | {"tcp_window_scaling", "tcp_fastopen_blackhole_timeout_sec", "tcp_notsent_lowat",
                         "tcp_min_tso_segs"}
COMMAND = re.compile(r"^([ \t]*(?:[+.\d~]+[ \t]*)?)`([^`]*)`[^\n]*$", re.M)
SETTING = re.compile(r"net[./]ipv4[./](\w+)=(\"[^\"]*\"|'[^']*'|[^\s`\\]+)")
COOKIE = "TFO_COOKIE=3021b9d889017eeb"
V4 = ["--local_ip=192.168.0.1", "--gateway_ip=192.168.0.1", "--netmask_ip=255.255.0.0", "--remote_ip=192.0.2.1",
      "-D", COOKIE, "-D", "CODE=host_unreachable"]
VARIANTS = {
    "ipv4": (["--ip_version=ipv4", *V4, "-D", "CMSG_LEVEL_IP=SOL_IP", "-D", "CMSG_TYPE_RECVERR=IP_RECVERR"],
             "mtu=1500,local=192.168.0.1/16"),
    "ipv6": (["--ip_version=ipv6", "--mtu=1520", "--local_ip=fd3d:0a0b:17d6::1",
              "--gateway_ip=fd3d:0a0b:17d6:8888::1", "--remote_ip=fd3d:fa7b:d17d::1", "-D",
              "TFO_COOKIE=c1d1e9742a47a9bc", "-D", "CODE=address_unreachable", "-D",
              "CMSG_LEVEL_IP=SOL_IPV6", "-D", "CMSG_TYPE_RECVERR=IPV6_RECVERR"],
             "mtu=1520,local=fd3d:a0b:17d6::1/48"),
    "mapped": (["--ip_version=ipv4-mapped-ipv6", *V4, "-D", "CMSG_LEVEL_IP=SOL_IPV6", "-D",
                "CMSG_TYPE_RECVERR=IPV6_RECVERR"], "mtu=1500,local=192.168.0.1/16"),
}
LIMIT_S = 90


OWN = re.compile(r"^--((?:local|remote)_ip)=(\S+)", re.M)  # what a script says itself holds for one family


def variants_of(script):
    own = OWN.search(script.read_text())
    if own:
        return ["ipv6" if ":" in own.group(2) else "ipv4"]
    return [v for v in VARIANTS
            if not (v == "ipv6" and script.stem.endswith("v4") or v != "ipv6" and script.stem.endswith("v6"))]


def plain(text):
    """The script without its shell commands, and what those before its first line would have set. A command with a
    time becomes one that the plug-in knows."""
    settings = dict(DEFAULTS)

    def rewrite(match):
        time, command = match.groups()
        wanted = {name: "/".join(value.strip("\"'").split()) for name, value in SETTING.findall(command) if name in KNOWN}
        mode = wanted.get("tcp_fastopen", settings["tcp_fastopen"])
        if not time.strip():
            settings.update(wanted)
            return ""
        forgets = ["tcp_fastopen=0", f"tcp_fastopen={mode}"] if "tcp_metrics flush" in command else []
        return f"{time}`handfast {','.join(forgets + [f'{n}={v}' for n, v in wanted.items()])}`"
    return COMMAND.sub(rewrite, text), settings


def command_of(args, script, variant, scratch):
    options, flags = VARIANTS[variant]
    said = dict(OWN.findall(script.read_text()))
    options = [o for o in options if o[2:].split("=")[0] not in said]
    if "local_ip" in said:
        flags = flags.split(",")[0] + f",local={said['local_ip']}/{64 if variant == 'ipv6' else 16}"
    own = [args.packetdrill, "--send_omit_free", *options]
    if args.kernel:
        inner = " ".join(["ip link set lo up && exec", *own, script.name])
        return ["unshare", "-n", "sh", "-c", inner], script.parent, {}
    text, settings = plain(script.read_text())
    copy = scratch / f"{abs(hash(str(script)))}.pkt"
    copy.write_text(text)
    flags += "".join(f",{name}={value}" for name, value in settings.items())
    return [*own, f"--so_filename={args.plugin}", f"--so_flags={flags}", str(copy)], scratch, {"LD_PRELOAD": args.plugin}


def run_script(args, script, scratch):
    """What went wrong, by variant; nothing when all passed."""
    wrong = {}
    for variant in variants_of(script):
        command, where, env = command_of(args, script, variant, scratch)
        try:
            done = subprocess.run(command, cwd=where, env={**os.environ, **env}, capture_output=True, text=True,
                                  timeout=LIMIT_S, stdin=subprocess.DEVNULL)
            if done.returncode:
                wrong[variant] = (done.stderr.strip() or f"status {done.returncode}")
        except subprocess.TimeoutExpired:
            wrong[variant] = f"did not end in {LIMIT_S} s"
    return wrong


def table(root, results):
    rows = {}
    for script, wrong in results.items():
        folder = str(script.parent.relative_to(root)) if script != root else "."
        passed, total = rows.get(folder, (0, 0))
        rows[folder] = (passed + (not wrong), total + 1)
    width = max(map(len, rows), default=0)
    for folder, (passed, total) in sorted(rows.items()):
        print(f"{folder:{width}}  {passed:4} of {total:4}")
    print(f"{'all':{width}}  {sum(p for p, _ in rows.values()):4} of {len(results):4}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plugin", type=os.path.abspath)
    parser.add_argument("--kernel", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-v", action="store_true", dest="verbose", help="also what is wrong, script by script")
    parser.add_argument("packetdrill", type=os.path.abspath)
    parser.add_argument("scripts", type=pathlib.Path)
    args = parser.parse_args()
    if bool(args.plugin) == args.kernel:
        parser.error("either --plugin or --kernel")
    if not os.access(args.packetdrill, os.X_OK) or os.path.isdir(args.packetdrill):
        parser.error("PACKETDRILL is the built program: " + args.packetdrill)
    root = args.scripts.resolve()
    scripts = [root] if root.is_file() else sorted(root.rglob("*.pkt"))
    if not scripts:
        parser.error("no script in " + str(root))
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        outcomes = pool.map(lambda s: run_script(args, s, pathlib.Path(scratch)), scripts)
        results = dict(zip(scripts, outcomes))
    for script, wrong in results.items():
        name = script.relative_to(root) if script != root else script.name
        print(("not ok " if wrong else "ok ") + str(name) + (": " + ", ".join(wrong) if wrong else ""))
        for variant, text in wrong.items() if args.verbose else ():
            print("    " + variant + ": " + text.replace("\n", "\n    "))
    table(root, results)
    return 1 if any(results.values()) else 0


sys.exit(main())
