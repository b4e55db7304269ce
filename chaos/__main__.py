"""`python -m chaos`: the whole run, its figures, exit code 1 where anything was lost, doubled or changed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chaos.run import run
from domain.errors import Regua


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="what is drawn: who dies, when, with which call held")
    parser.add_argument("--kills", type=int, default=200, help="how many processes die (default 200)")
    parser.add_argument("--day", type=float, default=20.0, help="real seconds a business day takes (default 20)")
    parser.add_argument("--state", type=Path, default=Path(".regua/chaos"), help="directory, made anew")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args()
    try:
        return run(given.seed, given.kills, given.day, given.state, as_json=given.json)
    except Regua as error:
        sys.exit(str(error))


if __name__ == "__main__":
    sys.exit(main())
