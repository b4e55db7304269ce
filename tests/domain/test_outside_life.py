"""A case and those who act for it outside: lawyer, agency, notaries' central, credit bureau; on the pure core."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from core import HEAD, Simulated, ladder, shipped
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from test_case_promises import AnyLife

from domain import facts as f
from domain.calendars import add_bank_days
from domain.decide import Action, Instruction
from domain.errors import BadFile
from domain.negotiation import answer_until, cost_window, next_window
from domain.outside import in_other_hands, lawsuit_number, must_announce
from domain.policy import Offset

DUE, START = date(2026, 3, 2), date(2026, 2, 27)
NOTICE = """\
  - {id: aviso, at: due + 1bd, do: contact, by: [email], text: atraso-cordial}
  - {id: notificacao, at: due + 5d, do: notice, by: [letter, email], text: notificacao-previa, deadline: 5bd}
"""
NEGOTIATE = "  - {id: negociacao, at: notice.deadline, do: negotiate, within: 15d, approve: supervisor}\n"
PROTEST = "  - {id: protesto, at: previous + 1bd, do: protest, approve: supervisor}\n"
LIST = "  - {id: negativacao, at: notice.deadline, do: list, deadline: 10d, approve: supervisor}\n"
LEGAL = "  - {id: juridico, at: due + 40d, do: legal, within: 3bd}\n"
AGENCY = "  - {id: assessoria, at: due + 10d, do: agency, within: 2bd}\n"


def lived(steps: str, approve: bool = True, **how: object) -> Simulated:
    """A case whose notice is proved and whose next firm step is approved and done."""
    case = Simulated(ladder(steps), DUE, START, **how)  # type: ignore[arg-type]
    case.until(date(2026, 3, 9))
    if case.case.notice:
        case.prove_notice()
    case.until(date(2026, 4, 20) if "juridico" in steps else date(2026, 3, 18))
    if approve:
        case.approve()
        case.until(case.case.today(case.now))
    return case


def tasks(case: Simulated) -> list[str]:
    return [task.kind for task in case.case.tasks.values()]


# --- a case in other hands -------------------------------------------------------------------------------------------
def test_a_dossier_that_nobody_acknowledges_is_asked_after_again_and_again() -> None:
    case = lived(NOTICE + LEGAL)
    assert case.next.reason == "in legal"
    case.until(date(2026, 4, 26))
    assert tasks(case) == []
    case.until(date(2026, 4, 27))
    assert tasks(case) == ["receipt-missing"]
    case.tell(f.TaskDone(next(iter(case.case.tasks)), "rang them"))
    case.until(date(2026, 5, 8))
    assert tasks(case) == ["receipt-missing"], "rung, and still no word"
    case.tell(f.HandOverAcknowledged("legal", date(2026, 5, 8)))
    case.until(date(2026, 7, 30))
    assert tasks(case) == []


def test_a_payment_reaches_legal_the_same_day_and_the_case_closes_only_then() -> None:
    case = lived(NOTICE + LEGAL)
    case.tell(f.HandOverAcknowledged("legal", date(2026, 4, 20)))
    case.pay("100.00", "pix-1")
    case.until(date(2026, 4, 20))
    assert case.told("passed_on") == [f.PassedOn("legal", "payment", "pix-1", "folder")]
    case.pay("2000.00", "pix-2")
    case.until(date(2026, 4, 22))
    assert case.told("passed_on")[1:] == [f.PassedOn("legal", "payment", "pix-2", "folder")]
    kinds = [entry.fact.kind for entry in case.entries]
    assert kinds.index("closed") > len(kinds) - 1 - kinds[::-1].index("passed_on")


def test_in_legal_nothing_is_sent_but_what_legal_asks_for_and_thanks() -> None:
    case = lived(NOTICE + LEGAL)
    before = len(case.performed)
    case.tell(f.PromiseMade("p", date(2026, 4, 22)))
    case.tell(f.DisputeOpened("d"))
    case.tell(f.DisputeResolved(False))
    case.until(date(2026, 6, 1))
    assert case.performed[before:] == []
    case.tell(f.ContactRequested("legal", "ultimo-aviso"))
    case.until(date(2026, 6, 3))
    assert [(action, step) for _, action, step in case.performed[before:]] == [("contact", "pedido:ultimo-aviso-0")]
    assert case.refusal(f.ContactRequested("legal", "lembrete")) == "no-such-text"


def test_what_legal_gives_up_comes_back_to_a_person() -> None:
    case = lived(NOTICE + LEGAL)
    case.tell(f.HandOverReported("legal", "filed", date(2026, 4, 22), "note"))
    assert case.case.hands
    assert case.case.hands.acknowledged_on == date(2026, 4, 22)
    case.tell(f.HandOverReported("legal", "given-up", date(2026, 4, 25)))
    assert in_other_hands(case.case) == ""
    assert "given-up" in tasks(case)
    assert case.refusal(f.HandOverReported("legal", "filed", date(2026, 4, 26))) == "not-there"


def test_a_word_that_could_not_be_passed_on_stays_a_persons_task_when_the_case_closes() -> None:
    case = lived(NOTICE + LEGAL)
    case.pay("3000.00", "pix-1")
    while case.next.action == Action.TELL:
        case.tell(f.ActionFailed(Action.TELL, case.next.step, "http-403", transient=False))
    case.until(date(2026, 4, 23))
    assert case.case.closed == "paid"
    assert "action-failed" in tasks(case)
    failed = [task_id for task_id, task in case.case.tasks.items() if task.kind == "action-failed"]
    for task_id in failed:
        case.tell(f.TaskDone(task_id, "rang them"))
    assert "action-failed" not in tasks(case)
    assert case.case.closed == "paid"


def test_an_agency_gets_the_case_and_is_told_when_it_is_called_back() -> None:
    case = lived(NOTICE + AGENCY)
    assert case.next.reason == "with the agency"
    case.tell(f.HandOverRecalled("agency", "note:1"))
    case.until(date(2026, 3, 18))
    assert [message.what for message in case.told("passed_on")] == ["recall"]  # type: ignore[attr-defined]
    assert in_other_hands(case.case) == ""


def test_where_the_state_wants_it_the_agency_is_announced_by_letter_first() -> None:
    case = lived(NOTICE + AGENCY, approve=False, uf="MT")
    assert tasks(case) == ["announce-agency"]
    assert case.next.reason == "waits for the announcement of the agency"
    case.tell(f.TaskDone(next(iter(case.case.tasks)), "posted"))
    assert case.case.approval
    case.approve()
    case.until(date(2026, 3, 18))
    assert in_other_hands(case.case) == "agency"
    assert "11.792/2022" in must_announce("MT", consumer=False)
    assert must_announce("SP", consumer=True) == ""


@pytest.mark.parametrize(("knows", "heard"), [(None, []), ((), ["pix-1"])], ids=["as-recorded", "as-the-dossier-says"])
def test_what_a_dossier_could_not_know_when_it_was_made_is_told(
    knows: tuple[str, ...] | None, heard: list[str]
) -> None:
    """The hand-over was recorded only after the payment; entries from before the field mean what they always meant."""
    case = lived(NOTICE + LEGAL, approve=False)
    case.pay("100.00", "pix-1")
    case.tell(f.HandedOver("d", "legal", "juridico", knows))
    case.until(case.case.today(case.now))
    told = case.told("passed_on")
    assert [message.reference for message in told if isinstance(message, f.PassedOn)] == heard


def test_a_closed_case_that_turns_out_to_have_an_entry_closes_again_when_the_entry_is_gone() -> None:
    case = lived(NOTICE + LIST, approve=False)
    case.tell(f.Voided("invoice cancelled"))
    case.until(date(2026, 3, 25))
    assert case.next.action == Action.CLOSE
    case.tell(f.ListingRequested("negativacao", "e", case.case.terms.principal))
    case.until(date(2026, 3, 27))
    assert case.told("passed_on") == [f.PassedOn("bureau", "removal", "e", "folder")]
    assert case.next.reason == "waits for the bureau to remove the entry"
    case.tell(f.ListingRemoved("e", date(2026, 3, 28)))
    assert case.next.action == Action.CLOSE
    assert len(case.told("closed")) == 2


def test_a_case_that_went_to_legal_before_receipts_existed_is_not_asked_after() -> None:
    case = lived(NOTICE + LEGAL)
    case.case.hands = None
    case.until(date(2026, 8, 1))
    assert tasks(case) == []
    case.tell(f.HandOverReported("legal", "filed", date(2026, 8, 1)))
    assert case.case.hands


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0000001-68.2026.8.26.0100", "0000001-68.2026.8.26.0100"),
        ("00000016820268260100", "0000001-68.2026.8.26.0100"),
        ("0000001-69.2026.8.26.0100", None),
        ("123", None),
    ],
)
def test_a_lawsuit_number_has_two_check_digits(text: str, found: str | None) -> None:
    assert lawsuit_number(text) == found


# --- solução negocial prévia -----------------------------------------------------------------------------------------
def test_the_proposal_waits_for_the_notice_and_for_approval_and_stops_everything_else() -> None:
    case = Simulated(ladder(NOTICE + NEGOTIATE + PROTEST), DUE, START)
    case.until(date(2026, 4, 1))
    assert case.case.proposal is None, "no proof of the notice"
    case.prove_notice()
    case.until(date(2026, 4, 10))
    assert case.case.approval
    assert case.case.approval.purpose == "negotiate"
    case.approve()
    case.until(date(2026, 4, 10))
    assert case.case.proposal
    assert case.next.reason == "proposal at the central"


def proposed(**how: object) -> Simulated:
    case = lived(NOTICE + NEGOTIATE + PROTEST, **how)
    assert case.case.proposal
    assert case.case.proposal.until == date(2026, 4, 2)
    return case


def answer(case: Simulated, outcome: f.NegotiationAnswered | str, **how: object) -> None:
    assert case.case.proposal
    case.tell(f.NegotiationAnswered(case.case.proposal.id, outcome, case.case.today(case.now), **how))  # type: ignore[arg-type]


def test_paid_at_the_central_closes_the_case_with_thanks() -> None:
    case = proposed()
    answer(case, "paid", amount=Decimal("950.00"))
    case.until(date(2026, 3, 20))
    assert case.case.closed == "paid-at-notary"


def test_a_conversion_is_a_protest_for_the_original_amount_with_no_second_title() -> None:
    case = proposed()
    answer(case, "converted", protocol="123")
    assert (case.case.protest.state, case.case.protest.declared) == ("confirmed", Decimal("1000.00"))
    case.tell(f.TitleRegistered(case.case.protest.title_id, date(2026, 3, 20)))
    case.until(date(2026, 6, 1))
    assert case.case.protest.word == "registered"
    assert case.told("title_queued") == []


def test_returned_or_withdrawn_the_ladder_goes_on_to_its_protest() -> None:
    case = proposed()
    answer(case, "returned")
    assert "proposal-returned" in tasks(case)
    case.until(date(2026, 3, 20))
    assert case.case.approval
    assert case.case.approval.purpose == "protest"


def test_a_payment_takes_the_proposal_back_and_the_case_stays_open_until_it_is_back() -> None:
    case = proposed()
    case.pay("2000.00")
    case.until(date(2026, 3, 20))
    assert case.told("negotiation_withdrawn")
    assert [m.what for m in case.told("passed_on")] == ["withdrawal"]  # type: ignore[attr-defined]
    assert not case.case.closed
    answer(case, "withdrawn")
    case.until(date(2026, 3, 21))
    assert case.case.closed == "paid"


def test_a_part_payment_takes_it_back_and_proposes_the_new_balance_after_a_new_approval() -> None:
    case = proposed()
    case.pay("500.00")
    case.until(date(2026, 3, 20))
    answer(case, "withdrawn")
    case.until(date(2026, 3, 23))
    assert case.case.approval
    assert case.case.approval.purpose == "negotiate"
    assert case.case.approval.amount == case.case.face() < Decimal("1000.00")


def test_while_it_is_disputed_a_person_decides_before_it_becomes_a_protest() -> None:
    case = proposed()
    case.tell(f.DisputeOpened("d"))
    case.until(date(2026, 3, 19))
    assert "withdraw-or-keep-proposal" in tasks(case)
    case.tell(f.NegotiationWithdrawn(case.case.proposal.id, "note:1"))  # type: ignore[union-attr]
    assert case.case.proposal
    assert case.case.proposal.state == "withdrawing"


def test_a_central_that_says_nothing_is_asked() -> None:
    case = proposed()
    case.until(date(2026, 4, 30))
    assert "proposal-unanswered" in tasks(case)


@pytest.mark.parametrize(
    ("days", "code"), [(-2, "free"), (30, "free"), (31, "central"), (120, "central"), (121, "deposit")]
)
def test_the_cost_windows_of_the_law(days: int, code: str) -> None:
    assert cost_window(days).code == code


def test_who_approves_knows_when_it_becomes_dearer() -> None:
    assert next_window(date(2026, 3, 2), date(2026, 3, 18)) == (date(2026, 4, 2), cost_window(31))
    assert next_window(date(2026, 3, 2), date(2026, 8, 1)) is None


@pytest.mark.parametrize(
    ("term", "until"),
    [(Offset(15, "d"), date(2026, 4, 2)), (Offset(60, "d"), date(2026, 4, 17)), (Offset(1, "d"), date(2026, 3, 23))],
)
def test_the_term_is_three_business_to_thirty_days_and_ends_on_a_business_day(term: Offset, until: date) -> None:
    assert answer_until(date(2026, 3, 18), term) == until


# --- the bureau ------------------------------------------------------------------------------------------------------
def listed() -> Simulated:
    """A case that stands lawfully in the register."""
    case = lived(NOTICE + LIST)
    assert case.case.listing
    key = case.case.listing.id
    case.tell(f.ListingNotified(key, date(2026, 3, 19)))
    case.until(date(2026, 3, 30))
    case.tell(f.Listed(key, date(2026, 3, 30)))
    assert case.case.listing.state == "listed"
    return case


def test_paid_the_entry_goes_within_five_business_days_and_people_are_alarmed() -> None:
    case = listed()
    case.pay("2000.00")
    case.until(date(2026, 3, 30))
    (order,) = case.told("listing_removal")
    assert isinstance(order, f.ListingRemovalOrdered)
    assert order.due == add_bank_days(date(2026, 3, 30), 5) == date(2026, 4, 7)
    assert [m.what for m in case.told("passed_on")] == ["removal"]  # type: ignore[attr-defined]
    case.until(date(2026, 4, 2))
    assert "removal-due" not in tasks(case)
    case.until(date(2026, 4, 6))
    assert "removal-due" in tasks(case)
    assert "removal-late" not in tasks(case)
    case.until(date(2026, 4, 8))
    assert "removal-late" in tasks(case)
    assert not case.case.closed, "an entry of it still stands"
    case.tell(f.ListingRemoved(order.listing_id, date(2026, 4, 8)))
    assert case.case.closed == "paid"


def test_an_entry_before_the_bureaus_own_notice_period_is_removed() -> None:
    case = lived(NOTICE + LIST)
    assert case.case.listing
    case.tell(f.ListingNotified(case.case.listing.id, date(2026, 3, 19)))
    case.tell(f.Listed(case.case.listing.id, date(2026, 3, 25)))
    assert case.case.listing.state == "removing"
    assert "notice period" in case.case.listing.reason


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (f.PlanAgreed("p", (f.Instalment(0, date(2026, 4, 10), Decimal("1100.00")),)), "in-plan"),
        (f.Voided("note:1"), "void"),
        (f.Adjusted(Decimal("300.00"), "rebate", date(2026, 3, 30)), "balance-changed"),
    ],
)
def test_plan_void_and_a_changed_balance_remove_the_entry_too(told: f.Told, reason: str) -> None:
    case = listed()
    case.tell(told)
    assert case.case.listing
    assert (case.case.listing.state, case.case.listing.reason) == ("removing", reason)


def test_an_upheld_dispute_removes_the_entry_and_an_open_one_asks_a_person() -> None:
    case = listed()
    case.tell(f.DisputeOpened("d"))
    case.until(date(2026, 3, 31))
    assert "listing-disputed" in tasks(case)
    case.tell(f.DisputeResolved(True))
    assert case.case.listing
    assert case.case.listing.reason == "dispute-upheld"


def test_what_is_not_listed_yet_is_taken_back_as_soon_as_anything_holds_the_case() -> None:
    case = lived(NOTICE + LIST)
    case.tell(f.DisputeOpened("d"))
    assert case.case.listing
    assert (case.case.listing.state, case.case.listing.reason) == ("removing", "held")


def test_after_five_years_the_entry_goes() -> None:
    case = listed()
    case.case.interrupted_on = date(2028, 1, 1)  # the limitation runs on, the entry must not
    case.until(date(2031, 3, 2))
    assert case.case.listing
    assert case.case.listing.state == "listed"
    case.until(date(2031, 3, 4))
    assert case.case.listing.reason == "five-years"


def test_a_protested_title_is_not_listed() -> None:
    case = Simulated(ladder(NOTICE + LIST), DUE, START)
    case.until(date(2026, 3, 9))
    case.prove_notice()
    case.case.protest.state = "registered"
    case.until(date(2026, 3, 20))
    assert case.row("negativacao") == "passed-over: the title is at the notary or protested"


def test_a_bureau_that_says_nothing_is_asked() -> None:
    case = lived(NOTICE + LIST)
    case.until(date(2026, 4, 10))
    assert "bureau-silent" in tasks(case)


# --- ladders ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ("  - {id: x, at: due + 9d, do: list}\n", "a step `do: list` has no notice before it"),
        ("  - {id: x, at: due + 9d, do: negotiate}\n", "a step `do: negotiate` has no notice before it"),
        ("  - {id: x, at: due + 9d, do: agency}\n", "the first word to the debtor is an agency's"),
        (NOTICE + PROTEST + NEGOTIATE, "a negotiation comes after the protest"),
        (NOTICE + NEGOTIATE.replace("15d", "31d"), "the debtor has 31d to answer"),
        (NOTICE + LIST.replace("10d", "5d"), "the bureau's notice period is 5d"),
        (NOTICE + LIST.replace("deadline,", "deadline - 1d,"), "is a list within the notice's deadline"),
    ],
)
def test_impossible_orders_are_refused(steps: str, found: str) -> None:
    with pytest.raises(BadFile) as refused:
        ladder(steps, HEAD)
    assert found in str(refused.value)


def test_a_hand_over_to_an_agency_is_always_approved() -> None:
    assert ladder(NOTICE + AGENCY).steps[-1].approve == "manager"


# --- whatever happens ------------------------------------------------------------------------------------------------
class OutsideLife(AnyLife):
    """Any life under the ladder that ships with everything; whoever is outside says anything at any time."""

    @initialize(
        late=st.integers(-5, 20), uf=st.sampled_from(["SP", "MT"]), amount=st.sampled_from(["150.00", "1000.00"])
    )
    def open(self, late: int, uf: str, amount: str) -> None:  # type: ignore[override]
        start = date(2026, 2, 2)
        self.case = Simulated(shipped("completa-b2b"), start - timedelta(days=late), start, uf=uf, amount=amount)
        self.case.provider = self.watched
        self.number, self.done = 0, []

    def watched(self, order: Instruction) -> f.Told:
        case = self.case.case
        hands = in_other_hands(case)
        if order.action in (Action.CONTACT, Action.NOTICE) and hands:
            kind = order.step.partition("-")[0]
            assert kind.startswith(("agradecimento", "pedido:", "aviso:comunicacao")), "in other hands nothing is sent"
        if order.action in (Action.LIST, Action.NEGOTIATE):
            assert case.notice, "nothing goes out without a notice"
            assert case.notice.state in ("proved", "released")
            assert not case.dispute
            assert case.plan is None
            assert not case.ended
            assert not case.settled(self.case.policy.tolerance)
        if order.action in (Action.AGENCY, Action.LIST, Action.NEGOTIATE):
            assert case.approval, "nothing goes out without approval"
            assert case.approval.state == "given"
            return self.case.success(order)
        return super().watched(order)

    @rule(early=st.booleans(), what=st.sampled_from(["notified", "listed", "refused", "removed"]))
    def bureau(self, early: bool, what: str) -> None:
        if listing := self.case.case.listing:
            on = self.today() if not early else self.today() - timedelta(days=2)
            told = {
                "notified": f.ListingNotified(listing.id, on), "listed": f.Listed(listing.id, on),
                "refused": f.ListingRefused(listing.id, "x"), "removed": f.ListingRemoved(listing.id, on),
            }  # fmt: skip
            self.tell(told[what])

    @rule(outcome=st.sampled_from(["paid", "withdrawn", "returned", "converted"]))
    def central(self, outcome: str) -> None:
        if proposal := self.case.case.proposal:
            amount = Decimal("100.00")
            self.tell(f.NegotiationAnswered(proposal.id, outcome, self.today(), amount))  # type: ignore[arg-type]

    @rule(what=st.sampled_from(["acknowledged", "filed", "agreement", "given-up", "recall", "ask"]))
    def outsiders(self, what: str) -> None:
        to = in_other_hands(self.case.case) or "legal"
        told: dict[str, f.Told] = {
            "acknowledged": f.HandOverAcknowledged(to, self.today()),  # type: ignore[arg-type]
            "recall": f.HandOverRecalled(to),  # type: ignore[arg-type]
            "ask": f.ContactRequested(to, "atraso-firme"),  # type: ignore[arg-type]
        }
        self.tell(told.get(what) or f.HandOverReported(to, what, self.today()))  # type: ignore[arg-type]

    @invariant()
    def nothing_stands_in_a_register_that_must_not(self) -> None:
        if not hasattr(self, "case") or not (listing := self.case.case.listing):
            return
        case = self.case.case
        if listing.state == "listed":
            assert listing.wait, "listed without the bureau's notice"
            assert listing.listed_on
            assert listing.listed_on >= listing.wait, "listed within the bureau's notice period"
            assert case.plan is None
            assert not case.ended
            assert not case.settled(self.case.policy.tolerance)
        if listing.state == "removing":
            assert listing.due, "a removal has a day"
            assert listing.due <= add_bank_days(self.today(), 5)
            paid = [payment.on for payment in case.counted()]
            if listing.reason.startswith("paid"):
                assert listing.due <= add_bank_days(max(paid), 5), "Súmula 548"
        assert not case.closed or listing.state in ("removed", "refused"), "closed with an entry left"

    @invariant()
    def a_closed_case_has_nothing_at_the_central(self) -> None:
        if hasattr(self, "case") and self.case.case.closed and self.case.case.proposal:
            assert self.case.case.proposal.state not in ("open", "withdrawing")


OutsideLife.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestOutsideLife = OutsideLife.TestCase
