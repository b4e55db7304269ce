"""What money, and words about money, do to a case: on the pure core, one sentence of the business each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from core import HEAD, Simulated, at, ladder

from domain import facts as f
from domain.policy import Policy

DUE = date(2026, 3, 2)
WEEK = """\
  - {id: um,   at: due + 3d,  do: contact, by: [email], text: atraso-cordial}
  - {id: dois, at: due + 7d,  do: contact, by: [email], text: atraso-cordial}
  - {id: tres, at: due + 10d, do: contact, by: [email], text: atraso-cordial}
"""
FIRM = """\
  - {id: um,       at: due + 3d,        do: contact, by: [email], text: atraso-cordial}
  - {id: dois,     at: due + 12d,       do: contact, by: [email], text: atraso-cordial}
  - {id: aviso,    at: due + 20d,       do: notice,  by: [email], text: notificacao-previa, deadline: 2bd}
  - {id: protesto, at: notice.deadline, do: protest}
  - {id: juridico, at: protest.over + 30d, do: legal, approve: manager}
"""


def money(rules: str) -> Policy:
    """The week's ladder with rules of payments."""
    return ladder(WEEK, f"{HEAD}payments: {{{rules}}}\n")


def late(policy: Policy, day: int = 6) -> Simulated:
    """A case whose first word went out, on a day of March."""
    case = Simulated(policy, DUE, date(2026, 3, 1))
    case.until(date(2026, 3, day))
    return case


# --- payments -------------------------------------------------------------------------------------------------------
def test_a_part_payment_gives_the_respite_that_the_policy_grants() -> None:
    case = late(money("respite: 3bd"))
    case.pay("400.00")
    assert (case.next.action, case.next.step) == ("contact", "agradecimento-1")
    case.until(date(2026, 3, 11))
    assert case.next.reason == "respite after a part payment"
    case.until(date(2026, 3, 20))
    assert case.days_of()[-2:] == [(date(2026, 3, 12), "dois"), (date(2026, 3, 13), "tres")]


def test_without_a_rule_a_part_payment_is_imputed_to_interest_and_fine_first() -> None:
    case = late(money("principal_only: impute"))
    case.pay("1000.00")
    debt = case.case.debt(date(2026, 3, 6))
    assert (debt.principal, debt.interest, debt.fine) == (Decimal("21.33"), Decimal(0), Decimal(0))


def test_s11_the_principal_paid_alone_leaves_charges_that_stop_growing_and_are_still_asked_for() -> None:
    case = late(money("principal_only: keep"))
    case.pay("1000.00")
    assert case.case.debt(date(2026, 3, 6)).total == case.case.debt(date(2026, 12, 31)).total == Decimal("21.33")
    case.until(date(2026, 3, 20))
    assert [step for _, step in case.days_of()] == ["um", "agradecimento-1", "dois", "tres"]
    assert case.case.closed == ""


def test_s11_the_policy_may_waive_the_charges_with_the_reason_recorded() -> None:
    case = late(money("principal_only: waive"))
    case.pay("1000.00")
    case.until(date(2026, 3, 10))
    assert case.told("closed") == [f.Closed("paid", Decimal("21.33"))]


def test_a_reversed_payment_takes_the_waiver_with_it() -> None:
    case = late(money("principal_only: waive"))
    case.pay("1000.00", "pix-1")
    case.until(date(2026, 3, 10))
    case.tell(f.PaymentReversed("pix-1", date(2026, 3, 11)))
    assert case.case.closed == ""
    assert case.case.debt(date(2026, 3, 11)).total == Decimal("1023.00")


def test_what_is_paid_too_much_becomes_a_refund_for_a_person() -> None:
    case = late(ladder(WEEK))
    case.pay("1100.00")
    assert [(t.task, t.details) for t in case.told("task_opened")] == [("refund", ("amount 78.67",))]


def test_a_code_paid_in_time_is_worth_what_it_was_worth_when_it_was_sent() -> None:
    case = late(ladder(WEEK))
    quoted = case.case.debt(date(2026, 3, 6)).total
    case.now = at(date(2026, 3, 11), 12)
    assert case.case.debt(date(2026, 3, 11)).total > quoted
    case.tell(f.PaymentReceived("pix-1", quoted, date(2026, 3, 11), quoted_on=date(2026, 3, 6)))
    case.until(date(2026, 3, 12))
    assert case.case.closed == "paid"


def test_money_in_clearing_holds_the_ladder_until_it_must_have_come() -> None:
    case = late(ladder(WEEK))
    case.tell(f.PaymentInClearing("boleto-1", Decimal("1021.33"), date(2026, 3, 10)))
    case.until(date(2026, 3, 12))
    assert case.next.reason == "payment in clearing"
    case.until(date(2026, 3, 13))
    assert case.days_of()[-1] == (date(2026, 3, 13), "dois")


