"""The play: waits for the signs that the script names, and lets its people act. It ends when every story has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from time import monotonic
from uuid import UUID

from sqlalchemy import select

from db.rows import APPROVAL, WORD
from domain.calendars import is_bank_day
from domain.news import last_bank_day_before
from domain.places import time_zone
from sandbox.debtors import HABITS, NEWS, STAFF, STORIES, Act, Story
from starter.demo.debtors import Debtors
from starter.demo.hands import Hands, Movement, Typed
from starter.demo.house import telephones
from starter.demo.watch import Life, Sign, Watch
from starter.installation import OFFICE

OFFICE_HOURS = time(9), time(16, 30)
"""When staff call: early enough for a call that takes a while to end in lawful hours."""
AGAIN_AFTER = 0.5
"""Real seconds before something that was refused or failed is tried again."""
TRIES = 40
SLOW = 1.5
"""Real seconds."""
_NOTHING_HAPPENS = timedelta(days=15)
"""Longer than anybody in the script waits."""


@dataclass
class Part:
    """One act that one sign asks of one person, and how far it is."""

    life: Life
    act: Act
    sign: Sign
    tries: int = 0
    not_before: float = 0.0
    movement: Movement | None = None
    problem: str = ""


@dataclass
class Cast:
    """A story with one of its invoices; `done` are the entries (their numbers in the book) that acts have answered."""

    story: Story
    number: str
    done: list[int] = field(default_factory=list)


class Play:
    """Everything scripted, and what of it is still to come."""

    def __init__(self, watch: Watch, hands: Hands, debtors: Debtors) -> None:
        self.watch, self.hands, self.debtors = watch, hands, debtors
        self.casts = [Cast(story, number) for story in STORIES for number in story.numbers]
        self.problems: list[str] = []
        self.slow: list[tuple[float, str]] = []
        """Acts that took long, with their real seconds: while one lasts, business days go by for all others."""
        self._habits: set[tuple[UUID, int, Act]] = set()
        self._waiting: dict[tuple[UUID, int, Act], Part] = {}
        self._news: dict[str, date] = {}

    def life(self, cast: Cast) -> Life | None:
        """The case of a cast, once it is imported."""
        return self.watch.life(cast.story.creditor, cast.number)

    def finished(self) -> bool:
        """Has every story ended as far as it will, with nothing scripted left?"""
        return not self._waiting and not any(True for _ in self.unfinished())

    def is_stuck(self, now: datetime) -> bool:
        """Did nothing happen for long, and will nothing for as long, although something scripted is left?"""
        lives = [life for cast in self.casts if (life := self.life(cast))]
        last = max((life.book[-1].at for life in lives if life.book), default=now)
        ahead = [life.row.next_at for life in lives if not life.ended and life.row.next_at]
        return now - last > _NOTHING_HAPPENS and all(at - now > _NOTHING_HAPPENS for at in ahead)

    def unfinished(self) -> Iterator[str]:
        """Who is not finished, each in a sentence."""
        for cast in self.casts:
            life, left = self.life(cast), cast.story.acts[len(cast.done) :]
            if life is None:
                yield f"{cast.story.creditor}/{cast.number} ({cast.story.title}): it was never imported"
            elif not life.ended:
                standing = f"stage {life.row.stage}, {life.row.next_reason or 'no step'}"
                yield f"{life.code}/{life.number} ({cast.story.title}): {standing}"
            elif left:
                yield f"{life.code}/{life.number} ({cast.story.title}): nobody could yet {left[0].do.split()[0]}"

    # --- acting ------------------------------------------------------------------------------------------------------
    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Remembers what took long."""
        begun = monotonic()
        yield
        if (took := monotonic() - begun) > SLOW:
            self.slow.append((round(took, 1), what))

    def act(self, clock: Callable[[], datetime]) -> None:
        """Do everything whose time has come; `clock` gives business time. Calls first, since their hours are short."""
        with self.timed("news"):
            self._tell_news(clock().astimezone(OFFICE).date())
        for due in self._due(clock()):
            self._waiting.setdefault((due.life.id, due.sign.seq, due.act), due)
        tried: set[int] = set()
        while part := self._next(clock(), tried):
            tried.add(id(part))
            with self.timed(f"{part.life.code}/{part.life.number}: {part.act.do}"):
                ended = self._do(part, clock())
            if ended:
                del self._waiting[(part.life.id, part.sign.seq, part.act)]

    def _tell_news(self, today: date) -> None:
        """Every morning the clerk has read the bank's account: all payments up to the day before are known."""
        known = last_bank_day_before(today)
        for code in {cast.story.creditor for cast in self.casts}:
            if self._news.get(code) != known and self.hands.type(NEWS.format(day=known, code=code), today).code == 0:
                self._news[code] = known

    def _next(self, now: datetime, tried: set[int]) -> Part | None:
        ready = [
            part
            for part in self._waiting.values()
            if id(part) not in tried and monotonic() >= part.not_before and _may_call(part, now)
        ]
        return min(ready, key=lambda part: not part.act.is_call, default=None)

    def _due(self, now: datetime) -> Iterator[Part]:
        for cast in self.casts:
            if life := self.life(cast):
                yield from self._scripted(cast, life, now)
                own = {act.after for act in cast.story.acts}
                yield from self._habitual(life, [act for act in HABITS if act.after not in own], now)

    def _scripted(self, cast: Cast, life: Life, now: datetime) -> Iterator[Part]:
        """The next acts of a story, in its order: none answers a sign that is older than the one before it did."""
        while len(cast.done) < len(cast.story.acts):
            act = cast.story.acts[len(cast.done)]
            signs = (sign for sign in life.signs(act.after) if sign.seq >= max(cast.done, default=0))
            sign = next((sign for sign in signs if self._ripe(life, act, sign, now)), None)
            if sign is None:
                return
            cast.done.append(sign.seq)
            yield Part(life, act, sign)

    def _habitual(self, life: Life, habits: list[Act], now: datetime) -> Iterator[Part]:
        for act in habits:
            for sign in life.signs(act.after):
                key = (life.id, sign.seq, act)
                if key not in self._habits and self._ripe(life, act, sign, now):
                    self._habits.add(key)
                    if self._still_asked(life, sign):
                        yield Part(life, act, sign)

    def _ripe(self, life: Life, act: Act, sign: Sign, now: datetime) -> bool:
        zone = time_zone(life.case.uf)
        waited = (now.astimezone(zone).date() - sign.at.astimezone(zone).date()).days
        return waited >= act.days and self.watch.read(sign)

    def _still_asked(self, life: Life, sign: Sign) -> bool:
        """Is what a habit answers still open? The case may have let it go."""
        case = life.case
        if task := sign.body.get("task_id"):
            return task in case.tasks
        if approval := sign.body.get("approval_id"):
            return case.approval is not None and case.approval.id == approval
        return not life.ended

    def _do(self, part: Part, now: datetime) -> bool:
        """Try once; True where nothing is left to do, be it that it will never succeed."""
        done = self._try(part, now)
        if done.code == 0 or self._overtaken(part):
            return True
        part.tries, part.not_before = part.tries + 1, monotonic() + AGAIN_AFTER
        if part.tries < TRIES:
            return False
        self.problems.append(
            f"{part.life.code}/{part.life.number}: `{done.command}` ended with {done.code}: {done.said}"
        )
        return True

    def _overtaken(self, part: Part) -> bool:
        """Was it done after all by a try whose answer was lost, or has the case let it go?"""
        if part.act in HABITS or "task_id" in part.sign.body:
            return not self._still_asked(part.life, part.sign)
        verb = part.act.do.split()[0].replace("-", "_")
        return any(verb in sign.words and sign.seq > part.sign.seq for sign in part.life.book)

    def _try(self, part: Part, now: datetime) -> Typed:
        life, today = part.life, now.astimezone(time_zone(part.life.case.uf)).date()
        if self.debtors.does(part.act.do):
            return self.debtors.do(part.act.do, life, part.sign, today)
        if part.act.do.startswith("bank"):
            part.movement = part.movement or self._movement(part, today)
            return self.hands.bank(part.movement)
        words = {
            "number": life.number,
            "code": life.code,
            "debt": life.case.debt(today).total,
            "reference": next(iter(self.hands.references(life.code, life.number)[::-1]), ""),
            "task": part.sign.body.get("task_id", ""),
            "approval": part.sign.body.get("approval_id", ""),
            "phone": telephones(life.code)[life.number],
        } | {f"day+{days}": today + timedelta(days=days) for days in range(1, 31)}
        command = part.act.do.format(**words)
        day = now.astimezone(OFFICE).date()
        if not command.startswith("approve"):
            return self.hands.type(command, day)
        return self._approve(command, UUID(words["approval"]), day)

    def _movement(self, part: Part, today: date) -> Movement:
        life, amount = part.life, part.act.do.split()[1]
        known = self.hands.references(life.code, life.number)
        if amount == "again":
            return next(m for m in self.hands.paid if m.reference == known[-1])
        value = life.case.debt(today).total if amount == "{debt}" else Decimal(amount)
        return Movement(life.code, life.number, life.document, f"PIX-{life.number}-{len(known) + 1}", value, today)

    def _approve(self, command: str, approval: UUID, day: date) -> Typed:
        """As many people as are needed, who have role and limit and have not spoken yet, each signed in."""
        with self.watch.engine.connect() as conn:
            row = conn.execute(select(APPROVAL).where(APPROVAL.c.id == approval)).one()
            said = set(conn.execute(select(WORD.c.staff_id).where(WORD.c.approval_id == approval)).scalars())
        able = [p for p in STAFF if p.role == row.role and p.limit >= row.amount and p.id not in said]
        typed = [self.hands.type(command, day, person.id) for person in able[: max(row.needed - len(said), 1)]]
        return next((done for done in typed if done.code), typed[-1]) if typed else Typed(day, command, 1, "nobody may")


def _may_call(part: Part, now: datetime) -> bool:
    local = now.astimezone(time_zone(part.life.case.uf))
    return not part.act.is_call or (is_bank_day(local.date()) and OFFICE_HOURS[0] <= local.time() < OFFICE_HOURS[1])
