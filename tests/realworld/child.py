"""Runs one module of CPython's own tests and tells about each test, as it goes, in a file.

    python3 child.py MODULE REPORT [ID...]

REPORT gets a line `start ID`, then `pass ID`, `fail ID` or `skip ID`, for each test. IDs, when given,
are the only tests that are run. The runner reads the file and ends us when nothing happens for too long.
"""
import os
import sys
import tempfile
import unittest

import test.support

# As `python3 -m test` has it without -u: nothing beyond the machine, nothing that takes very long. But
# test_socketserver calls loopback "network".
test.support.use_resources = {"network": None} if sys.argv[1].endswith("test_socketserver") else {}


class Report(unittest.TextTestResult):
    def __init__(self, path):
        super().__init__(unittest.runner._WritelnDecorator(sys.stderr), True, 2)
        self.file = open(path, "a", buffering=1)
        self.sub_failed = False

    def tell(self, what, test):
        self.file.write(f"{what} {test.id()}\n")

    def startTest(self, test):
        self.sub_failed = False
        self.tell("start", test)
        super().startTest(test)

    def stopTest(self, test):
        super().stopTest(test)
        for _, trace in self.errors + self.failures:
            print(trace, file=sys.stderr, flush=True)
        self.errors.clear()
        self.failures.clear()

    def addSubTest(self, test, subtest, err):
        self.sub_failed |= err is not None
        super().addSubTest(test, subtest, err)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell("fail" if self.sub_failed else "pass", test)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.tell("pass", test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.tell("fail", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.tell("skip", test)

    def addError(self, test, err):
        super().addError(test, err)
        self.tell("fail", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell("fail", test)


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def main():
    module, report, *wanted = sys.argv[1:]
    os.chdir(tempfile.mkdtemp())
    tests = list(flat(unittest.defaultTestLoader.loadTestsFromName(module)))
    if wanted:
        if wanted[0].startswith("@"):
            wanted = open(wanted[0][1:]).read().split()
        tests = [t for t in tests if t.id() in set(wanted)]
    result = Report(report)
    result.file.write("all " + " ".join(t.id() for t in tests) + "\n")
    unittest.TestSuite(tests).run(result)
    result.file.write("end\n")
    for _, trace in result.errors + result.failures:
        print(trace, file=sys.stderr, flush=True)
    result.file.flush()
    os._exit(0)  # threads that a test left behind do not matter here


main()
