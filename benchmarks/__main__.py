"""`python -m benchmarks engine [--lives N] [--sleepers N] [--json]`: the engine beside a bare workflow.

`python -m benchmarks bank_files [--lines N] [--json]`: return files of banks, streamed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks import bank_files
from benchmarks.engine import MOST_SLEEPERS, run_engine, table
from domain.errors import Regua
from gateways.temporal import settle


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark and print it. Exit code 0: measured; 1: a server did not start or a life went wrong; 2: usage."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Régua on this machine.")
    whats = parser.add_subparsers(dest="what", required=True)
    engine = whats.add_parser(
        "engine", help="the reference life beside a bare workflow", description=run_engine.__doc__
    )
    engine.add_argument("--lives", type=_count, default=96, help="lives of each contender (default: 96)")
    engine.add_argument("--sleepers", type=_count, default=300, help="sleeping cases of each contender (default: 300)")
    engine.add_argument("--json", action="store_true", help="print one JSON document")
    files = whats.add_parser(
        "bank_files", help="return files of banks, streamed", description=bank_files.run_bank_files.__doc__
    )
    files.add_argument("--lines", type=_count, default=bank_files.LINES, help="lines of each file (default: 100000)")
    files.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    if given.what == "bank_files":
        streamed = bank_files.run_bank_files(given.lines)
        print(json.dumps(streamed, indent=2) if given.json else bank_files.table(streamed))
        return 0
    if given.sleepers > MOST_SLEEPERS:
        parser.error(f"--sleepers: a worker caches fewer than {given.sleepers}; give at most {MOST_SLEEPERS}")
    try:
        document = run_engine(given.lives, given.sleepers)
    except Regua as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        settle()
    print(json.dumps(document, indent=2) if given.json else table(document))
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number to measure with; give 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
