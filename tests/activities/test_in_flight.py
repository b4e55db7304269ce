"""A message in flight whose case moved on is settled by the sweep: found it stands in the book once, else it is off.

The real activities and gateways against the sandbox, over HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from channel_samples import CHANNELS, Post, approved, open_on, open_post, whatsapp
from firm_samples import TODAY, CrashError, Office, dies, notifying, open_office, signalled_by_a_sweep
from sqlalchemy import Engine, select, update

from activities import in_flight, outbox
from activities.contact import Contacts
from activities.notice import Notices
from activities.statements import COUNTED
from audit.verify import verify_one
from db.prepared import together
from db.rows import CONTACT, CONTACT_ATTEMPT, FACT, TASK
from domain import facts as f
from domain.fold import THANKS
from sandbox.server import Sandbox, running_sandbox
from workflows.options import AT_MOST, TRIES

AN_HOUR = timedelta(hours=1)
PAID = f.PaymentReceived("pix-1", Decimal("2000.00"), TODAY)
PART = f.PaymentReceived("pix-1", Decimal("100.00"), TODAY)
PAUSED = f.Paused(TODAY, TODAY + timedelta(days=7))
LOST: dict[str, Any] = {"effect": "accept_then_drop"}
"""The provider takes it, and its answer is lost."""
AWAY: dict[str, Any] = {"effect": "fail", "status": 503}
"""The provider does not take it, and says so in a way that proves nothing."""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture(params=CHANNELS)
def channel(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def post(channel: str, engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Post:
    return open_on(channel, engine, sandbox, tmp_path)


@pytest.fixture
def mailed(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Post:
    return open_post(engine, sandbox, tmp_path, by="[email]")


@pytest.fixture
def office(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Office:
    """A case whose notice by e-mail is due."""
    return open_office(engine, sandbox, tmp_path, notifying("[email]"))


def of_unknown_fate(post: Post, fault: dict[str, Any]) -> None:
    """The message of the step was handed over, and what became of it is not known."""
    post.sandbox.fault(times=1, **fault)
    post.post()


def moves_on(office: Office, fact: f.Told = PAID) -> None:
    """The case is told something, takes it in, and time passes."""
    office.tell(fact)
    office.decide()
    time_passes(office)


def time_passes(office: Office, how_long: timedelta = AN_HOUR) -> None:
    """Every call of the debtor's contacts began so much earlier."""
    mine = select(CONTACT.c.id).where(CONTACT.c.debtor_id == office.ids.debtor)
    earlier = update(CONTACT_ATTEMPT).where(CONTACT_ATTEMPT.c.contact_id.in_(mine))
    with office.world.engine.begin() as conn:
        conn.execute(earlier.values(begun_at=CONTACT_ATTEMPT.c.begun_at - how_long))


def swept(office: Office) -> list[UUID]:
    """The facts that a sweep stored."""
    return in_flight.reconcile(office.world, 10)


def steps_sent(office: Office) -> list[tuple[str, str, bool]]:
    """What the book says was sent."""
    sent = office.book("contact_sent")
    return [(fact.step, fact.channel, fact.covered) for fact in sent if isinstance(fact, f.ContactSent)]


def counted(office: Office) -> int:
    """How many contacts the debtor's caps count."""
    with office.world.engine.connect() as conn:
        since = datetime.now(UTC) - timedelta(days=400)
        (rows,) = together(conn, [COUNTED(id_=office.ids.debtor, since=since)])
    return len(rows)


def test_the_sweep_comes_later_than_any_activity_that_may_still_have_the_message_in_hand() -> None:
    longest = max(AT_MOST["contact"], AT_MOST["notice"])
    pauses = sum((TRIES.initial_interval * 2**n for n in range(TRIES.maximum_attempts)), timedelta(0))
    assert longest * TRIES.maximum_attempts + pauses < in_flight.MARGIN


def test_the_sweep_tells_the_case_at_once(mailed: Post) -> None:
    of_unknown_fate(mailed, LOST)
    moves_on(mailed)
    told, report = signalled_by_a_sweep(mailed.world)
    (fact,) = mailed.rows(FACT, FACT.c.case_id == mailed.ids.case, FACT.c.kind == "contact_sent")
    assert (told, report.signalled) == ([fact.id], 1)


