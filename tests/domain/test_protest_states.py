"""The life of a title at the notary: one machine, its term and hours, and what a case makes of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from core import Simulated, at, ladder
from hypothesis import given
from hypothesis import strategies as st

from domain import facts as f
from domain.case import LIVE
from domain.data import table
from domain.decide import Action
from domain.protest import KEPT, Event, after, borne_by, cut_off, decide_by, states, term_end, withdrawable

SAO_PAULO, PORTO_ALEGRE, FLORIANOPOLIS, MANAUS = "3550308", "4314902", "4205407", "1302603"
DUE, START = date(2026, 2, 2), date(2026, 2, 3)
STEPS = """\
  - {id: aviso, at: due + 1bd, do: contact, by: [email], text: atraso-cordial}
  - {id: notificacao, at: due + 5d, do: notice, by: [email], text: notificacao-previa, deadline: 2bd}
  - {id: protesto, at: notice.deadline, do: protest}
  - {id: juridico, at: protest.over + 30d, do: legal}
"""


# --- the machine ------------------------------------------------------------------------------------------------------
def test_every_row_of_the_machine_has_a_source_and_stands_once() -> None:
    rows = table("cra/life")
    assert all(row["source"] for row in rows)
    assert len({(row["state"], row["event"]) for row in rows}) == len(rows)
    assert {row["event"] for row in rows} == {str(event) for event in Event}


@given(st.lists(st.sampled_from(list(Event)), max_size=30))
def test_no_sequence_of_events_leaves_the_machine_or_registers_what_was_given_back(events: list[Event]) -> None:
    state = "none"
    for event in events:
        before, state = state, after(state, event) or state
        assert state in states()
        if before in ("withdrawn", "returned", "cancelled", "paid", "suspended-for-good", "unqueued"):
            assert state in (before, "paid"), "the notary is done with it; only money is never left aside"
        if event is Event.REGISTER and before != state:
            assert before in LIVE
        if state == "cancelling" and before != state:
            assert before == "registered"


@pytest.mark.parametrize("state", sorted(states()))
def test_a_title_can_be_asked_back_only_while_the_notary_may_still_protest_it(state: str) -> None:
    assert withdrawable(state) == (state in {"sent", "confirmed", "notified"})
    assert (after(state, Event.ORDER_CANCELLATION) is not None) == (state == "registered")


def test_states_in_which_a_title_is_out_are_states_of_the_machine() -> None:
    assert states() >= LIVE


@pytest.mark.parametrize(
    ("state", "ours", "who"),
    [
        ("withdrawn", False, "creditor"), ("returned", False, "creditor"), ("paid", False, "debtor"),
        ("registered", False, "debtor"), ("cancelled", False, "debtor"), ("cancelled", True, "creditor"),
        ("confirmed", False, "open"),
    ],
)  # fmt: skip
def test_who_bears_the_costs_follows_from_how_the_title_ended(state: str, ours: bool, who: str) -> None:
    assert borne_by(state, ours) == who


# --- the term and the hour --------------------------------------------------------------------------------------------
def test_in_most_states_the_term_runs_from_the_protocol_and_in_rio_grande_do_sul_from_the_notification() -> None:
    protocol, notified = date(2026, 11, 23), date(2026, 11, 25)
    assert term_end(protocol, SAO_PAULO, notified) == date(2026, 11, 26)
    assert term_end(protocol, FLORIANOPOLIS, notified) == date(2026, 11, 26)
    assert term_end(protocol, PORTO_ALEGRE) == date(2026, 11, 26)
    assert term_end(protocol, PORTO_ALEGRE, notified) == date(2026, 11, 30)


@pytest.mark.parametrize("notified", [date(2026, 11, 26), date(2026, 11, 27)])
def test_who_is_notified_on_the_last_day_or_later_has_the_next_notary_day(notified: date) -> None:
    following = {date(2026, 11, 26): date(2026, 11, 27), date(2026, 11, 27): date(2026, 11, 30)}
    assert term_end(date(2026, 11, 23), SAO_PAULO, notified) == following[notified]


def test_the_hour_is_that_at_the_place_of_the_notary() -> None:
    last = date(2026, 11, 26)
    assert decide_by(last, SAO_PAULO) == datetime(2026, 11, 26, 14, tzinfo=ZoneInfo("America/Sao_Paulo"))
    assert decide_by(last, MANAUS) - decide_by(last, SAO_PAULO) == timedelta(hours=1)
    assert decide_by(last, SAO_PAULO) < cut_off(last, SAO_PAULO)


# --- what a case makes of it ------------------------------------------------------------------------------------------
def at_notary(head: str = "") -> Simulated:
    """A case whose title was protocolled; its term ends on 5 March, the hour is 14:00."""
    policy = ladder(STEPS, head=f'policy: teste\ntitle: Régua\ncontact: {{hours: {{mon-fri: "09:00-18:00"}}}}\n{head}')
    case = Simulated(policy, DUE, START)
    case.until(date(2026, 2, 9))
    case.prove_notice()
    case.until(date(2026, 2, 25))
    protest = case.case.protest
    assert protest.state == "queued"
    case.tell(f.TitleSent(protest.title_id, date(2026, 2, 27)))
    hour = at(date(2026, 3, 5), 14)
    case.tell(f.TitleConfirmed(protest.title_id, date(2026, 3, 2), date(2026, 3, 5), Decimal("12.30"), hour))
    case.now = at(date(2026, 3, 3), 10)
    return case


def title(case: Simulated) -> str:
    return case.case.protest.title_id


def test_a_dispute_while_the_title_is_out_asks_a_person_with_the_hour_and_the_cost() -> None:
    case = at_notary()
    case.tell(f.DisputeOpened("d"))
    [task] = [fact for fact in case.told("task_opened") if fact.task == "withdraw-or-keep"]
    assert task.owner == "manager"
    assert "decide before the hour: 05/03/2026 14:00" in task.details
    assert "cost 12.30" in task.details
    assert not case.told("withdrawal_queued")


def test_when_nobody_decides_by_the_hour_the_title_is_withdrawn_with_its_cost_in_the_book() -> None:
    case = at_notary()
    case.tell(f.DisputeOpened("d"))
    case.until(date(2026, 3, 5), 13, 59)
    assert not case.told("withdrawal_queued")
    assert case.next.not_before == at(date(2026, 3, 5), 14)
    case.until(date(2026, 3, 5), 14, 1)
    [order] = case.told("withdrawal_queued")
    assert (order.reason, order.cost) == ("nobody-decided", Decimal("12.30"))
    case.tell(f.TitleWithdrawn(title(case), date(2026, 3, 6)))
    assert case.case.protest.state == "none", "it may go again once the dispute is over, after a new approval"


def test_a_ladder_that_says_leave_lets_the_title_stay_when_nobody_decides() -> None:
    case = at_notary("protest: {silence: leave}\n")
    case.tell(f.DisputeOpened("d"))
    case.until(date(2026, 3, 6))
    assert not case.told("withdrawal_queued")
    assert case.case.protest.state == "confirmed"


def test_a_person_who_decides_to_keep_the_title_there_is_obeyed() -> None:
    case = at_notary()
    case.tell(f.DisputeOpened("d"))
    [task] = [id for id, task in case.case.tasks.items() if task.kind == "withdraw-or-keep"]
    case.tell(f.TaskDone(task, "keep"))
    case.until(date(2026, 3, 6))
    assert not case.told("withdrawal_queued")


def test_a_doubt_that_is_over_before_the_hour_withdraws_nothing() -> None:
    case = at_notary()
    case.tell(f.DisputeOpened("d"))
    case.tell(f.DisputeResolved(upheld=False))
    case.until(date(2026, 3, 6))
    assert not case.told("withdrawal_queued")


def test_money_that_the_debtor_pays_at_the_notary_is_no_reason_to_take_the_title_away() -> None:
    case = at_notary()
    case.tell(f.PaymentInClearing("cra:R1", Decimal("1000.00"), date(2026, 3, 4), "cra"))
    assert not [fact for fact in case.told("task_opened") if fact.task == "withdraw-or-keep"]


def test_a_part_payment_withdraws_and_the_new_balance_needs_everything_anew() -> None:
    case = at_notary()
    case.pay("400.00")
    [order] = case.told("withdrawal_queued")
    assert order.reason == "balance-changed"
    case.tell(f.TitleWithdrawn(title(case), date(2026, 3, 4), Decimal("15.00")))
    assert (case.case.protest.state, case.case.protest.examined) == ("none", None)


@pytest.mark.parametrize(
    ("state", "ends"),
    [("confirmed", "withdrawing"), ("notified", "withdrawing"), ("suspended", "suspended")],
)
def test_payment_during_each_state_at_the_notary_ends_in_the_right_undoing(state: str, ends: str) -> None:
    case = at_notary()
    if state == "notified":
        case.tell(f.TitleProgressed(title(case), "AG", date(2026, 3, 3)))
    if state == "suspended":
        case.tell(f.TitleSuspended(title(case), final=False))
    assert case.case.protest.state == state
    case.pay("2000.00")
    assert case.case.protest.state == ends


def test_a_suspension_has_no_timer_and_a_paid_title_is_withdrawn_once_the_court_lets_it_go() -> None:
    case = at_notary()
    case.tell(f.TitleSuspended(title(case), final=False))
    case.pay("2000.00")
    case.until(date(2026, 6, 1))
    assert case.case.protest.state == "suspended"
    case.tell(f.TitleProgressed(title(case), "AG", date(2026, 6, 1)))
    assert case.case.protest.state == "withdrawing"


def test_a_protest_of_a_debt_that_was_paid_before_is_cancelled_at_once_at_our_cost() -> None:
    case = at_notary()
    case.pay("2000.00", on=date(2026, 3, 3))
    case.tell(f.TitleRegistered(title(case), date(2026, 3, 6), Decimal("44.00")))
    [order] = case.told("cancellation_queued")
    assert (order.reason, order.cost, case.case.protest.state) == ("undue", Decimal("44.00"), "cancelling")
    case.tell(f.TitleCancelled(title(case), date(2026, 3, 9)))
    case.until(date(2026, 3, 10))
    assert case.case.closed or case.next.action == Action.CLOSE


def test_an_upheld_dispute_cancels_the_protest_and_a_refusal_of_the_notary_goes_to_a_person() -> None:
    case = at_notary()
    case.tell(f.TitleRegistered(title(case), date(2026, 3, 6)))
    case.tell(f.DisputeOpened("d"))
    case.tell(f.DisputeResolved(upheld=True))
    assert case.case.protest.state == "cancelling"
    case.tell(f.CancellationRefused(title(case), date(2026, 3, 9)))
    assert case.case.protest.state == "registered"
    assert len([fact for fact in case.told("task_opened") if fact.task == "cancel-protest"]) == 1
    assert len(case.told("cancellation_queued")) == 1, "not again by itself"
    case.tell(f.CancellationAsked("note:1"))
    assert len(case.told("cancellation_queued")) == 2


def upheld_and_not_cancelled() -> tuple[Simulated, str]:
    """A protest that was undue, of which the notary would not cancel it; the task that asks why."""
    case = at_notary()
    case.tell(f.TitleRegistered(title(case), date(2026, 3, 6)))
    case.tell(f.DisputeOpened("d"))
    case.tell(f.DisputeResolved(upheld=True))
    case.tell(f.CancellationRefused(title(case), date(2026, 3, 9)))
    return case, task_of(case, "cancel-protest")


def task_of(case: Simulated, kind: str) -> str:
    (task_id,) = [task_id for task_id, task in case.case.tasks.items() if task.kind == kind]
    return task_id


@pytest.mark.parametrize("word", ["done", "cancelled", KEPT])
def test_an_undue_protest_is_over_when_the_notary_says_so_and_not_by_a_word(word: str) -> None:
    case, task = upheld_and_not_cancelled()
    assert case.refusal(f.TaskDone(task, word)) == "not-cancelled"
    case.until(date(2026, 3, 20))
    assert not case.case.closed
    [alarm] = [fact for fact in case.told("task_opened") if fact.task == "cancellation-late"]
    assert alarm.owner == "manager"
    case.tell(f.TitleCancelled(title(case), date(2026, 3, 20)))
    case.until(date(2026, 3, 21))
    assert case.case.closed == "dispute-upheld"


def test_an_undue_protest_that_is_ordered_again_asks_nobody_for_papers_meanwhile() -> None:
    case, _ = upheld_and_not_cancelled()
    case.until(date(2026, 3, 20))
    case.tell(f.CancellationAsked("note:1"))
    assert case.case.protest.state == "cancelling"
    assert not {"cancel-protest", "cancellation-late"} & {task.kind for task in case.case.tasks.values()}


def test_of_a_debt_that_is_written_off_the_creditor_may_keep_the_protest_but_cannot_say_that_it_is_cancelled() -> None:
    case = at_notary()
    case.tell(f.TitleRegistered(title(case), date(2026, 3, 6)))
    case.tell(f.WrittenOff())
    task = task_of(case, "cancel-protest")
    assert case.refusal(f.TaskDone(task, "cancelled")) == "not-cancelled"
    assert not case.case.closed
    case.tell(f.TaskDone(task, KEPT))
    case.until(date(2026, 3, 20))
    assert case.case.closed == "written-off"
    assert len([fact for fact in case.told("task_opened") if fact.task == "cancel-protest"]) == 1


def paid_after_protest() -> Simulated:
    case = at_notary()
    case.tell(f.TitleRegistered(title(case), date(2026, 3, 6)))
    case.now = at(date(2026, 3, 10), 10)
    case.pay("2000.00")
    return case


def test_the_letter_of_consent_waits_for_a_signature_and_alarms_after_two_bank_days() -> None:
    case = paid_after_protest()
    case.until(date(2026, 3, 12))
    assert not [fact for fact in case.told("task_opened") if fact.task == "consent-late"]
    case.until(date(2026, 3, 13))
    [alarm] = [fact for fact in case.told("task_opened") if fact.task == "consent-late"]
    assert alarm.owner == "manager"
    case.until(date(2026, 3, 20))
    assert len([fact for fact in case.told("task_opened") if fact.task == "consent-late"]) == 1


def test_a_letter_is_delivered_only_after_it_was_signed_and_then_the_case_ends() -> None:
    case = paid_after_protest()
    case.until(date(2026, 3, 11))
    assert case.refusal(f.ConsentDelivered(title(case), "email", date(2026, 3, 11))) == "not-signed"
    case.tell(f.ConsentSigned(title(case), "diretora", "icp-brasil", date(2026, 3, 11), "doc"))
    assert not case.case.closed
    case.tell(f.ConsentDelivered(title(case), "email", date(2026, 3, 11)))
    case.until(date(2026, 3, 12))
    assert case.case.closed == "paid"
    assert case.refusal(f.ConsentDelivered(title(case), "email", date(2026, 3, 11))) == "already-delivered"


def test_the_wait_for_the_letter_of_consent_ends_with_its_delivery_and_not_with_a_word() -> None:
    """The creditor owes the letter (STJ Tema 725): that somebody ticked the task off does not give it to the debtor."""
    case = paid_after_protest()
    case.until(date(2026, 3, 11))
    (task,) = [task_id for task_id, task in case.case.tasks.items() if task.kind == "sign-consent"]
    assert case.refusal(f.TaskDone(task, "signed")) == "not-delivered"
    case.tell(f.ConsentSigned(title(case), "diretora", "icp-brasil", date(2026, 3, 11), "doc"))
    assert case.refusal(f.TaskDone(task, "delivered")) == "not-delivered"
    assert not case.case.closed
    case.tell(f.ConsentDelivered(title(case), "email", date(2026, 3, 11)))
    assert case.case.closed == "paid"


def test_a_letter_of_consent_is_not_wanted_while_the_money_is_gone_again_and_is_when_it_comes_back() -> None:
    case = paid_after_protest()
    case.until(date(2026, 3, 11))
    case.tell(f.PaymentReversed(case.case.payments[-1].reference, date(2026, 3, 11)))
    assert not any(task.kind == "sign-consent" for task in case.case.tasks.values())
    case.until(date(2026, 3, 13))
    case.pay("3000.00")
    case.until(date(2026, 3, 14))
    assert not case.case.closed
    assert any(task.kind == "sign-consent" for task in case.case.tasks.values())


def test_what_cannot_be_true_of_a_title_becomes_a_task_and_changes_nothing() -> None:
    case = at_notary()
    case.tell(f.TitleReturned(title(case), ("06",), representable=False))
    case.tell(f.TitleRegistered(title(case), date(2026, 3, 6)))
    assert case.case.protest.state == "returned"
    [task] = [fact for fact in case.told("task_opened") if fact.task == "protest-contradiction"]
    assert task.details[:2] == ("the title is returned", "said of it: register")


def test_nothing_is_withdrawn_or_cancelled_that_cannot_be() -> None:
    case = at_notary()
    assert case.refusal(f.CancellationAsked()) == "nothing-to-cancel"
    case.tell(f.TitleRegistered(title(case), date(2026, 3, 6)))
    assert case.refusal(f.WithdrawalAsked()) == "nothing-to-withdraw"