def test_the_same_money_in_clearing_and_arrived_counts_once() -> None:
    case = late(ladder(WEEK))
    case.tell(f.PaymentInClearing("boleto-1", Decimal("500.00"), date(2026, 3, 10)))
    case.pay("500.00", "boleto-1")
    assert case.case.clearing == []
    assert case.case.paid() == Decimal("500.00")
    assert case.refusal(f.PaymentInClearing("boleto-1", Decimal("500.00"), date(2026, 3, 10))) == "already-known"


def test_i_already_paid_holds_three_business_days_and_asks_a_person_for_the_proof() -> None:
    case = late(ladder(WEEK))
    case.tell(f.PaymentClaimed("claim-1", "reply"))
    assert [task.kind for task in case.case.tasks.values()] == ["payment-claimed"]
    case.until(date(2026, 3, 11))
    assert case.next.reason == "says that it is paid"
    case.until(date(2026, 3, 12))
    assert case.days_of()[-1] == (date(2026, 3, 12), "dois")
    assert case.said()[0][1] == "pagamento-em-verificacao"
    assert case.refusal(f.PaymentClaimed("claim-2", "reply")) == "already-claimed"


def test_money_in_clearing_that_arrives_under_another_reference_is_not_waited_for_any_more() -> None:
    case = late(ladder(WEEK))
    case.tell(f.PaymentInClearing("boleto-1", Decimal("500.00"), date(2026, 3, 10)))
    case.pay("500.00", "itau:9")
    assert case.case.clearing == []


def test_money_in_clearing_that_bounces_is_not_waited_for_any_more_and_may_be_presented_again() -> None:
    case = late(ladder(WEEK))
    case.tell(f.PaymentInClearing("cheque-1", Decimal("500.00"), date(2026, 3, 10)))
    case.tell(f.PaymentReversed("cheque-1", date(2026, 3, 9)))
    assert case.case.clearing == []
    assert case.next.reason != "payment in clearing"
    assert case.said() == []  # nobody was thanked for it, so nothing is taken back
    assert case.refusal(f.PaymentReversed("cheque-1", date(2026, 3, 9))) == "no-such-payment"
    case.pay("500.00", "cheque-1")
    assert case.case.paid() == Decimal("500.00")


# --- changes of the debt --------------------------------------------------------------------------------------------
def test_a_change_of_the_debt_is_an_instruction_to_the_bank_where_a_boleto_can_be_paid() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.case.terms.boleto = True
    case.tell(f.Adjusted(Decimal("100.00"), "rebate", date(2026, 3, 2), document_id="doc"))
    assert [task.kind for task in case.case.tasks.values()] == ["bank-instruction"]


def test_tax_withheld_is_no_debt_and_the_net_amount_closes_the_invoice() -> None:
    case = late(ladder(WEEK))
    case.tell(f.Adjusted(Decimal("61.50"), "withholding", date(2026, 3, 2)))
    case.pay("938.50", on=date(2026, 3, 2))
    case.until(date(2026, 3, 10))
    assert case.case.closed == "paid"


def test_a_boleto_that_can_still_be_paid_keeps_the_title_from_the_notary() -> None:
    case = Simulated(ladder(FIRM), DUE, date(2026, 3, 1))
    case.case.terms.boleto = True
    case.until(date(2026, 3, 23))
    case.prove_notice()
    case.until(date(2026, 3, 31))
    assert case.next.reason == "waits for the bank to withdraw the boleto"
    assert case.days_of("protest") == []
    case.tell(f.BoletoWithdrawn("bank"))
    case.until(date(2026, 4, 1))
    assert [step for _, step in case.days_of("protest")] == ["protesto"]


# --- promises -------------------------------------------------------------------------------------------------------
def test_a_promise_is_confirmed_in_writing() -> None:
    case = late(ladder(WEEK))
    case.tell(f.PromiseMade("p1", date(2026, 3, 12)))
    case.until(date(2026, 3, 11))
    assert case.said() == [(date(2026, 3, 9), "promessa-confirmada")]


def test_too_many_broken_promises_let_the_friendly_steps_fall_away() -> None:
    case = Simulated(
        ladder(FIRM, f"{HEAD}promise: {{longest: 15d, most: 3, shorten_after: 1}}\n"), DUE, date(2026, 3, 1)
    )
    case.until(date(2026, 3, 6))
    case.tell(f.PromiseMade("p1", date(2026, 3, 9)))
    case.until(date(2026, 3, 31))
    assert case.row("dois") == "passed-over: shortened: promises were broken"
    assert case.days_of("notice") == [(date(2026, 3, 10), "aviso")]


