"""Scenarios that systems of this kind get wrong, on the pure core (the same ones run on the real stack elsewhere)."""

from datetime import date
from decimal import Decimal

import pytest
from core import HEAD, Simulated, at, ladder, shipped

from domain import facts as f
from domain.decide import Action

DUE = date(2026, 3, 2)
S1 = "\n".join(
    f"  - {{id: s{n}, at: due {sign} {days}d, do: contact, by: [email], text: atraso-cordial}}"
    for n, (sign, days) in enumerate((("-", 3), *(("+", days) for days in (0, 3, 7, 10, 14, 20, 30))))
)
S1 += """
  - {id: s40, at: due + 40d, do: contact, by: [email], text: atraso-cordial}
  - {id: s45, at: due + 45d, do: contact, by: [email], text: atraso-cordial, when: protest == registered}
  - {id: s50, at: due + 50d, do: contact, by: [email], text: atraso-cordial}
  - {id: s55, at: due + 55d, do: contact, by: [email], text: atraso-cordial}
"""
WEEK = """
  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}
  - {id: dois, at: due + 7d, do: contact, by: [email], text: atraso-firme}
  - {id: tres, at: due + 14d, do: contact, by: [email], text: ultimo-aviso}
"""
FIRM = """
  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}
  - {id: carta, at: due + 10d, do: notice, by: [letter, email], text: notificacao-previa, deadline: 10bd}
  - {id: protesto, at: notice.deadline, do: protest, approve: supervisor}
  - {id: juridico, at: protest.over + 30d, do: legal, approve: manager}
"""


def test_s1_a_ladder_across_weekends_and_holidays_moves_to_the_next_open_day() -> None:
    case = Simulated(ladder(S1), DUE, date(2026, 2, 20))
    case.until(date(2026, 5, 30))
    days = [day.strftime("%m-%d") for day, _ in case.days_of()]
    assert days == ["02-27", "03-02", "03-05", "03-09", "03-12", "03-16", "03-23", "04-01", "04-13", "04-22", "04-27"]


def test_s1_a_step_that_needs_a_protest_is_recorded_as_skipped_with_its_reason() -> None:
    case = Simulated(ladder(S1), DUE, date(2026, 2, 20))
    case.until(date(2026, 5, 30))
    assert case.row("s45") == "passed-over: condition: protest == registered"


def test_s2_no_protest_before_the_notice_is_proved_and_its_deadline_over() -> None:
    case = Simulated(ladder(FIRM), DUE, date(2026, 2, 27))
    case.until(date(2026, 3, 20))
    assert case.days_of("notice") == [(date(2026, 3, 12), "carta")]
    assert case.case.notice
    assert case.next.reason == "waits for proof of the notice"
    case.prove_notice()
    case.until(date(2026, 4, 6))
    assert case.days_of("protest") == []
    assert case.case.approval is None, "not even asked for before the deadline"
    case.until(date(2026, 4, 7))
    assert case.case.approval
    assert case.next.reason == "awaits approval"
    case.approve()
    assert case.next.action == Action.PROTEST


def test_the_deadline_runs_from_the_first_business_day_after_the_proof() -> None:
    case = Simulated(ladder(FIRM), DUE, date(2026, 2, 27))
    case.until(date(2026, 3, 12))
    case.prove_notice()  # Thursday 12/03: first day 13/03, tenth day 26/03, so notice.deadline is 27/03
    case.until(date(2026, 3, 26))
    assert case.case.approval is None
    case.until(date(2026, 3, 27))
    assert case.case.approval


def test_s2_a_notice_undeliverable_everywhere_becomes_a_dated_release_by_two_and_is_never_called_delivered() -> None:
    case = Simulated(ladder(FIRM), DUE, date(2026, 2, 27))
    case.until(date(2026, 3, 12))
    notice = case.case.notice
    assert notice
    case.tell(f.NoticeReturned(notice.id, "email", "bounce"))
    assert case.told("notice_undeliverable") == []
    case.tell(f.NoticeReturned(notice.id, "letter", "unclaimed"))
    assert case.next.reason == "notice: another address"
    case.until(date(2026, 3, 13))
    asked = case.told("approval_asked")[-1]
    assert isinstance(asked, f.ApprovalAsked)
    assert (asked.purpose, asked.needed, asked.due) == ("undeliverable-notice", 2, date(2026, 3, 16))
    case.approve()
    assert case.case.notice
    assert case.case.notice.state == "released"
    assert case.told("notice_proved") == []
    case.until(date(2026, 4, 30))
    assert case.case.approval
    assert case.case.approval.purpose == "protest"


def test_an_undeliverable_notice_that_nobody_releases_goes_to_legal() -> None:
    case = Simulated(ladder(FIRM), DUE, date(2026, 2, 27))
    case.until(date(2026, 3, 12))
    case.tell(*(f.NoticeReturned(case.case.notice.id, way, "x") for way in ("email", "letter")))  # type: ignore[union-attr]
    case.until(date(2026, 3, 13))
    assert case.case.approval
    case.tell(f.ApprovalRefused(case.case.approval.id))
    case.until(date(2026, 5, 30))
    assert case.days_of("protest") == []
    assert case.case.approval.purpose == "legal"


