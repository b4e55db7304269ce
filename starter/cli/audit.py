"""Evidence: archive of histories, replay, timeline, verification, anchors, export."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from starter.cli.edge import CaseId, Commands, Creditor, Json, show

if TYPE_CHECKING:
    from audit.report import Report

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", help="case ids, or beginnings of them")]
All = Annotated[bool, typer.Option("--all", help="every case")]
Since = Annotated[str, typer.Option("--since", metavar="DATE", help="with --all: cases with entries since that day")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="also write the report as a page")]


def register(app: Commands) -> None:
    """Add the commands of this module."""
    group = Commands("Evidence: archive, replay, timeline, verify, anchor, export.")
    app.add_typer(group, name="audit")
    _keeping(group)
    _checking(group)
    _showing(group)


def _keeping(group: Commands) -> None:
    @group.command()
    def archive(
        cases: Ids = None,
        closed: Annotated[bool, typer.Option("--closed", help="what the nightly archive would take")] = False,
        as_json: Json = False,
    ) -> None:
        """Keep the Temporal histories of cases beyond the server's retention."""
        from starter import auditing

        if bool(cases) == closed:
            raise typer.BadParameter("give the IDs of cases, or --closed")
        with _progress("arquivando") as progress:
            found = auditing.archive(cases or [], progress)
        text = f"arquivados {found['added']} históricos, já estavam {found['known']}"
        lost = [f"ninguém tem mais o histórico {name}" for name in found["missing"]]
        show(found, as_json, lambda console: console.print("\n".join([text, *lost])))
        if found["missing"]:
            raise typer.Exit(1)

    @group.command()
    def anchor(
        out: Annotated[
            Path | None, typer.Option("--out", metavar="FILE", help="a .json file or a folder; keep it elsewhere")
        ] = None,
        as_json: Json = False,
    ) -> None:
        """Seal the heads of all ledgers and all archives with the anchor key, into a file."""
        from starter import auditing

        found = auditing.anchor(out)
        text = f"âncora nº {found['number']}: {found['cases']} casos, {found['archives']} históricos\n{found['path']}"
        show(found, as_json, lambda console: console.print(text, soft_wrap=True))


def _checking(group: Commands) -> None:
    @group.command()
    def replay(
        cases: Ids = None, everything: All = False, since: Since = "",
        workers: Annotated[int, typer.Option("--workers", min=1, metavar="N", help="processes")] = 2,
        html: Html = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Replay histories on today's code and decisions by today's rules, and compare every record with every other.

        Exit code 1 on any difference; a rule that changed since is reported as that and is none.
        """
        from starter import auditing

        _one_of(cases, everything)
        with _progress("repetindo") as progress:
            found, at = auditing.replay(cases or [], since, workers, progress)
        _report(found, at, html, as_json)

    @group.command()
    def verify(
        cases: Ids = None, everything: All = False,
        anchors: Annotated[
            list[Path] | None, typer.Option("--anchor", metavar="FILE", help="an anchor that was kept elsewhere")
        ] = None,
        html: Html = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Check chains, documents, archives, payments and contacts, and what anchors know of them."""
        from starter import auditing

        _one_of(cases, everything)
        with _progress("conferindo") as progress:
            found, at = auditing.verify(cases or [], anchors or [], progress)
        _report(found, at, html, as_json)


def _showing(group: Commands) -> None:
    @group.command()
    def timeline(
        case: CaseId,
        on: Annotated[str, typer.Option("--on", metavar="DATE", help="as the case stood at the end of that day")] = "",
        html: Html = None, creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Show a case day by day: what was known, decided, done, and not done and why, with debt and proofs."""
        from starter import auditing

        data, lines, page = auditing.timeline(case, creditor, on)
        if html:
            html.write_text(page, encoding="utf-8")
        show(data, as_json, lambda console: console.print("\n".join(lines), soft_wrap=True))

    @group.command()
    def export(
        case: CaseId,
        out: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help="where the ZIP goes")],
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Write everything about a case into a ZIP that can be checked without this program."""
        from starter import auditing

        found = auditing.export(case, creditor, out)
        text = (
            f"{found['path']}\nSHA-256: {found['sha256']}\n{found['files']} arquivos, {found['histories']} históricos"
        )
        show(found, as_json, lambda console: console.print(text, soft_wrap=True))


def _one_of(cases: Sequence[str] | None, everything: bool) -> None:
    if bool(cases) == everything:
        raise typer.BadParameter("give the IDs of cases, or --all")


def _report(found: Report, at: datetime, html: Path | None, as_json: bool) -> None:
    if html:
        html.write_text(found.html(at), encoding="utf-8")

    def render(console: Console) -> None:
        console.print(found.text(), soft_wrap=True)

    show(found.data(), as_json, render)
    if not found.clean:
        raise typer.Exit(1)


@contextmanager
def _progress(what: str) -> Iterator[Callable[..., Any]]:
    """A bar on a terminal, told how many cases there are (`total`) and how many more are done."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)

        def more(done: int = 0, total: int | None = None) -> None:
            bar.update(task, advance=done, total=total) if total is None else bar.update(task, total=total)

        yield more
