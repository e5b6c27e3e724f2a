"""Prints the table of the long form: `uv run python -m tests.faults [--quick] [PART ...]`."""

import argparse
import os
import sys
import tempfile
import time

from tests.faults.parts import PARTS


def main() -> int:
    """Runs the parts that are named, or all; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; or all")
    parser.add_argument("--quick", action="store_true", help="as many cases as the default tests")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    failures: list[str] = []
    print("| Cases | Fault | What came of it | Time |\n|--:|---|---|--:|", flush=True)
    for name in options.parts or PARTS:
        part = PARTS[name]
        start = time.monotonic()
        tally = part.run(part.quick if options.quick else part.full, options.seed)
        seconds = time.monotonic() - start
        count = part.quick if options.quick else part.full
        print(f"| {count:,} | {part.title} | {tally.describe()} | {seconds:.0f} s |", flush=True)
        failures += [f"{name}: {text}" for text in tally.failures]
    for text in failures:
        print(f"\n{text}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["TUILAB_HOME"] = home
        code = main()
    sys.exit(code)
