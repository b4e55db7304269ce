"""`python -m benchmarks NAME [--json]`, each against its limit in the same run; `all` runs one after the other."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import bank_files, cold, contact, core, cra_files, engine, imports, lists, opening, replaying
from domain.errors import Regua
from gateways.temporal import settle


@dataclass(frozen=True)
class Benchmark:
    """What is measured: `run` takes the numbers of `sizes` (option, default, what it counts), in their order."""

    run: Callable[..., dict[str, Any]]
    table: Callable[[dict[str, Any]], str]
    what: str
    sizes: Mapping[str, tuple[int, str]]


BENCHMARKS = {
    "engine": Benchmark(
        engine.run_engine,
        engine.table,
        "the reference life beside a bare workflow",
        {"lives": (96, "lives of each contender"), "sleepers": (300, "sleeping cases of each contender")},
    ),
    "cold": Benchmark(
        cold.run_cold,
        cold.table,
        "a life woken from its history at every step",
        {"lives": (cold.LIVES, "lives in each way")},
    ),
    "contact": Benchmark(
        contact.run_contact,
        contact.table,
        "the contact as a local activity beside a normal one",
        {"lives": (contact.LIVES, "lives in each way")},
    ),
    "core": Benchmark(core.run_core, core.table, "the pure core alone", {"lives": (core.LIVES, "reference lives")}),
    "opening": Benchmark(
        opening.run_opening, opening.table, "opening cases beside the raw client", {"cases": (opening.CASES, "cases")}
    ),
    "imports": Benchmark(
        imports.run_imports, imports.table, "a portfolio beside raw COPY", {"rows": (imports.ROWS, "invoices")}
    ),
    "lists": Benchmark(
        lists.run_lists, lists.table, "what people look up among many cases", {"rows": (lists.ROWS, "cases")}
    ),
    "replaying": Benchmark(
        replaying.run_replaying,
        replaying.table,
        "the audit beside the bare Replayer",
        {"lives": (replaying.LIVES, "lives that are replayed")},
    ),
    "bank_files": Benchmark(
        bank_files.run_bank_files,
        bank_files.table,
        "return files of banks, streamed",
        {"lines": (bank_files.LINES, "lines of each file")},
    ),
    "cra": Benchmark(
        cra_files.run_cra,
        cra_files.table,
        "a remittance to the notaries, written and read",
        {"titles": (cra_files.TITLES, "titles of the remittance")},
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks and print them. Exit code 0: measured; 1: no server, or a life went wrong; 2: usage."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure R\u00e9gua on this machine.")
    whats = parser.add_subparsers(dest="what", required=True)
    for name, benchmark in BENCHMARKS.items():
        one = whats.add_parser(name, help=benchmark.what, description=benchmark.run.__doc__)
        for option, (default, what) in benchmark.sizes.items():
            one.add_argument(f"--{option}", type=_count, default=default, help=f"{what} (default: {default})")
        one.add_argument("--json", action="store_true", help="print one JSON document")
    whats.add_parser("all", help="every one of them").add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if given.what == "engine" and given.sleepers > engine.MOST_SLEEPERS:
        parser.error(f"--sleepers: a worker caches fewer than {given.sleepers}; give at most {engine.MOST_SLEEPERS}")
    try:
        documents = _measured(given)
    except Regua as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        settle()
    if given.json:
        print(json.dumps(documents if given.what == "all" else documents[given.what], indent=2))
    return 0


def _measured(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The documents by name; each table is printed as soon as it is known, on standard error where JSON is wanted."""
    documents, out = {}, sys.stderr if given.json else sys.stdout
    for name in BENCHMARKS if given.what == "all" else [given.what]:
        benchmark = BENCHMARKS[name]
        documents[name] = benchmark.run(
            *(getattr(given, size, default) for size, (default, _) in benchmark.sizes.items())
        )
        print(f"{benchmark.what}\n{benchmark.table(documents[name])}\n", file=out, flush=True)
    return documents


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number to measure with; give 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