# --- plans ----------------------------------------------------------------------------------------------------------
PLAN = f.PlanAgreed(
    "plano-1",
    (
        f.Instalment(0, date(2026, 3, 9), Decimal("300.00")),
        f.Instalment(1, date(2026, 4, 9), Decimal("360.00")),
        f.Instalment(2, date(2026, 5, 11), Decimal("360.00")),
    ),
    how="reply",
)


def in_plan(policy: Policy | None = None) -> Simulated:
    """A case with a plan of three parts."""
    case = late(policy or ladder(FIRM))
    case.tell(PLAN)
    return case


def test_a_plan_kept_to_the_end_settles_the_debt_even_where_only_cents_of_it_were_left() -> None:
    case = in_plan(replace(ladder(FIRM), tolerance=Decimal("200.00")))
    for day, amount in ((date(2026, 3, 9), "300.00"), (date(2026, 4, 9), "360.00"), (date(2026, 5, 11), "360.00")):
        case.until(day, 12)
        case.pay(amount)
    case.until(date(2026, 5, 15))
    assert case.case.closed == "settled"
    assert case.said()[-1][1] == "acordo-concluido"


def test_a_plan_kept_to_the_end_settles_the_debt_and_waives_the_discount() -> None:
    case = in_plan()
    for day, amount in ((date(2026, 3, 9), "300.00"), (date(2026, 4, 9), "360.00"), (date(2026, 5, 11), "360.00")):
        case.until(day, 12)
        case.pay(amount)
    case.until(date(2026, 5, 15))
    assert case.case.closed == "settled"
    assert [text for _, text in case.said()] == [
        "acordo-confirmado", "parcela-lembrete", "parcela-lembrete", "acordo-concluido",
    ]  # fmt: skip


def test_a_plan_in_good_standing_holds_the_ladder_and_reminds_of_each_instalment() -> None:
    case = in_plan()
    case.until(date(2026, 3, 9), 12)
    case.pay("300.00")
    case.until(date(2026, 4, 10))
    assert case.days_of("notice") == []
    assert case.said()[1:] == [(date(2026, 4, 6), "parcela-lembrete"), (date(2026, 4, 10), "parcela-atrasada")]


def test_a_plan_that_is_broken_lapses_and_what_was_paid_counts_for_the_debt() -> None:
    case = in_plan()
    case.until(date(2026, 3, 9), 12)
    case.pay("300.00")
    case.until(date(2026, 4, 17))
    assert [fact.plan_id for fact in case.told("plan_broken")] == ["plano-1"]
    assert case.case.debt(date(2026, 4, 17)).paid == Decimal("300.00")
    case.until(date(2026, 4, 30))
    assert [step for _, step in case.days_of("notice")] == ["aviso"]
    assert "acordo-quebrado" in [text for _, text in case.said()]


def test_a_plan_while_the_title_is_at_the_notary_asks_for_it_back() -> None:
    case = Simulated(ladder(FIRM), DUE, date(2026, 3, 1))
    case.until(date(2026, 3, 23))
    case.prove_notice()
    case.until(date(2026, 3, 31))
    title = case.case.protest.title_id
    case.tell(f.TitleSent(title, date(2026, 3, 31)))
    today = case.case.today(case.now)
    case.tell(f.PlanAgreed("plano-2", (f.Instalment(0, today, Decimal("1000.00")),)))
    assert case.case.protest.state == "withdrawing"


def test_a_plan_of_a_debt_that_is_wholly_disputed_is_refused() -> None:
    case = late(ladder(FIRM))
    case.tell(f.DisputeOpened("d1"))
    assert case.refusal(PLAN) == "disputed"


def test_instalments_that_do_not_fall_due_one_after_another_are_refused() -> None:
    case = late(ladder(FIRM))
    parts = (f.Instalment(0, date(2026, 4, 9), Decimal(1)), f.Instalment(1, date(2026, 4, 9), Decimal(1)))
    assert case.refusal(f.PlanAgreed("p", parts)) == "bad-plan"


# --- disputes -------------------------------------------------------------------------------------------------------
def test_a_dispute_of_a_part_lets_contacts_go_on_for_the_rest_and_the_firm_part_wait() -> None:
    case = late(ladder(FIRM))
    case.tell(f.DisputeOpened("d1", Decimal("400.00")))
    assert case.case.demand(date(2026, 3, 6)) == Decimal("621.33")
    case.until(date(2026, 3, 31))
    assert [step for _, step in case.days_of()] == ["um", "dois"]
    assert case.days_of("notice") == []
    assert case.next.reason == "step aviso waits: disputed in part"


