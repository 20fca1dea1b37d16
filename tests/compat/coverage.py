#!/usr/bin/env python3
"""Prove that a scenario notices when an option is ignored.

usage: coverage.py [-r DIR] [-j N] [-v] [-p PROGRAM] [OPTION ...]
  OPTION   only these rows of coverage.tsv (long names without the dashes; default: every row that names a scenario)
  -p PROGRAM   only the options of this program
  -r DIR   folder with DCMTK's programs (default: those on PATH)
  --ours DIR   folder with ours, for the options that DCMTK has not: they are proved on our program (without: left out)
  -j N     run N at a time (default 2);  -v says what each scenario noticed

coverage.tsv names for each option of each program a scenario of this folder. Each of those runs on DCMTK as it is,
and once more for each of its options on a program that drops that option and its values from its command line and hands
the rest to DCMTK's. The facts must differ, or the scenario would not miss the option. Options that DCMTK takes and does nothing with
(note `no effect`) are made unknown instead. A control whose option nobody gives must change no fact.
The last line is `N passed, M failed`, counting options. Exit status: 0 nothing failed, 1 something failed, 2 could not run.
"""
import argparse, csv, glob, os, shutil, sys, tempfile, time

import differ

PROGRAMS = ("storescp", "storescu", "dcmqrscp")
HERE = os.path.dirname(os.path.abspath(__file__))
CONTROL = "--nobody-gives-this"
DROPPING = """#!/bin/bash
# {program} without the option {names}
left=$#
while [ $left -gt 0 ]; do
  word=$1; shift; left=$((left - 1))
  case $word in
    {names}) {action} ;;
    *) set -- "$@" "$word" ;;
  esac
done
exec -a "$0" {real} "$@"
"""
DROP_VALUES = 'for _ in {}; do [ $left -gt 0 ] && {{ shift; left=$((left - 1)); }}; done'
MAKE_UNKNOWN = 'set -- "$@" --not-an-option'


def table(name):
    with open(os.path.join(HERE, name), newline="") as f:
        lines = [l for l in f if l.strip() and not l.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def dropping(root, reference, real, names, values, unknown=False):
    """A folder with a program that ignores an option, and with DCMTK's other programs."""
    folder, program = tempfile.mkdtemp(dir=root), os.path.basename(real)
    for tool in PROGRAMS:
        if tool != program:
            os.symlink(os.path.join(reference, tool), os.path.join(folder, tool))
    action = MAKE_UNKNOWN if unknown else DROP_VALUES.format(" ".join(map(str, range(values)))) if values else ":"
    with open(os.path.join(folder, program), "w") as f:
        f.write(DROPPING.format(program=program, names="|".join(f"'{n}'" for n in names), action=action, real=real))
    os.chmod(os.path.join(folder, program), 0o755)
    return folder


def run(jobs, scenarios, reference, root, count):
    """{key: facts} for jobs {key: (scenario, folder of the tools under test)}."""
    todo, running, done = list(jobs), {}, {}
    try:
        while todo or running:
            while todo and len(running) < count:
                key = todo.pop(0)
                scenario, folder = jobs[key]
                running[key] = differ.Job(scenarios[scenario], "ours", folder, reference, root, 120)
            for key in [k for k, job in running.items() if job.over()]:
                done[key] = running.pop(key).facts()
                done[key].pop("!trace", None)
            time.sleep(0.004)
    finally:
        for job in running.values():
            job.end()
    return done


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("-r")
    ap.add_argument("--ours")
    ap.add_argument("-j", type=int, default=2)
    ap.add_argument("-p", choices=PROGRAMS)
    ap.add_argument("-v", action="store_true")
    ap.add_argument("options", nargs="*")
    a = ap.parse_args()
    found = a.r or os.path.dirname(shutil.which("storescp") or "")
    if not os.path.exists(os.path.join(found, "storescp")):
        print(__doc__)
        return 2
    reference = os.path.abspath(found)
    scenarios = differ.load(sorted(glob.glob(os.path.join(HERE, "scenarios_*.py"))))
    options = {(p, r["long"]): r for p in PROGRAMS for r in table(f"options-{p}.tsv")}
    rows = [r for r in table("coverage.tsv") if r["proof"] in scenarios and (not a.options or r["option"].lstrip("-") in a.options)
            and a.p in (None, r["program"]) and (a.ours or options[r["program"], r["option"]]["since"] != "ours")]
    os.environ.update(TCP_NODELAY="1", LC_ALL="C.UTF-8")
    differ.adopt()
    root = tempfile.mkdtemp(prefix="coverage-")
    try:
        jobs = {}
        for r in rows:
            program, proof = r["program"], r["proof"]
            o = options[program, r["option"]]
            plain = os.path.abspath(a.ours) if o["since"] == "ours" else reference
            real = os.path.join(plain, program)
            names, values = [n for n in (o["short"], o["long"]) if n], sum(":" in w for w in o["params"].split())
            jobs[proof, "as it is"] = proof, plain
            if (proof, program) not in jobs:
                jobs[proof, program] = proof, dropping(root, reference, real, [CONTROL], 0)
            jobs[proof, program, r["option"]] = proof, dropping(root, reference, real, names, values, r["note"].startswith("no effect"))
        facts = run(jobs, scenarios, reference, root, max(1, a.j))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    passed = failed = 0
    for r in rows:
        program, option, proof = r["program"], r["option"], r["proof"]
        plain, same, without = (facts[key] for key in ((proof, "as it is"), (proof, program), (proof, program, option)))
        noticed = [k for k in {**plain, **without} if plain.get(k) != without.get(k)]
        trouble = f"the scenario breaks: {plain['!']}" if "!" in plain else "the scenario is unstable" if same != plain else \
            "" if noticed else "the scenario does not notice that it is ignored"
        passed, failed = passed + (not trouble), failed + bool(trouble)
        if trouble:
            print(f"FAILED  {program} {option}: {proof}: {trouble}")
        elif a.v:
            print(f"noticed {program} {option}: {proof}: {', '.join(noticed[:3])[:150]}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
