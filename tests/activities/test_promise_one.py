"""Promise 1 on real rows: one debtor with several cases, whatever he, the providers, the calendar and the clock do.

The providers judge each message that the real activities hand them, by rules told again by hand.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from people import new_case_row, set_creditor
from sqlalchemy import Engine, delete, insert, select

from activities.delivery import apply_waiting
from db.rows import CONTACT, CONTACT_CASE, HOLIDAY, WEBHOOK_EVENT
from domain import facts as f
from domain.errors import BadAddress, Unavailable, Unknown
from domain.policy_file import parse_policy
from domain.whereabouts import PHONE_CHANNELS, place_at
from gateways.outcome import Accepted
from tests.audit.lives import START, Life, Town
from tests.domain.test_budget import lawful

BY = ("[email]", "[sms, email]", "[whatsapp, sms]", "[voice, email]", "[email, sms, whatsapp, voice]")
STEPS = "".join(
    f"  - {{id: s{day}, at: due + {day}d, do: contact, by: {BY[day % len(BY)]}, text: atraso-cordial}}\n"
    for day in range(1, 25)
)
RULES = (
    '{hours: {mon-fri: "09:00-18:00"}, per_day: 1, per_week: 3}',
    '{hours: {mon-fri: "08:00-20:00", sat: "08:00-14:00"}, per_day: 2, per_week: 4, spacing: 2h, per_address: 1}',
    '{hours: {mon-fri: "08:00-20:00"}, per_day: 3, per_week: 9, spacing: 0h, per_channel: {email: 2}, quiet: [03-05]}',
)
HEAD = "entry: {already_late: as-dated, first_wave: free}"
LADDERS = [
    parse_policy(f"policy: p{n}\n{HEAD}\ncontact: {rules}\nsteps:\n{STEPS}", f"p{n}.yaml")
    for n, rules in enumerate(RULES)
]
CHANNELS = ("email", "sms", "whatsapp", "voice")
AREAS = {"SP": "11", "AC": "68", "AM": "92", "RJ": "21", "ES": "27"}
REPORTS = (("delivered", ""), ("undelivered", "30005"), ("bounce", "bounce"), ("failed", "21610"), ("unsubscribe", ""))
CASES = st.integers(0, 2)


class Provider:
    """One channel's provider: it takes what it is given, or fails as it was told to, and every message is judged."""

    house: House

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.mood, self.lost = "", dict[str, Accepted]()

    def send(self, message: Any) -> Accepted:
        """Judge a message, then take it or not."""
        self.house.judge(UUID(hex=message.send_id), self.channel, message.to)
        mood, self.mood = self.mood, ""
        taken = Accepted(f"{self.channel}-{uuid4().hex}", 1)
        if mood == "bad-address":
            raise BadAddress("21211")
        if mood == "away":
            raise Unavailable("http-429")
        if mood == "answer-lost":
            self.lost[message.to if self.channel == "voice" else self._mark(message)] = taken
        if mood:
            raise Unknown("http-503")
        return taken

    place = send

    def _mark(self, message: Any) -> str:
        return str(message.send_id if self.channel == "email" else message.short_ref)

    def find(self, *asked: Any) -> Accepted | None:
        """What was taken although nobody was told."""
        return self.lost.get(asked[1] if self.channel == "voice" else asked[0])


