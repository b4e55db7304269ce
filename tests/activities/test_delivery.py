"""What a delivery outcome does to a contact, an address, a debtor and his cases."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from people import ladder
from sqlalchemy import Engine, select

from activities.delivery import apply_event, apply_stored, apply_waiting, meaning
from db.rows import FACT, WEBHOOK_EVENT
from domain import facts as f
from domain.case import dump
from domain.clock import PRODUCTION, Clock
from domain.fold import Moment, fold
from domain.places import time_zone
from tests.activities.delivery_samples import NOON, STEP, Desk

EMAIL = {"provider": "sendgrid", "body": {"sg_message_id": "mail-1.recvd-2"}}


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def sweep(desk: Desk) -> list[UUID]:
    return apply_waiting(desk.engine, PRODUCTION, 100)


# --- the contact -----------------------------------------------------------------------------------------------------
def test_a_delivered_message_changes_nothing_but_its_own_row(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case)
    desk.report(contact, "delivered")
    assert sweep(desk) == []
    assert desk.contact(contact).state == "delivered"
    assert desk.contact(contact).settled_at is not None
    assert desk.point(contact) == "usable"
    assert desk.facts(case) == []
    assert desk.waiting() == 0


def test_a_late_sent_after_delivered_changes_nothing(desk: Desk) -> None:
    contact = desk.send(desk.open())
    desk.report(contact, "delivered")
    sweep(desk)
    before = desk.contact(contact)
    desk.report(contact, "sent")
    desk.report(contact, "queued")
    assert sweep(desk) == []
    assert desk.contact(contact) == before
    assert desk.waiting() == 0


def test_delivered_after_failed_is_kept_as_evidence_and_changes_nothing_else(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case)
    desk.report(contact, "undelivered", "30005")
    sweep(desk)
    before, told = desk.contact(contact), desk.facts(case)
    desk.report(contact, "delivered")
    assert sweep(desk) == []
    assert desk.contact(contact) == before
    assert desk.facts(case) == told
    assert [event.event for event in desk.events()] == ["undelivered", "delivered"]


@pytest.mark.parametrize("order", list(permutations(("processed", "delivered", "bounce"))))
def test_in_whatever_order_reports_come_a_returned_mail_ends_as_returned(desk: Desk, order: tuple[str, ...]) -> None:
    case = desk.open()
    contact = desk.send(case, channel="email")
    for event in order:
        desk.report(contact, event, "bounce" if event == "bounce" else "", **EMAIL)
        sweep(desk)
    assert desk.contact(contact).state == "bounced"
    assert [fact["kind"] for fact in desk.facts(case)] == ["contact_failed"]


def test_two_failures_of_one_message_are_told_once(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case)
    desk.report(contact, "undelivered", "30003")
    desk.report(contact, "failed", "30008")
    assert len(sweep(desk)) == 1
    assert len(desk.facts(case)) == 1


# --- failures --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("channel", "event", "code", "state"),
    [
        ("sms", "undelivered", "30004", "bounced"),
        ("sms", "undelivered", "30005", "bounced"),
        ("sms", "undelivered", "30006", "bounced"),
        ("sms", "failed", "21211", "failed"),
        ("sms", "failed", "21614", "failed"),
        ("email", "bounce", "bounce", "bounced"),
        ("email", "dropped", "bounced-address", "failed"),
        ("email", "dropped", "invalid", "failed"),
    ],
)
def test_a_bad_address_is_marked_and_every_case_of_the_message_is_told(
    desk: Desk, channel: str, event: str, code: str, state: str
) -> None:
    lead = desk.open()
    covered = desk.open(debtor=lead.debtor)
    contact = desk.send(lead, covered, channel=channel)
    desk.report(contact, event, code)
    assert len(sweep(desk)) == 2
    assert desk.contact(contact).state == state
    assert desk.point(contact) == "invalid"
    expected = {"contact_id": str(contact), "channel": channel, "code": code, "bad_address": True}
    assert desk.facts(lead) == [{"kind": "contact_failed", "step": STEP, **expected}]
    assert desk.facts(covered) == [{"kind": "contact_failed", "step": "proposta-1", **expected}]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("undelivered", "30001"),
        ("undelivered", "30003"),
        ("failed", "30008"),
        ("undelivered", "63018"),
        ("undelivered", "99999"),
        ("bounce", "blocked"),
    ],
)
def test_a_message_that_did_not_get_through_fails_the_step_but_leaves_the_address(
    desk: Desk, event: str, code: str
) -> None:
    case = desk.open()
    contact = desk.send(case)
    desk.report(contact, event, code)
    sweep(desk)
    assert desk.point(contact) == "usable"
    (fact,) = desk.facts(case)
    assert (fact["kind"], fact["code"], fact["bad_address"]) == ("contact_failed", code, False)


def test_a_failure_without_a_code_is_told_under_its_own_name(desk: Desk) -> None:
    case = desk.open()
    desk.report(desk.send(case), "failed")
    sweep(desk)
    assert [fact["code"] for fact in desk.facts(case)] == ["failed"]


def test_the_case_takes_a_failure_as_the_wish_for_another_attempt(desk: Desk) -> None:
    case = desk.open()
    desk.report(desk.send(case), "undelivered", "30005")
    sweep(desk)
    folded = desk.case(case.case)
    fold(f.from_json(desk.facts(case)[0]), folded, Moment(NOON, ladder("padrao-b2b")))
    assert (folded.steps[STEP].status, folded.steps[STEP].attempt) == ("pending", 2)


def test_a_closed_case_is_not_woken_by_a_failed_message(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case)
    desk.put(case.case, stage="closed")
    desk.report(contact, "undelivered", "30005")
    assert sweep(desk) == []
    assert (desk.contact(contact).state, desk.point(contact)) == ("bounced", "invalid")


# --- opt-outs --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("channel", "event", "code", "kinds"),
    [
        ("sms", "failed", "21610", ["opt_out", "contact_failed"]),
        ("email", "dropped", "unsubscribed-address", ["opt_out", "contact_failed"]),
        ("email", "dropped", "spam-reporting-address", ["opt_out", "contact_failed"]),
        ("email", "spamreport", "", ["opt_out"]),
        ("email", "unsubscribe", "", ["opt_out"]),
        ("email", "group_unsubscribe", "", ["opt_out"]),
    ],
)
def test_an_opt_out_closes_the_channel_for_the_debtor_and_tells_all_his_open_cases(
    desk: Desk, channel: str, event: str, code: str, kinds: list[str]
) -> None:
    case = desk.open()
    other, closed = desk.open(debtor=case.debtor), desk.open(debtor=case.debtor)
    stranger = desk.open()
    desk.put(closed.case, stage="closed")
    contact = desk.send(case, channel=channel)
    desk.report(contact, event, code)
    assert len(sweep(desk)) == len(kinds) + 1
    assert desk.point(contact) == "opted-out"
    assert desk.opted_out(case) == [channel]
    assert sorted(fact["kind"] for fact in desk.facts(case)) == sorted(kinds)
    assert desk.facts(other) == [{"kind": "opt_out", "channels": [channel]}]
    assert desk.facts(closed) == desk.facts(stranger) == []
    assert desk.opted_out(stranger) == []


def test_a_spam_report_after_delivery_leaves_the_message_delivered(desk: Desk) -> None:
    contact = desk.send(desk.open(), channel="email")
    for event in ("delivered", "spamreport"):
        desk.report(contact, event, **EMAIL)
    sweep(desk)
    assert desk.contact(contact).state == "delivered"


def test_an_opt_out_of_one_channel_keeps_that_of_another(desk: Desk) -> None:
    case = desk.open()
    desk.report(desk.send(case), "failed", "21610")
    desk.report(desk.send(desk.open(debtor=case.debtor), channel="email"), "spamreport")
    sweep(desk)
    assert desk.opted_out(case) == ["email", "sms"]


def test_an_opt_out_outlasts_a_bad_address(desk: Desk) -> None:
    contact = desk.send(desk.open(), channel="email")
    desk.report(contact, "bounce", "bounce")
    sweep(desk)
    assert desk.point(contact) == "invalid"
    desk.report(contact, "unsubscribe")
    sweep(desk)
    assert desk.point(contact) == "opted-out"
    later = desk.send(desk.open(), channel="email")
    for event in ("unsubscribe", "bounce"):
        desk.report(later, event, "bounce" if event == "bounce" else "")
        sweep(desk)
    assert desk.point(later) == "opted-out"


# --- our own faults --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("event", "code"), [("undelivered", "30007"), ("failed", "30002"), ("dropped", "spam-content")]
)
def test_a_fault_of_ours_is_one_task_a_day_and_blames_no_debtor(desk: Desk, event: str, code: str) -> None:
    case = desk.open()
    contacts = [desk.send(case), desk.send(desk.open())]
    for contact in contacts:
        desk.report(contact, event, code)
    assert sweep(desk) == []
    (task,) = desk.tasks()
    assert (task.kind, task.case_id, task.owner) == ("channel-fault", None, "supervisor")
    assert task.details == ["channel sms", f"code {code}"]
    assert task.due > task.opened_at.astimezone(time_zone("DF")).date()
    assert [desk.point(contact) for contact in contacts] == ["usable", "usable"]
    assert desk.contact(contacts[0]).state in ("bounced", "failed")
    assert desk.facts(case) == []


def test_two_faults_of_ours_are_two_tasks(desk: Desk) -> None:
    case = desk.open()
    desk.report(desk.send(case), "failed", "30002")
    desk.report(desk.send(desk.open()), "undelivered", "30007")
    sweep(desk)
    assert len(desk.tasks()) == 2


def test_a_fault_of_ours_that_lasts_is_a_task_again_the_next_day(desk: Desk) -> None:
    tomorrow = Clock(PRODUCTION.real_origin, PRODUCTION.business_origin + timedelta(days=1), 1.0)
    for clock in (PRODUCTION, tomorrow):
        desk.report(desk.send(desk.open()), "undelivered", "30007")
        apply_waiting(desk.engine, clock, 10)
    first, second = desk.tasks()
    assert second.opened_at - first.opened_at > timedelta(hours=23)


# --- notices ---------------------------------------------------------------------------------------------------------
def test_a_delivered_notice_is_proved_on_the_civil_day_at_the_debtors_place(desk: Desk) -> None:
    case = desk.open(uf="AC")
    contact = desk.send(case, channel="email", purpose="notice")
    after_midnight_in_brasilia = datetime(2026, 3, 11, 4, 30, tzinfo=UTC)
    desk.report(contact, "delivered", business_at=after_midnight_in_brasilia, **EMAIL)
    sweep(desk)
    assert desk.facts(case) == [
        {
            "kind": "notice_proved",
            "notice_id": str(desk.notice(case.case).id),
            "channel": "email",
            "level": "delivered",
            "on": "2026-03-10",
            "party": "",
        }
    ]


@pytest.mark.parametrize(
    ("event", "code", "reason"),
    [("bounce", "bounce", "bounce"), ("bounce", "blocked", "blocked"), ("dropped", "", "dropped")],
)
def test_a_notice_that_comes_back_is_told_with_its_code(desk: Desk, event: str, code: str, reason: str) -> None:
    case = desk.open()
    desk.report(desk.send(case, channel="email", purpose="notice"), event, code, **EMAIL)
    sweep(desk)
    notice_id = str(desk.notice(case.case).id)
    assert desk.facts(case) == [
        {"kind": "notice_returned", "notice_id": notice_id, "channel": "email", "reason": reason, "party": ""}
    ]


def test_a_notice_that_was_read_is_told_so_once_although_it_was_delivered_before(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case, channel="email", purpose="notice")
    for event in ("delivered", "open", "click"):
        desk.report(contact, event, **EMAIL)
        sweep(desk)
    assert [fact["level"] for fact in desk.facts(case)] == ["delivered", "read"]


def test_a_notice_lost_by_our_own_fault_did_not_go_that_way_either(desk: Desk) -> None:
    case = desk.open()
    desk.report(desk.send(case, channel="email", purpose="notice"), "dropped", "spam-content", **EMAIL)
    sweep(desk)
    assert [fact["kind"] for fact in desk.facts(case)] == ["notice_returned"]
    assert len(desk.tasks()) == 1


def test_the_proof_of_a_notice_waits_until_the_case_knows_of_the_notice(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case, channel="email", purpose="notice", told=False)
    desk.report(contact, "delivered", **EMAIL)
    assert sweep(desk) == []
    assert (desk.contact(contact).state, desk.waiting()) == ("accepted", 1)
    desk.tell(contact)
    assert len(sweep(desk)) == 1
    assert (desk.contact(contact).state, desk.waiting()) == ("delivered", 0)


# --- the answer to our call was lost ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("event", "columns", "provider_id"),
    [("sent", {}, "SM1"), ("processed", EMAIL, "mail-1"), ("delivered", EMAIL, "mail-1")],
)
def test_any_report_on_a_message_in_flight_proves_that_it_was_accepted(
    desk: Desk, event: str, columns: dict[str, object], provider_id: str
) -> None:
    contact = desk.send(desk.open(), channel="email", state="in-flight", told=False)
    desk.report(contact, event, **columns)
    assert sweep(desk) == []
    row = desk.contact(contact)
    assert (row.state, row.provider_id) == ("accepted", provider_id)
    assert row.accepted_at is not None


def test_a_failure_that_is_faster_than_the_sender_waits_or_its_telling_would_be_undone(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case, state="in-flight", told=False)
    desk.report(contact, "undelivered", "30005")
    assert sweep(desk) == []
    assert (desk.contact(contact).state, desk.point(contact), desk.waiting()) == ("accepted", "invalid", 1)
    desk.tell(contact)
    assert len(sweep(desk)) == 1
    assert (desk.contact(contact).state, desk.waiting()) == ("bounced", 0)


def test_a_covered_case_that_has_not_looked_yet_does_not_hold_an_outcome(desk: Desk) -> None:
    lead = desk.open()
    covered = desk.open(debtor=lead.debtor)
    contact = desk.send(lead, covered)
    desk.put(covered.case, state=dump(replace(desk.case(covered.case), steps={})))
    desk.report(contact, "undelivered", "30005")
    assert len(sweep(desk)) == 2
    assert desk.waiting() == 0


def test_an_opt_out_does_not_wait_for_the_sender(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case, state="in-flight", told=False)
    desk.report(contact, "failed", "21610")
    assert len(sweep(desk)) == 1
    assert desk.facts(case) == [{"kind": "opt_out", "channels": ["sms"]}]
    assert sweep(desk) == []
    desk.tell(contact)
    sweep(desk)
    assert [fact["kind"] for fact in desk.facts(case)] == ["opt_out", "contact_failed"]


def test_an_outcome_does_not_wait_for_ever(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case, told=False)
    desk.report(contact, "undelivered", "30003", received_at=datetime.now(UTC) - timedelta(days=3))
    assert len(sweep(desk)) == 1
    assert desk.waiting() == 0


# --- thanks, strangers -----------------------------------------------------------------------------------------------
def test_of_thanks_that_come_back_only_the_address_is_marked(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case, purpose="thanks")
    desk.report(contact, "undelivered", "30005")
    assert sweep(desk) == []
    assert desk.point(contact) == "invalid"
    assert desk.facts(case) == []


def test_whoever_opts_out_of_thanks_opts_out(desk: Desk) -> None:
    case = desk.open()
    contact = desk.send(case, channel="email", purpose="thanks")
    desk.report(contact, "unsubscribe")
    assert len(sweep(desk)) == 1
    assert desk.opted_out(case) == ["email"]


@pytest.mark.parametrize("contact", [None, uuid4()])
def test_a_report_on_a_message_nobody_knows_is_harmless(desk: Desk, contact: UUID | None) -> None:
    desk.report(contact, "undelivered", "30005")
    assert sweep(desk) == []
    assert desk.waiting() == 0


# --- once, and nothing lost ------------------------------------------------------------------------------------------
def test_an_event_applied_twice_tells_once(desk: Desk) -> None:
    case = desk.open()
    event_id = desk.report(desk.send(case), "undelivered", "30005")
    with desk.engine.begin() as conn:
        event = conn.execute(select(WEBHOOK_EVENT).where(WEBHOOK_EVENT.c.id == event_id)).one()
        assert len(apply_event(conn, PRODUCTION, event)) == 1
        assert apply_event(conn, PRODUCTION, event) == []
    assert apply_stored(desk.engine, PRODUCTION, [event_id]) == []
    (row,) = desk.all(select(FACT.c.source_key, FACT.c.business_at, FACT.c.actor))
    assert row.source_key == f"event:twilio:{event.event_key}:{case.case}"
    assert (row.business_at, row.actor) == (NOON, "twilio")


def test_many_sweeps_at_once_apply_each_event_once(desk: Desk) -> None:
    case = desk.open()
    others = [desk.open(debtor=case.debtor) for _ in range(3)]
    for opened in (case, *others):
        desk.report(desk.send(opened), "failed", "21610")
    with ThreadPoolExecutor(4) as pool:
        found = [fact for facts in pool.map(lambda _: sweep(desk), range(4)) for fact in facts]
    assert desk.waiting() == 0
    assert len(found) == len(set(found)) == len(desk.all(select(FACT.c.id))) == 4 * 4 + 4
    assert desk.opted_out(case) == ["sms"]


def test_an_event_that_somebody_else_applies_is_passed_over(desk: Desk) -> None:
    contact = desk.send(desk.open())
    desk.report(contact, "delivered")
    with desk.engine.begin() as conn:
        conn.execute(select(WEBHOOK_EVENT.c.id).with_for_update()).all()
        before = time.monotonic()
        assert sweep(desk) == []
        assert time.monotonic() - before < 5, "waited for the other instead of passing over"
        assert desk.waiting() == 1
    sweep(desk)
    assert desk.contact(contact).state == "delivered"


def test_an_event_that_cannot_be_applied_waits_and_does_not_stop_the_others(desk: Desk) -> None:
    broken, sound = desk.open(), desk.open()
    contacts = [desk.send(case) for case in (broken, sound)]
    for contact in contacts:
        desk.report(contact, "undelivered", "30005")
    kept = desk.case(broken.case)
    desk.put(broken.case, state={})
    assert len(sweep(desk)) == 1
    assert (desk.contact(contacts[0]).state, desk.waiting()) == ("accepted", 1)
    desk.put(broken.case, state=dump(kept))
    assert len(sweep(desk)) == 1
    assert desk.waiting() == 0


def test_the_sweep_takes_no_more_than_it_is_told_to_and_the_oldest_first(desk: Desk) -> None:
    contacts = [desk.send(desk.open()) for _ in range(3)]
    for age, contact in enumerate(contacts):
        desk.report(contact, "delivered", received_at=datetime.now(UTC) - timedelta(minutes=age))
    apply_waiting(desk.engine, PRODUCTION, 2)
    assert [desk.contact(contact).state for contact in contacts] == ["accepted", "delivered", "delivered"]


def test_every_word_of_a_provider_has_a_meaning() -> None:
    assert {meaning(event, "").state for event in ("queued", "sending", "deferred", "open", "click", "new")} == {
        "accepted"
    }
    assert meaning("delivered", "30005").blame is None
    assert meaning("undelivered", "").blame == "channel"