# --- found -----------------------------------------------------------------------------------------------------------
def test_what_arrived_before_the_debtor_paid_stands_in_the_book_once_however_often_it_is_swept(
    post: Post, channel: str
) -> None:
    of_unknown_fate(post, LOST)
    moves_on(post)
    assert post.contact(channel).state == "in-flight"
    assert len(swept(post)) == 1
    time_passes(post)
    assert swept(post) == []
    contact = post.contact(channel)
    assert (contact.state, bool(contact.accepted_at), counted(post)) == ("accepted", True, 1)
    post.decide()
    assert steps_sent(post) == [("aviso", channel, False)]
    assert post.next.step.startswith(THANKS)
    assert len(post.sent()) == 1


def test_sweeps_side_by_side_tell_it_once(mailed: Post) -> None:
    of_unknown_fate(mailed, LOST)
    moves_on(mailed)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: swept(mailed), range(4)))
    assert sum(map(len, told)) == 1
    mailed.decide()
    assert steps_sent(mailed) == [("aviso", "email", False)]
    calls = mailed.rows(CONTACT_ATTEMPT, CONTACT_ATTEMPT.c.contact_id == mailed.contact("email").id)
    assert [call.outcome for call in calls] == ["unknown", "accepted"]


def test_what_arrived_is_told_to_a_case_that_is_disputed_or_closed_meanwhile_and_it_stays_so(mailed: Post) -> None:
    of_unknown_fate(mailed, LOST)
    moves_on(mailed, f.Voided("invoice cancelled"))
    assert mailed.next.action == "close"
    swept(mailed)
    mailed.decide()
    assert steps_sent(mailed) == [("aviso", "email", False)]
    assert mailed.next.action == "close"
    assert len(mailed.book("closed")) == 1


def test_during_a_dispute_what_arrived_is_told_and_not_said_again_after_it(mailed: Post) -> None:
    of_unknown_fate(mailed, LOST)
    moves_on(mailed, f.DisputeOpened("d-1"))
    swept(mailed)
    mailed.decide()
    assert steps_sent(mailed) == [("aviso", "email", False)]
    mailed.tell(f.DisputeResolved(upheld=False))
    mailed.decide()
    assert mailed.next.step != "aviso"


def test_what_a_report_proved_after_the_debtor_paid_is_told_without_asking_the_provider(mailed: Post) -> None:
    of_unknown_fate(mailed, LOST)
    moves_on(mailed)
    with mailed.world.engine.begin() as conn:
        proved = {"state": "accepted", "provider_id": "r-1", "accepted_at": datetime.now(UTC)}
        conn.execute(update(CONTACT).where(CONTACT.c.id == mailed.contact("email").id).values(**proved))
    mailed.sandbox.fault("fail", match={"kind": "lookup"}, status=503)
    assert len(swept(mailed)) == 1
    assert swept(mailed) == []
    mailed.decide()
    assert steps_sent(mailed) == [("aviso", "email", False)]