class House(RuleBasedStateMachine):
    """One debtor, three of his invoices, and what is known of them."""

    town: ClassVar[Town]
    posts: ClassVar[dict[str, Provider]]

    @initialize(
        ladder=st.integers(0, len(LADDERS) - 1),
        uf=st.sampled_from([*AREAS]),
        area=st.sampled_from([*AREAS]),
        late=st.lists(st.integers(-2, 12), min_size=3, max_size=3),
    )
    def move_in(self, ladder: int, uf: str, area: str, late: list[int]) -> None:
        self.ahead, self.policy, self.home, self.number = timedelta(0), LADDERS[ladder], place_at(uf), 0
        self.seen: set[UUID] = set()
        self.stopped: set[str] = set()
        self.days_off: set[date] = set()
        self.over, self.disputed = set[UUID](), set[UUID]()
        self.quiet_until = dict[UUID, date]()
        for post in self.posts.values():
            post.house, post.mood = self, ""
        mark = uuid4().int
        phone = f"+55{AREAS[area]}9{mark % 10**8:08d}"
        contacts = tuple((c, f"contas@d{mark}.example.com" if c == "email" else phone) for c in CHANNELS)
        engine, today = self.town.engine, START.date()
        first = new_case_row(engine, self.policy, today - timedelta(days=late[0]), today, contacts=contacts, uf=uf)
        more = [
            new_case_row(engine, self.policy, today - timedelta(days=days), today, debtor=first.debtor, uf=uf)
            for days in late[1:]
        ]
        self.lives = [Life(self.town, ids) for ids in (first, *more)]

    def teardown(self) -> None:
        with self.town.engine.begin() as conn:
            conn.execute(delete(HOLIDAY))

    # --- time ------------------------------------------------------------------------------------------------------
    @rule(minutes=st.sampled_from([20, 60, 240, 600, 1440, 1440, 4320, -45]), order=st.permutations([0, 1, 2]))
    def time_passes(self, minutes: int, order: list[int]) -> None:
        """A clock may be set back."""
        self.live(minutes, order)

    @rule(days=st.integers(1, 2), order=st.permutations([0, 1, 2]))
    def days_pass(self, days: int, order: list[int]) -> None:
        for _ in range(4 * days):
            self.live(360, order)

    def live(self, minutes: int, order: list[int]) -> None:
        """Later, each case does what is due."""
        self.ahead += timedelta(minutes=minutes)
        for number in order:
            self.obey(self.case(number))

    def obey(self, life: Life) -> None:
        for _ in range(6):
            order = life.next
            if order.not_before is None and order.action == "wait":
                return
            if order.not_before is not None and order.not_before > life.now:
                return
            life.perform()

    def case(self, number: int) -> Life:
        life = self.lives[number]
        life.ahead = self.ahead
        return life

    @rule(ahead=st.integers(0, 3))
    def a_day_off_is_loaded(self, ahead: int) -> None:
        day = self.case(0).today + timedelta(days=ahead)
        if day not in self.days_off:
            self.days_off.add(day)
            with self.town.engine.begin() as conn:
                row = {"place": "BR", "day": day, "name": "feriado", "source": "teste", "loaded_at": START}
                conn.execute(insert(HOLIDAY).values(row))

    # --- what people do --------------------------------------------------------------------------------------------
    def told(self, life: Life, fact: f.Told) -> bool:
        """Tell a case; was it taken?"""
        before = life.kinds().count(fact.kind)
        life.tell(fact)
        return life.kinds().count(fact.kind) > before

    def name(self, what: str) -> str:
        self.number += 1
        return f"{what}-{self.number}"

    @rule(number=CASES)
    def a_payment(self, number: int) -> None:
        life = self.case(number)
        if self.told(life, f.PaymentReceived(self.name("pix"), Decimal("5000.00"), life.today)):
            self.over.add(life.ids.case)

    @rule(number=CASES)
    def a_dispute(self, number: int) -> None:
        life = self.case(number)
        if self.told(life, f.DisputeOpened(self.name("d"), None)):
            self.disputed.add(life.ids.case)

    @rule(number=CASES)
    def a_dispute_is_resolved(self, number: int) -> None:
        life = self.case(number)
        if life.ids.case in self.disputed and self.told(life, f.DisputeResolved(False)):
            self.disputed.discard(life.ids.case)

    @rule(number=CASES, days=st.integers(0, 4), promise=st.booleans())
    def a_promise_or_a_pause(self, number: int, days: int, promise: bool) -> None:
        life = self.case(number)
        until = life.today + timedelta(days=days)
        fact: f.Told = f.PromiseMade(self.name("p"), until) if promise else f.Paused(life.today, until)
        if self.told(life, fact):
            self.quiet_until[life.ids.case] = until

    @rule(channel=st.sampled_from([*CHANNELS, "electronic"]), again=st.booleans())
    def an_opt_out_or_in(self, channel: str, again: bool) -> None:
        for number in range(3):
            self.case(number).tell(f.OptedIn((channel,)) if again else f.OptedOut((channel,)))
        named = {*CHANNELS} if channel == "electronic" else {channel}
        self.stopped = self.stopped - named if again else self.stopped | named

    @rule(channel=st.sampled_from(CHANNELS), mood=st.sampled_from(["away", "bad-address", "answer-lost", "never-came"]))
    def a_provider_will_fail(self, channel: str, mood: str) -> None:
        self.posts[channel].mood = mood

    @precondition(lambda self: self.seen)
    @rule(report=st.sampled_from(REPORTS), data=st.data())
    def a_report(self, report: tuple[str, str], data: st.DataObject) -> None:
        contact = data.draw(st.sampled_from(sorted(self.seen)), "contact")
        event, code = report
        row = {
            "id": uuid4(), "provider": "twilio", "event_key": uuid4().hex, "contact_id": contact, "event": event,
            "code": code, "body": {"MessageSid": "SM1"}, "received_at": datetime.now(START.tzinfo),
            "business_at": self.case(0).now,
        }  # fmt: skip
        with self.town.engine.begin() as conn:
            conn.execute(insert(WEBHOOK_EVENT).values(row))
            channel = conn.execute(select(CONTACT.c.channel).where(CONTACT.c.id == contact)).scalar_one()
        apply_waiting(self.town.engine, self.town.world.clock, 100)
        for number in range(3):
            self.case(number).decide()
        if code == "21610" or event == "unsubscribe":
            self.stopped.add(channel)

    # --- what must hold --------------------------------------------------------------------------------------------
    def judge(self, contact: UUID, channel: str, to: str) -> None:
        """Would this message break the promise? Called by the provider, before it takes it."""
        lead, mine, made = self._rows(contact)
        now = self.case(0).now if contact in self.seen else mine.planned_at
        place = self.home.with_phone(to) if channel in PHONE_CHANNELS else self.home
        rules, day = self.policy.contact, now.astimezone(place.zone).date()
        assert lawful(now, place, rules), "outside lawful hours"
        assert day not in self.days_off, "on a day off"
        assert not any(quiet.include(day) for quiet in rules.quiet), "on a quiet day"
        if mine.purpose != "ladder":
            return
        assert channel not in self.stopped, "after an opt-out"
        assert lead not in self.over, "on a paid case"
        assert lead not in self.disputed, "on a disputed case"
        assert self.quiet_until.get(lead, date.min) < self.case(0).today, "on a promised or paused case"
        today = [row for row in made if row.planned_at.astimezone(place.zone).date() == day]
        assert len(today) < rules.per_day, "over the cap of the day"
        assert sum(row.channel == channel for row in today) < rules.of_channel(channel), "over the cap of the channel"
        assert sum(row.planned_at > now - timedelta(days=7) for row in made) < rules.per_week, "over the cap of a week"
        assert contact in self.seen or all(row.planned_at + rules.spacing <= now for row in made), "too soon"
        self.seen.add(contact)

    def _rows(self, contact: UUID) -> tuple[UUID, Any, list[Any]]:
        """The case that sends it, the contact, and the debtor's others that count and did not fail."""
        with self.town.engine.connect() as conn:
            lead = select(CONTACT_CASE.c.case_id).where(CONTACT_CASE.c.contact_id == contact, CONTACT_CASE.c.lead)
            mine = conn.execute(select(CONTACT).where(CONTACT.c.id == contact)).one()
            others = select(CONTACT).where(CONTACT.c.debtor_id == mine.debtor_id, CONTACT.c.id != contact)
            count = CONTACT.c.counts & CONTACT.c.state.not_in(("failed", "bounced"))
            return conn.execute(lead).scalar_one(), mine, list(conn.execute(others.where(count)))


def test_no_sequence_of_cases_replies_outcomes_and_clocks_breaks_the_first_promise(
    engine: Engine, tmp_path: Path
) -> None:
    town = Town(engine, tmp_path)
    posts: dict[str, Any] = {channel: Provider(channel) for channel in CHANNELS}
    town.world = replace(town.world, **posts, unknown_for=0.0)
    first = new_case_row(engine, LADDERS[0], START.date(), START.date())
    agreed = {"policy_acknowledged_by": "ana", "policy_acknowledged_on": "2026-03-01"}
    whatsapp = {"sender": "+551130000000", "templates": {"atraso-cordial": "HX" + "0" * 32}, **agreed}
    set_creditor(engine, first.creditor, whatsapp=whatsapp, voice={"sender": "+551130000000"})
    House.town, House.posts = town, posts
    # Each step is a transaction or several; a sequence that fails is told as it is, not made shorter for minutes.
    lives = settings(
        max_examples=20,
        stateful_step_count=25,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(House, settings=lives)
