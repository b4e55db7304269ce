"""What people see while the demo runs: a live table on a terminal, one line a week elsewhere."""

from __future__ import annotations

from collections import Counter, deque
from datetime import date, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from starter.demo.hands import Typed
from starter.demo.play import Cast, Play
from starter.demo.watch import Life
from starter.installation import OFFICE
from starter.stack import running_services

_LAST_COMMANDS, _LAST_REPLIES = 6, 2
_FIXED_LINES = _LAST_COMMANDS + _LAST_REPLIES + 8
_STAGES = {
    "preventive": "preventiva",
    "amicable": "amigável",
    "notice": "notificação",
    "protest": "protesto",
    "legal": "jurídico",
    "closed": "encerrado",
}
_SILENT = frozenset({"decided", "note", "refused"})


class Screen:
    """Shows the play. `lively` asks for the table; else there are plain lines."""

    def __init__(self, play: Play, console: Console) -> None:
        self.play, self.console = play, console
        self.news: deque[str] = deque(maxlen=3)
        self._live = (
            Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            if console.is_terminal
            else None
        )
        self._week: date | None = None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def announce(self, line: str) -> None:
        """A line about the stack: among the news of the table, or by itself."""
        if self._live and self._live.is_started:
            self.news.append(line)
        else:
            self.console.print(line, highlight=False, soft_wrap=True)

    def show(self, now: datetime) -> None:
        """Show what stands now (business time)."""
        if self._live:
            self._live.update(self._picture(now), refresh=True)
            return
        day = now.astimezone(OFFICE).date()
        if self._week != (week := date.fromisocalendar(day.year, day.isocalendar().week, 1)):
            self._week = week
            self.console.print(f"semana de {week:%d/%m/%Y}: {self._counts()}", highlight=False, soft_wrap=True)

    def _counts(self) -> str:
        stages = Counter(_STAGES.get(life.row.stage, life.row.stage) for life in self.play.watch.lives.values())
        told = ", ".join(f"{count} {stage}" for stage, count in sorted(stages.items()))
        return f"{told or 'nada importado'}; {len(self.play.hands.typed)} comandos"

    def _picture(self, now: datetime) -> Group:
        local = now.astimezone(OFFICE)
        processes = ", ".join(f"{name} {pid}" for name, pid in running_services(self.play.watch.sandbox.parent).items())
        head = Text(f"{local:%a %d/%m/%Y %H:%M}   {self._counts()}\n{processes}", style="bold", no_wrap=True)
        return Group(head, self._table(), *self._foot())

    def _table(self) -> Table:
        table = Table("fatura", "história", "etapa", "próxima ação", "último fato", expand=True, show_lines=False)
        for column in table.columns:
            column.no_wrap, column.overflow = True, "ellipsis"
        casts = sorted(self.play.casts, key=lambda cast: bool(self._ended(cast)))  # who goes on, first
        room = max(self.console.height - _FIXED_LINES, 5)
        for cast in casts[:room]:
            table.add_row(*self._row(cast))
        if len(casts) > room:
            table.add_row("…", f"e mais {len(casts) - room}", "", "", "")
        return table

    def _ended(self, cast: Cast) -> str:
        life = self.play.life(cast)
        return life.ended if life else ""

    def _row(self, cast: Cast) -> tuple[str, str, str, str, str]:
        name, life = f"{cast.story.creditor} {cast.number}", self.play.life(cast)
        if life is None:
            return name, cast.story.title, "", "", ""
        row = life.row
        stage = _STAGES.get(row.stage, row.stage) + (f": {row.outcome}" if row.stage == "closed" else "")
        at = f" {row.next_at.astimezone(OFFICE):%d/%m}" if row.next_at else ""
        following = "" if row.stage == "closed" else f"{row.next_action}{at} {row.next_step or row.next_reason}"
        return name, cast.story.title, stage, following, _last(life)

    def _foot(self) -> list[Text]:
        typed = [_command(done) for done in self.play.hands.typed[-_LAST_COMMANDS:]]
        replies = [f"{done.day:%d/%m} {done.command}" for done in self.play.debtors.did[-_LAST_REPLIES:]]
        return [
            *(Text(line, style="dim", no_wrap=True) for line in typed),
            *(Text(line, style="cyan", no_wrap=True) for line in replies),
            *(Text(line, style="yellow", no_wrap=True) for line in self.news),
        ]


def _command(done: Typed) -> str:
    return f"{done.day:%d/%m} $ {done.command}" + (f"   -> {done.code} {done.said}" if done.code else "")


def _last(life: Life) -> str:
    told = [sign for sign in life.book if sign.words[0] not in _SILENT]
    return f"{told[-1].at.astimezone(OFFICE):%d/%m} {told[-1].words[-1]}" if told else ""
