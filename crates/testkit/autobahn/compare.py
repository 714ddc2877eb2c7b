"""Compares a report of the Autobahn test suite with what is expected of us, case by case.

    compare.py REPORT EXPECTED [update]

A case that behaves otherwise, is missing or is new fails, and so does an unclean close, whatever is expected. Runs under
Python 2.7, which the suite needs, and under 3.
"""

from __future__ import print_function

import io
import json
import sys


def order(case):
    return [int(number) for number in case.split(".")]


def main(report_path, expected_path, update=None):
    with io.open(report_path, encoding="utf-8") as file:
        report = json.load(file)["tincan"]
    if update == "update":
        lines = ['    "%s": "%s"' % (case, report[case]["behavior"]) for case in sorted(report, key=order)]
        with io.open(expected_path, "w", encoding="utf-8") as file:
            file.write(u"{\n%s\n}\n" % u",\n".join(lines))
    with io.open(expected_path, encoding="utf-8") as file:
        expected = json.load(file)

    faults = []
    for case in sorted(set(report) | set(expected), key=order):
        got = report.get(case, {}).get("behavior", "did not run")
        want = expected.get(case, "not expected at all")
        if got != want:
            faults.append("case %s: %s, expected %s" % (case, got, want))
        close = report.get(case, {}).get("behaviorClose", "OK")
        if close != "OK" and not close == want == "INFORMATIONAL":
            faults.append("case %s: the close was %s" % (case, close))

    for fault in faults:
        print(fault)
    counts = {}
    for result in report.values():
        counts[result["behavior"]] = counts.get(result["behavior"], 0) + 1
    summary = ", ".join("%d %s" % (counts[name], name) for name in sorted(counts))
    print("autobahn: %d cases (%s)" % (len(report), summary))
    print("%d passed, %d failed" % (len(report) - len(faults), len(faults)))
    return 1 if faults else 0


sys.exit(main(*sys.argv[1:]))