def test_what_its_own_activity_told_the_book_already_is_not_told_again(
    mailed: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as process:
        process.setattr(Contacts, "_record", dies)
        with pytest.raises(CrashError):
            mailed.post()
    with mailed.world.engine.begin() as conn:
        proved = {"state": "accepted", "provider_id": "r-1", "accepted_at": datetime.now(UTC)}
        conn.execute(update(CONTACT).where(CONTACT.c.id == mailed.contact("email").id).values(**proved))
    mailed.post()
    moves_on(mailed)
    assert swept(mailed) == []
    assert steps_sent(mailed) == [("aviso", "email", False)]


def test_an_auditor_finds_the_book_and_the_rows_of_what_arrived_late_at_one(mailed: Post) -> None:
    other = mailed.beside()
    of_unknown_fate(mailed, LOST)
    moves_on(mailed, f.Voided("invoice cancelled"))
    moves_on(other, f.Paused(TODAY, TODAY + timedelta(days=7)))
    swept(mailed)
    for post in (mailed, other):
        post.decide()
        with post.world.engine.connect() as conn:
            report = verify_one(conn, post.world.documents, post.ids.case, post.world.now(post.at))
        assert report.findings == ()
        assert len(steps_sent(post)) == 1


# --- not found -------------------------------------------------------------------------------------------------------
def test_what_never_left_is_withdrawn_its_budget_is_free_and_nobody_is_told(post: Post, channel: str) -> None:
    of_unknown_fate(post, AWAY)
    assert counted(post) == 1
    moves_on(post)
    assert swept(post) == []
    assert (post.contact(channel).state, counted(post)) == ("failed", 0)
    assert post.point(channel).state == "usable", "the address has done nothing"
    post.decide()
    assert steps_sent(post) == []
    assert post.sent() == []


def test_a_step_whose_message_was_withdrawn_is_written_anew_when_the_hold_is_over(mailed: Post) -> None:
    of_unknown_fate(mailed, AWAY)
    moves_on(mailed, f.DisputeOpened("d-1"))
    swept(mailed)
    assert mailed.contact("email").state == "failed"
    mailed.tell(f.DisputeResolved(upheld=False))
    mailed.decide()
    while not steps_sent(mailed):
        mailed.post()
    assert steps_sent(mailed) == [("aviso", "email", False)]
    assert len(mailed.sent()) == 1


# --- left alone ------------------------------------------------------------------------------------------------------
def test_what_its_case_still_wants_is_left_to_the_case(post: Post, channel: str) -> None:
    of_unknown_fate(post, LOST)
    time_passes(post)
    before = post.rows(CONTACT_ATTEMPT, CONTACT_ATTEMPT.c.contact_id == post.contact(channel).id)
    assert swept(post) == []
    assert post.contact(channel).state == "in-flight"
    assert post.rows(CONTACT_ATTEMPT, CONTACT_ATTEMPT.c.contact_id == post.contact(channel).id) == before


def test_what_its_case_wants_again_by_what_it_was_just_told_is_left_to_the_case(mailed: Post) -> None:
    of_unknown_fate(mailed, LOST)
    moves_on(mailed, PAUSED)
    mailed.tell(f.Resumed())
    assert swept(mailed) == []
    assert mailed.contact("email").state == "in-flight"


def test_what_its_case_wants_again_while_it_is_looked_up_is_left_to_the_case(
    mailed: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_unknown_fate(mailed, LOST)
    moves_on(mailed, PAUSED)
    look_up = in_flight._looked_up

    def resolved_meanwhile(*args: Any) -> Any:
        mailed.tell(f.Resumed())
        return look_up(*args)

    monkeypatch.setattr(in_flight, "_looked_up", resolved_meanwhile)
    assert swept(mailed) == []
    assert mailed.contact("email").state == "in-flight"
    mailed.decide()
    mailed.post()
    assert steps_sent(mailed) == [("aviso", "email", False)]
    assert len(mailed.sent()) == 1


def test_a_call_that_may_still_be_under_way_is_left_alone(mailed: Post) -> None:
    of_unknown_fate(mailed, LOST)
    mailed.tell(PAID)
    mailed.decide()
    time_passes(mailed, timedelta(seconds=mailed.world.unknown_for) + in_flight.MARGIN - timedelta(seconds=30))
    assert swept(mailed) == []
    assert mailed.contact("email").state == "in-flight"


def test_while_the_providers_records_cannot_be_read_it_stays_and_a_later_sweep_finds_it(
    post: Post, channel: str
) -> None:
    of_unknown_fate(post, LOST)
    moves_on(post)
    post.sandbox.fault("fail", match={"kind": "lookup"}, status=503)
    assert swept(post) == []
    assert (post.contact(channel).state, counted(post)) == ("in-flight", 1)
    post.sandbox.state.clear_faults()
    time_passes(post)
    assert len(swept(post)) == 1
    assert post.contact(channel).state == "accepted"


def test_a_provider_that_is_away_is_asked_once_a_sweep_and_others_still_are(
    mailed: Post, engine: Engine, tmp_path: Path
) -> None:
    others = [open_post(engine, mailed.sandbox, tmp_path, by=f"[{channel}]") for channel in ("email", "sms")]
    for post in (mailed, *others):
        of_unknown_fate(post, LOST)
        moves_on(post)
    mailed.sandbox.fault("fail", provider="sendgrid", match={"kind": "lookup"}, status=503)
    assert len(swept(mailed)) == 1
    contacts = [
        post.contact(channel) for post, channel in zip((mailed, *others), ("email", "email", "sms"), strict=True)
    ]
    assert [contact.state for contact in contacts] == ["in-flight", "in-flight", "accepted"]
    tries = [len(mailed.rows(CONTACT_ATTEMPT, CONTACT_ATTEMPT.c.contact_id == contact.id)) for contact in contacts]
    assert tries == [2, 1, 2]


def test_a_channel_that_was_switched_off_since_proves_nothing(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    post = open_post(engine, sandbox, tmp_path, by="[whatsapp]")
    post.agree(whatsapp=whatsapp(approved(sandbox)))
    of_unknown_fate(post, LOST)
    moves_on(post)
    post.agree(whatsapp=None)
    swept(post)
    assert post.contact("whatsapp").state == "in-flight"


# --- cases that it covers --------------------------------------------------------------------------------------------
def test_a_case_that_still_wants_its_word_looks_after_the_message_that_covers_it(mailed: Post) -> None:
    other = mailed.beside()
    of_unknown_fate(mailed, LOST)
    moves_on(mailed)
    assert swept(mailed) == []
    assert mailed.contact("email").state == "in-flight"
    while not steps_sent(other):
        other.post()
    assert steps_sent(other) == [("aviso", "email", True)]
    assert len(other.sent()) == 1


@pytest.mark.parametrize(("fault", "told"), [(LOST, 1), (AWAY, 0)], ids=["arrived", "never-left"])
def test_where_every_case_moved_on_each_hears_of_what_arrived(mailed: Post, fault: dict[str, Any], told: int) -> None:
    other = mailed.beside()
    of_unknown_fate(mailed, fault)
    moves_on(mailed)
    moves_on(other, f.Voided("invoice cancelled"))
    assert len(swept(mailed)) == 2 * told
    mailed.decide()
    other.decide()
    assert steps_sent(mailed) == [("aviso", "email", False)] * told
    assert steps_sent(other) == [("aviso", "email", True)] * told
    assert mailed.contact("email").state == ("accepted" if told else "failed")


# --- notices ---------------------------------------------------------------------------------------------------------
def notify(office: Office) -> None:
    """Say what the case owes before it notifies, then notify."""
    while office.next.action == "contact":
        office.perform(Contacts(office.world).contact)
    assert office.next.action == "notice"
    office.perform(Notices(office.world).notice)


def notices_sent(office: Office) -> list[str]:
    """By which ways the book says that a notice went out although its case had moved on."""
    return [step for step, *_ in steps_sent(office) if step.startswith("notificacao")]


def notified(office: Office) -> int:
    """How many messages of notices the provider took."""
    mine = office.rows(CONTACT, CONTACT.c.debtor_id == office.ids.debtor, CONTACT.c.purpose == "notice")
    return sum(entry["send_id"] in {row.id.hex for row in mine} for entry in office.sent())


def test_a_notice_that_went_out_before_the_debt_was_paid_stands_in_the_book_and_opens_nothing(
    office: Office, sandbox: Sandbox
) -> None:
    sandbox.fault(times=1, **LOST)
    notify(office)
    moves_on(office)
    assert len(swept(office)) == 1
    time_passes(office)
    assert swept(office) == []
    office.decide()
    assert notices_sent(office) == ["notificacao:email"]
    assert office.book("notice_issued") == []
    assert office.contact("email").state == "accepted"
    assert notified(office) == 1


def test_a_notice_that_went_out_before_a_dispute_is_issued_and_not_sent_again_when_it_is_over(
    office: Office, sandbox: Sandbox
) -> None:
    sandbox.fault(times=1, **LOST)
    notify(office)
    moves_on(office, f.DisputeOpened("d-1"))
    swept(office)
    office.tell(f.DisputeResolved(upheld=False))
    office.decide()
    notify(office)
    assert notices_sent(office) == ["notificacao:email"]
    assert len(office.book("notice_issued")) == 1
    assert notified(office) == 1


def test_a_notice_that_is_not_found_during_a_dispute_is_looked_up_once_and_a_person_is_asked_when_it_is_over(
    office: Office, sandbox: Sandbox
) -> None:
    sandbox.fault(times=1, **AWAY)
    notify(office)
    moves_on(office, f.DisputeOpened("d-1"))
    for _ in range(2):
        assert swept(office) == []
        time_passes(office)
    contact = office.contact("email")
    assert contact.state == "in-flight"
    calls = office.rows(CONTACT_ATTEMPT, CONTACT_ATTEMPT.c.contact_id == contact.id)
    assert [call.outcome for call in calls] == ["unknown", "ask-a-person"]
    office.tell(f.DisputeResolved(upheld=False))
    office.decide()
    notify(office)
    assert office.book("action_failed") == [f.ActionFailed("notice", "notificacao", "UnknownOutcome", transient=False)]
    time_passes(office)
    assert swept(office) == [], "a person is asked"
    assert office.contact("email").state == "in-flight"
    moves_on(office, f.Voided("invoice cancelled"))
    assert swept(office) == [], "nobody is asked any more"
    assert office.contact("email").state == "failed"
    assert notified(office) == 0
    assert office.rows(TASK, TASK.c.case_id == office.ids.case, TASK.c.done_at.is_(None)) == []


def test_a_notice_of_which_a_person_said_that_it_went_out_stands_in_the_book_though_the_debt_was_no_debt(
    office: Office, sandbox: Sandbox
) -> None:
    sandbox.fault(times=1, **AWAY)
    notify(office)
    time_passes(office)
    notify(office)
    assert office.next.reason == "held until a person has looked"
    moves_on(office, f.TaskDone(str(office.open_task("action-failed").id), "sent"))
    moves_on(office, f.Voided("invoice cancelled"))
    assert len(swept(office)) == 1
    assert office.contact("email").state == "accepted"
    office.decide()
    assert notices_sent(office) == ["notificacao:email"]
    assert notified(office) == 0, "the provider's records never showed it"


def test_a_notice_that_another_took_the_place_of_stands_in_the_book_beside_the_other(
    office: Office, sandbox: Sandbox
) -> None:
    sandbox.fault(times=1, **LOST)
    notify(office)
    old = office.contact("email")
    moves_on(office, PART)
    notify(office)
    while not office.book("notice_issued"):
        notify(office)
    assert len(swept(office)) == 1
    office.decide()
    assert notices_sent(office) == ["notificacao:email"]
    (row,) = office.rows(CONTACT, CONTACT.c.id == old.id)
    assert row.state == "accepted"
    assert len(office.book("notice_issued")) == 1
    assert notified(office) == 2


@pytest.mark.parametrize("printed", [True, False])
def test_a_letter_is_out_once_the_mail_house_has_it(
    engine: Engine, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: bool
) -> None:
    office = open_office(engine, sandbox, tmp_path, notifying("[letter]"))
    with monkeypatch.context() as process:
        process.setattr(Notices, "_record" if printed else "_hand_over", dies)
        with pytest.raises(CrashError):
            notify(office)
    moves_on(office, f.Voided("invoice cancelled"))
    assert len(swept(office)) == printed
    assert office.contact("letter").state == ("accepted" if printed else "failed")
    office.decide()
    assert notices_sent(office) == ["notificacao:letter"] * printed


def test_a_letter_that_a_lost_life_may_have_printed_is_a_persons_when_its_case_comes_back_to_it(
    engine: Engine, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(engine, sandbox, tmp_path, notifying("[letter]"))
    with monkeypatch.context() as process:
        process.setattr(Notices, "_hand_over", dies)
        with pytest.raises(CrashError):
            notify(office)
    mine = CONTACT_ATTEMPT.c.contact_id == office.contact("letter").id
    with engine.begin() as conn:
        conn.execute(update(CONTACT_ATTEMPT).where(mine).values(code=outbox.LOST_LIFE))
    moves_on(office, f.DisputeOpened("d-1"))
    assert swept(office) == []
    assert [call.outcome for call in office.rows(CONTACT_ATTEMPT, mine)] == ["in-flight", "ask-a-person"]
    office.tell(f.DisputeResolved(upheld=False))
    office.decide()
    notify(office)
    assert office.open_task("action-failed").step == "notificacao"


def test_a_letter_that_was_not_printed_before_a_dispute_is_printed_after_it(
    engine: Engine, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(engine, sandbox, tmp_path, notifying("[letter]"))
    with monkeypatch.context() as process:
        process.setattr(Notices, "_hand_over", dies)
        with pytest.raises(CrashError):
            notify(office)
    moves_on(office, f.DisputeOpened("d-1"))
    for _ in range(2):
        assert swept(office) == []
        time_passes(office)
    assert office.contact("letter").state == "in-flight"
    assert len(office.rows(CONTACT_ATTEMPT, CONTACT_ATTEMPT.c.contact_id == office.contact("letter").id)) == 2
    office.tell(f.DisputeResolved(upheld=False))
    office.decide()
    notify(office)
    assert office.contact("letter").state == "accepted"
    assert len(office.book("notice_issued")) == 1