def test_a_dispute_of_a_part_that_is_upheld_makes_the_debt_smaller() -> None:
    case = late(ladder(FIRM))
    case.tell(f.DisputeOpened("d1", Decimal("400.00")))
    case.tell(f.DisputeResolved(upheld=True))
    assert case.case.face() == Decimal("600.00")
    assert case.case.closed == ""


def test_a_debtor_who_does_not_say_why_in_time_is_a_persons_matter_and_nothing_goes_on_by_itself() -> None:
    case = late(ladder(FIRM))
    case.tell(f.DisputeOpened("d1", explain_by=date(2026, 3, 13)))
    case.until(date(2026, 3, 13))
    assert [task.kind for task in case.case.tasks.values()] == ["dispute"]
    case.until(date(2026, 3, 31))
    assert [task.kind for task in case.case.tasks.values()] == ["dispute", "dispute-silent"]
    assert case.days_of()[-1][1] == "um"
    case.tell(f.DisputeResolved(upheld=False))
    case.until(date(2026, 4, 1))
    assert case.days_of()[-1][1] == "dois"


# --- holds ----------------------------------------------------------------------------------------------------------
def test_a_moratorium_ends_by_itself_on_its_day() -> None:
    case = late(ladder(WEEK))
    case.tell(f.HoldSet("moratorium", date(2026, 3, 20)))
    case.until(date(2026, 3, 20))
    assert case.days_of()[-1][1] == "um"
    case.until(date(2026, 3, 24))
    assert [step for _, step in case.days_of()] == ["um", "dois", "tres"]


@pytest.mark.parametrize("hold", ["insolvency", "death"])
def test_insolvency_and_death_stop_the_ladder_and_ask_for_legal_at_once(hold: f.Hold) -> None:
    case = late(ladder(FIRM))
    case.tell(f.HoldSet(hold, document_id="doc"))
    assert [(fact.purpose, fact.role) for fact in case.told("approval_asked")] == [("legal", "manager")]
    case.until(date(2026, 3, 31))
    assert case.days_of()[-1][1] == "um"
    case.approve()
    case.until(date(2026, 4, 1))
    assert [step for _, step in case.days_of("legal")] == ["juridico"]


# --- limitation -----------------------------------------------------------------------------------------------------
def test_a_person_is_warned_before_each_limitation_term_ends() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.until(date(2031, 2, 1))
    warned = [(task.task, task.owner) for task in case.told("task_opened") if task.task.startswith("limitation")]
    assert warned == [("limitation-protest", "lawyer"), ("limitation-contact", "lawyer")]


def test_a_promise_interrupts_the_limitation_once() -> None:
    case = late(ladder(WEEK))
    case.tell(f.PromiseMade("p1", date(2026, 3, 12)))
    assert case.case.limitation().first == date(2029, 3, 6)
    case.until(date(2026, 3, 20))
    case.pay("10.00")
    assert case.case.limitation().first == date(2029, 3, 6)


def test_after_the_executive_term_only_a_lawyers_word_lets_a_title_be_protested() -> None:
    for overridden, done in ((False, []), (True, ["protesto"])):
        case = Simulated(ladder(FIRM), date(2023, 1, 2), date(2026, 3, 2))
        case.tell(f.Released(date(2026, 3, 2)))
        if overridden:
            case.tell(f.LimitationOverridden("note"))
        case.until(date(2026, 3, 31))
        case.prove_notice()
        case.until(date(2026, 4, 10))
        assert [step for _, step in case.days_of("protest")] == done


def test_after_the_last_term_nobody_can_override() -> None:
    case = Simulated(ladder(FIRM), date(2020, 1, 2), date(2026, 3, 2))
    assert case.refusal(f.LimitationOverridden("note")) in ("case-closed", "prescribed")


# --- the end --------------------------------------------------------------------------------------------------------
def test_whoever_was_asked_for_a_debt_that_is_none_is_told_so() -> None:
    case = late(ladder(WEEK))
    case.tell(f.Voided("error"))
    case.until(date(2026, 3, 10))
    assert case.said() == [(date(2026, 3, 9), "comunicacao-baixa")]
    assert case.case.closed == "void"


def test_an_invoice_cancelled_before_anybody_was_asked_closes_in_silence() -> None:
    case = Simulated(ladder(WEEK), DUE, date(2026, 3, 1))
    case.tell(f.Voided("error"))
    assert (case.case.closed, case.said()) == ("void", [])