def test_a_silent_notice_is_undeliverable_after_thirty_days() -> None:
    case = Simulated(ladder(FIRM), DUE, date(2026, 2, 27))
    case.until(date(2026, 4, 10))
    assert case.told("notice_undeliverable") == []
    case.until(date(2026, 4, 12))
    assert len(case.told("notice_undeliverable")) == 1


def test_s3_late_in_the_evening_it_is_still_today_and_the_step_goes_out_in_the_morning() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 8))
    case.now = at(date(2026, 3, 9), 22, 30)
    case.tell()
    assert case.case.today(case.now) == date(2026, 3, 9)
    assert (case.next.step, case.next.not_before) == ("dois", at(date(2026, 3, 10), 9))
    case.until(date(2026, 3, 10))
    assert case.days_of()[-1] == (date(2026, 3, 10), "dois")


def test_what_missed_its_hours_waits_for_his_own_moment_of_the_next_day() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1), jitter=0.5)
    case.until(date(2026, 3, 8))
    case.now = at(date(2026, 3, 9), 18, 1)
    case.tell()
    assert (case.next.step, case.next.not_before) == ("dois", at(date(2026, 3, 10), 10, 30))
    case.now = at(date(2026, 3, 10), 11)
    assert case.tell().not_before == case.now, "later in its hours it goes at once"


def test_s4_a_missed_day_goes_out_the_day_after() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 8))
    case.now = at(date(2026, 3, 10), 10)
    case.tell()
    case.until(date(2026, 3, 10))
    assert case.days_of()[-1] == (date(2026, 3, 10), "dois")


def test_s5_a_case_keeps_the_grace_it_started_with() -> None:
    step = "  - {id: um, at: due + 1d, do: contact, by: [email], text: atraso-cordial}\n"
    three, seven = (Simulated(ladder(step, f"{HEAD}grace: {n}d\n"), DUE, date(2026, 3, 1)) for n in (3, 7))
    three.until(date(2026, 4, 1))
    seven.until(date(2026, 4, 1))
    assert three.days_of() == [(date(2026, 3, 6), "um")]
    assert seven.days_of() == [(date(2026, 3, 10), "um")]


def test_s7_paid_a_second_before_the_step_nothing_goes_out_but_thanks() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 4))
    case.now = at(date(2026, 3, 5), 8, 59)
    case.tell(f.PaymentReceived("pix-1", Decimal("1021.00"), date(2026, 3, 5)))
    case.until(date(2026, 4, 30))
    assert [step for _, step in case.days_of()] == ["agradecimento-1"]
    assert case.case.closed == "paid"


def test_s8_a_promise_holds_the_ladder_until_the_day_after() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 6))
    case.tell(f.PromiseMade("p1", date(2026, 3, 12)))
    case.until(date(2026, 3, 12))
    assert [step for _, step in case.days_of()] == ["um"]
    case.until(date(2026, 3, 13))
    assert case.told("promise_broken") == [f.PromiseBroken("p1", date(2026, 3, 13))]
    assert case.days_of()[-1] == (date(2026, 3, 13), "dois")


def test_s8_a_promise_kept_closes_the_case_with_thanks() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.tell(f.PromiseMade("p1", date(2026, 3, 12)))
    case.until(date(2026, 3, 11))
    case.pay("1023.00")
    case.until(date(2026, 3, 13))
    assert case.case.closed == "paid"


def test_s8_a_second_promise_replaces_the_date_and_is_counted_and_a_third_is_refused() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.tell(f.PromiseMade("p1", date(2026, 3, 6)))
    case.tell(f.PromiseMade("p2", date(2026, 3, 10)))
    assert case.case.promise
    assert (case.case.promise.on, case.case.promises_made) == (date(2026, 3, 10), 2)
    assert case.refusal(f.PromiseMade("p3", date(2026, 3, 12))) == "too-many-promises"


def test_s8_a_dispute_recorded_before_a_promise_survives_it() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.tell(f.DisputeOpened("d1"))
    case.tell(f.PromiseMade("p1", date(2026, 3, 6)))
    case.until(date(2026, 3, 20))
    assert case.next.reason == "disputed"
    assert case.days_of() == []


def test_s9_a_pause_holds_what_is_due_inside_and_resuming_sends_no_burst() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.tell(f.Paused(date(2026, 3, 4), date(2026, 3, 17)))
    case.until(date(2026, 3, 17))
    assert case.days_of() == []
    case.until(date(2026, 3, 31))
    days = [day for day, _ in case.days_of()]
    assert days == [date(2026, 3, 18), date(2026, 3, 19), date(2026, 3, 20)]


def test_s9_a_pause_that_ends_before_it_starts_is_refused() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    assert case.refusal(f.Paused(date(2026, 3, 10), date(2026, 3, 5))) == "pause-dates"


