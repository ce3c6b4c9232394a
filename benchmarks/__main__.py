"""`python -m benchmarks [NAME…] [--json] [--quick]`: runs the benchmarks named, or all, and says which limits hold.

Exit status 1 when a limit does not hold. `--quick` measures the same with less: for a look, not for the record. `real`
has options of its own.
"""

import argparse
import importlib
import json
import os
import platform
import sys

from benchmarks.measure import Report

BENCHMARKS = {
    "real": "real weights on real voices: word errors, speech without words, inventions, times, against faster-whisper",
    "accuracy": "word errors on long-form speech against faster-whisper; borders of chunks; noise",
    "throughput": "file throughput against faster-whisper's batched pipeline alone",
    "batches": "a batch of short clips against the same clips one by one through faster-whisper",
    "memory": "peak memory of a 6 h file against that of a 10 min one",
    "exactness": "transcripts of disturbed files against those of undisturbed ones",
    "engines": "the same speech through both engines; killed and resumed files with both",
    "endurance": "memory and open files after an hour of mixed work and a hundred restarts",
    "top": "a key press in the live view until its effect is shown, while a batch of 500 items runs",
    "startup": "start of whisperctl against that of Python",
    "idle": "memory and processor time of an idle daemon",
    "contention": "dictation under a running file job against dictation on an idle daemon",
    "dictation": "release-to-text of long and short dictations, with fitted and full audio context; the first frame",
    "socket": "answers of the control socket while the model runs and 100,000 jobs are queued",
    "history": "lists and searches in a history of 100,000 transcripts",
    "backpressure": "the daemon's memory while a subscriber does not read, and whether that one sees everything",
    "kills": "a queue of files under kill -9 of the daemon",
    "drops": "files that land in a drop folder under kill -9 of the daemon",
    "watching": "a burst of files in a drop folder, and the idle cost of watching many",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0])
    names = "; ".join(f"{name}: {about}" for name, about in BENCHMARKS.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=names)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    real = parser.add_argument_group("options of real")
    real.add_argument("--set", nargs="+", default=(), metavar="NAME", help="only these sets (default: all)")
    real.add_argument("--languages", nargs="+", default=(), metavar="CODE", help="only sets in these languages")
    real.add_argument("--model", default="base", help="`base` or `tiny.en` (default: %(default)s)")
    real.add_argument("--again", action="store_true", help="ask the rivals again instead of using their kept outputs")
    real.add_argument("--no-throughput", action="store_true", help="texts and times only")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    _say_machine(arguments.json)
    reports = [_run(name, arguments) for name in arguments.names or BENCHMARKS]
    missed = [figure for report in reports for figure in report.figures if not figure.holds]
    if not arguments.json:
        print(f"\n{len(missed)} limits do not hold" if missed else "\nall limits hold")
    return 1 if missed else 0


def _run(name: str, arguments: argparse.Namespace) -> Report:
    if not arguments.json:
        print(f"\n{name}: {BENCHMARKS[name]}", flush=True)
    report = Report(name, arguments.json)
    own = {
        "only": arguments.set, "languages": arguments.languages, "model": arguments.model, "again": arguments.again,
        "throughput": not arguments.no_throughput,
    } if name == "real" else {}  # fmt: skip
    importlib.import_module(f"benchmarks.{name}").run(report, quick=arguments.quick, **own)
    return report


def _say_machine(as_json: bool) -> None:
    machine = {
        "python": platform.python_version(), "machine": platform.machine(), "kernel": platform.release(),
        "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0],
    }  # fmt: skip
    print(json.dumps(machine) if as_json else ", ".join(f"{key} {value}" for key, value in machine.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
