#!/usr/bin/env python3
"""Malformed and hostile programs get Linux's errno or a clean end; the supervisor survives them."""
import lib
from lib import equal, hf, ok, only_handfast, run

lib.begin(200)


def judge(name, *before):
    """Runs a program that is TAP itself: its lines are ours."""
    result = run([*before, *hf(lib.PROGRAMS / name)], 120)
    for line in result.text.splitlines():
        if " - " in line:
            ok(line.startswith("ok"), line.split(" - ", 1)[1])
    equal(result.code, 0, f"{name}_program_ends_with_0", result.err.decode(errors="replace"))


judge("hostile")
judge("scarce", "prlimit", "--nofile=64:64")

name = "program_killed_in_the_middle_ends_the_run"
child = lib.start(hf(lib.PROGRAMS / "hostile"), stdout=lib.subprocess.PIPE, stderr=lib.subprocess.DEVNULL)
child.stdout.readline()
if only_handfast(name):
    for pid in open(f"/proc/{child.pid}/task/{child.pid}/children").read().split():
        lib.os.kill(int(pid), 9)
    child.stdout.read()
    ok(child.wait(10) != 0, name)
lib.done()