def test_s10_a_reversal_opens_the_debt_again_with_its_due_date_and_repeats_no_step() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 6))
    case.pay("1021.33", "pix-1")
    case.until(date(2026, 4, 3))
    assert case.case.closed == "paid"
    case.tell(f.PaymentReversed("pix-1", date(2026, 4, 6)))
    assert case.case.closed == ""
    assert case.case.terms.due == DUE
    case.until(date(2026, 5, 1))
    assert [step for _, step in case.days_of()] == ["um", "agradecimento-1", "dois", "tres"]


def test_s10_a_call_that_a_payment_made_needless_is_asked_for_again_when_the_payment_comes_back() -> None:
    policy = ladder("  - {id: ligar, at: due + 3d, do: task, by: [call], text: roteiro-cordial, within: 5bd}\n")
    case = Simulated(policy, DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 5))
    case.pay("1021.00", "pix-1")
    case.until(date(2026, 3, 9))
    assert (case.case.closed, case.case.tasks) == ("paid", {})
    case.tell(f.PaymentReversed("pix-1", date(2026, 3, 10)))
    case.until(date(2026, 3, 10))
    assert [task.kind for task in case.case.tasks.values()] == ["step"]


def test_s11_principal_paid_alone_is_never_silently_closed() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 20))
    case.pay("1000.00")
    assert case.case.closed == ""
    assert case.case.debt(date(2026, 3, 20)).total > 0


def test_s12_crumbs_below_the_tolerance_close_as_paid_with_the_difference_recorded() -> None:
    case = Simulated(ladder(WEEK, f"{HEAD}tolerance: 5.00\n"), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 5))
    total = case.case.debt(date(2026, 3, 6)).total
    case.pay(str(total - Decimal("4.99")), on=date(2026, 3, 6))
    case.until(date(2026, 3, 9))
    assert case.told("closed") == [f.Closed("paid", Decimal("4.99"))]


def test_s12_one_cent_over_the_tolerance_is_still_asked_for() -> None:
    case = Simulated(ladder(WEEK, f"{HEAD}tolerance: 5.00\n"), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 5))
    total = case.case.debt(date(2026, 3, 6)).total
    case.pay(str(total - Decimal("5.01")), on=date(2026, 3, 6))
    assert case.case.closed == ""


def test_s16_a_payment_counts_once_however_often_it_is_reported() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.pay("100.00", "e2e-1")
    assert case.refusal(f.PaymentReceived("e2e-1", Decimal("100.00"), date(2026, 3, 1))) == "already-counted"
    assert case.case.paid() == Decimal("100.00")


def test_s19_an_old_invoice_waits_for_release_and_starts_with_a_friendly_word() -> None:
    case = Simulated(shipped("padrao-b2b"), date(2025, 6, 2), date(2026, 3, 2))
    case.until(date(2026, 3, 31))
    assert case.performed == []
    assert case.next.reason == "first wave waits for release by a person"
    case.tell(f.Released(date(2026, 4, 1)))
    case.until(date(2026, 6, 30))
    assert case.performed[0][1:] == ("contact", "atraso-1")
    assert case.row("lembrete").startswith("passed-over")


def test_s20_an_invoice_that_vanished_from_the_export_is_held_with_a_task() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.tell(f.Vanished("import"))
    case.until(date(2026, 3, 31))
    assert case.days_of() == []
    assert [task.kind for task in case.case.tasks.values()] == ["vanished-from-export"]


def test_s20_an_extension_gives_the_ladder_a_new_due_date() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 6))
    case.tell(f.Extended(date(2026, 3, 20)))
    case.until(date(2026, 3, 26))
    assert [step for _, step in case.days_of()] == ["um"], "done steps are not repeated"
    case.until(date(2026, 3, 27))
    assert case.days_of()[-1] == (date(2026, 3, 27), "dois")


@pytest.mark.parametrize("hold", ["court", "insolvency", "death", "over-indebted"])
def test_a_hold_stops_everything_until_it_is_lifted(hold: f.Hold) -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.tell(f.HoldSet(hold))
    case.until(date(2026, 3, 31))
    assert case.days_of() == []
    case.tell(f.HoldLifted(hold))
    case.until(date(2026, 4, 30))
    assert len(case.days_of()) == 3


def test_an_unreadable_message_holds_the_case_until_a_person_has_looked() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.tell(f.Unreadable("paymnt"))
    case.until(date(2026, 3, 31))
    assert case.days_of() == []
    (task_id,) = case.case.tasks
    case.tell(f.TaskDone(task_id, "was a note"))
    case.until(date(2026, 4, 30))
    assert len(case.days_of()) == 3


def test_a_notice_that_went_no_way_at_all_is_never_proved_even_where_sending_is_proof_enough() -> None:
    case = Simulated(ladder(FIRM, f"{HEAD}proof: sent\n"), DUE, date(2026, 2, 27))
    case.until(date(2026, 3, 11))
    case.provider = lambda order: f.NoticeIssued("n", order.step, ())
    case.until(date(2026, 3, 12))
    assert case.case.notice
    assert (case.case.notice.state, case.case.notice.proof_on) == ("undeliverable", None)
