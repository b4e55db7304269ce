"""What follows from a reply for one case: the facts, the answer, or a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import ladder

from domain import facts as f
from domain.case import Case, Terms, dump
from domain.data import table
from domain.dialogue import Kind, Reaction, Situation, judged, react, understand
from domain.dialogue.reaction import _RULES, ARRANGE, COPY, MOST_ANSWERS, PERSON, WHICH_DAY
from domain.fold import Moment, fold

TUESDAY = date(2026, 3, 10)
NOON = Moment(datetime(2026, 3, 10, 15, tzinfo=UTC), ladder("padrao-b2b"))
EXPLAIN_BY = date(2026, 3, 17)
USUAL = Situation(consumer=False, demand=Decimal("1030.00"), explain_by=EXPLAIN_BY)
PLAN = f.PlanAgreed("plano", (f.Instalment(1, date(2026, 3, 20), Decimal("1030.00")),), how="reply")
OFFER = f.PlanOffered("plano", date(2026, 3, 17))


def answer(text: str, now: Situation = USUAL) -> Reaction:
    return react(understand(text, TUESDAY), now, "resposta-1")


def a_case(**changes: object) -> Case:
    terms = Terms(Decimal("1000.00"), date(2026, 3, 2), date(2026, 3, 2), "DMI", consumer=False)
    case = Case("00000000-0000-4000-8000-000000000001", "SP", 0.1, "hash", terms, date(2026, 3, 2))
    return replace(case, **changes)  # type: ignore[arg-type]


TOLD = [
    ("já paguei", f.PaymentClaimed("resposta-1", "reply")),
    ("vou pagar dia 20", f.PromiseMade("resposta-1", date(2026, 3, 20), None, "reply")),
    ("vou pagar R$ 500 dia 20", f.PromiseMade("resposta-1", date(2026, 3, 20), Decimal("500.00"), "reply")),
    ("vou pagar R$ 5.000 dia 20", f.PromiseMade("resposta-1", date(2026, 3, 20), None, "reply")),
    ("não recebi a mercadoria", f.DisputeOpened("resposta-1", how="reply")),
    ("o valor está errado", f.DisputeOpened("resposta-1", how="reply")),
    ("não devo nada", f.DisputeOpened("resposta-1", explain_by=EXPLAIN_BY, how="reply")),
    ("não devo, nunca comprei nada", f.DisputeOpened("resposta-1", how="reply")),
    ("não devo, já paguei", f.PaymentClaimed("resposta-1", "reply")),
]


@pytest.mark.parametrize(("text", "fact"), TOLD, ids=[text for text, _ in TOLD])
def test_what_is_sure_is_told_to_the_case(text: str, fact: f.Told) -> None:
    assert answer(text) == Reaction((fact,))


def test_an_open_offer_is_accepted_by_whom_it_was_made_to() -> None:
    open_offer = replace(USUAL, acceptance=PLAN)
    assert answer("ACEITO", open_offer) == Reaction((PLAN,))
    assert answer("ACEITO", replace(open_offer, own_address=False)).facts == ()
    assert answer("ACEITO", replace(open_offer, own_address=False)).task == "accepts-offer"
    assert answer("ACEITO").task == "accepts-offer"
    assert answer("aceito se tirar os juros", open_offer).facts == ()


def test_whoever_asks_for_instalments_gets_the_offer_of_the_policy() -> None:
    assert answer("dá para parcelar?", replace(USUAL, offer=OFFER)) == Reaction((OFFER,))
    assert answer("dá para parcelar?") == Reaction(task="wants-instalments", answer=PERSON)
    assert answer("dá para parcelar?", replace(USUAL, offer=OFFER, alone=False)).facts == ()


def test_a_copy_is_sent_where_a_code_may_be_shown() -> None:
    assert answer("manda o boleto") == Reaction(answer=COPY)
    assert answer("não recebi o boleto") == Reaction(answer=COPY)
    assert answer("manda o boleto", replace(USUAL, payable=False)) == Reaction(task="second-copy", answer=PERSON)


def test_a_consumer_who_names_the_law_is_left_in_peace() -> None:
    assert answer("estou superendividada", replace(USUAL, consumer=True)) == Reaction((f.HoldSet("over-indebted"),))
    assert answer("estou superendividada").task == "over-indebted"


def test_one_question_by_the_machine_then_a_person() -> None:
    assert answer("vou pagar semana que vem") == Reaction(answer=WHICH_DAY)
    assert answer("estou sem dinheiro") == Reaction(answer=ARRANGE)
    asked = replace(USUAL, asked=True)
    assert answer("vou pagar semana que vem", asked) == Reaction(task="no-day", answer=PERSON)
    assert answer("dia 20", asked).facts == (f.PromiseMade("resposta-1", date(2026, 3, 20), None, "reply"),)


def test_what_nobody_understands_is_a_persons_and_is_said_once() -> None:
    assert answer("o gato subiu no telhado") == Reaction(task="unclear", answer=PERSON)
    assert answer("o gato desceu", replace(USUAL, person=True)) == Reaction(task="unclear")


@pytest.mark.parametrize(
    "text",
    [
        "já paguei uma parte e vou pagar o resto dia 20",
        "já paguei, manda a segunda via",
        "não recebi a mercadoria mas vou pagar dia 20",
        "o valor está errado, dá para parcelar em 3x?",
    ],
)
def test_what_contradicts_itself_is_a_persons(text: str) -> None:
    assert answer(text, replace(USUAL, offer=OFFER, acceptance=PLAN)) == Reaction(task="contradictory", answer=PERSON)


def test_thanks_need_no_answer() -> None:
    assert answer("ok, obrigado") == Reaction()
    assert answer("") == Reaction()


def test_after_so_many_answers_a_day_somebody_talks_to_a_machine() -> None:
    assert answer("manda o boleto", replace(USUAL, answers=MOST_ANSWERS)) == Reaction(task="too-many-answers")


def test_whoever_was_asked_why_explains_in_his_own_words() -> None:
    asked = replace(USUAL, explains="contestacao-1")
    explained = Reaction((f.DisputeExplained("contestacao-1"),))
    assert answer("a máquina parou no segundo dia", asked) == explained
    assert answer("não recebi a mercadoria", asked) == explained
    assert answer("já paguei", asked).facts == (f.PaymentClaimed("resposta-1", "reply"),)
    assert answer("vou pagar dia 20", asked).facts == (f.PromiseMade("resposta-1", date(2026, 3, 20), None, "reply"),)


def test_one_amount_for_several_invoices_is_a_persons() -> None:
    assert answer("vou pagar R$ 500 dia 20", replace(USUAL, alone=False)).task == "one-amount-for-many"
    assert answer("vou pagar dia 20", replace(USUAL, alone=False)).facts != ()


# --- the rules of the case have the last word ------------------------------------------------------------------------
def judge(text: str, case: Case, now: Situation = USUAL) -> Reaction:
    return judged(case, NOON, answer(text, now), now)


def test_a_promise_beyond_the_policy_is_a_persons() -> None:
    late = NOON.day(a_case()) + timedelta(days=NOON.policy.promise.longest + 1)
    assert judge(f"vou pagar dia {late:%d/%m/%Y}", a_case()) == Reaction(task="promise-horizon", answer=PERSON)
    most = a_case(promises_made=NOON.policy.promise.most)
    assert judge("vou pagar dia 20", most) == Reaction(task="too-many-promises", answer=PERSON)


def test_what_the_case_knows_already_is_not_told_again() -> None:
    case = a_case()
    fold(f.PaymentClaimed("antes"), case, NOON)
    assert judge("já paguei", case) == Reaction()


def test_judging_changes_nothing() -> None:
    case = a_case()
    before = dump(case)
    judge("já paguei", case)
    judge("não devo", case)
    assert dump(case) == before


def test_who_may_not_be_answered_is_a_persons() -> None:
    assert judge("manda o boleto", a_case(), replace(USUAL, deaf=True)) == Reaction(task="deaf")


def test_a_reply_is_kept_by_its_hash_and_asks_for_a_person_once() -> None:
    case = a_case()
    fold(f.ReplyReceived("r1", "sms", ("unclear",), "mac", "answer-debtor", PERSON), case, NOON)
    fold(f.ReplyReceived("r2", "sms", ("unclear",), "mac", "answer-debtor"), case, NOON)
    assert [need.task for need in case.needs] == ["answer-debtor"]
    assert case.needs[0].holds
    assert [(word.text, word.about) for word in case.owed] == [(PERSON, "r1")]
    closed = a_case(closed="paid")
    fold(f.ReplyReceived("r3", "sms", ("unclear",), "mac", "answer-debtor", PERSON), closed, NOON)
    assert (closed.needs, closed.owed) == ([], [])


_SITUATIONS = st.builds(
    Situation,
    consumer=st.booleans(),
    demand=st.just(Decimal("1030.00")),
    explain_by=st.just(EXPLAIN_BY),
    acceptance=st.sampled_from([None, PLAN]),
    offer=st.sampled_from([None, OFFER]),
    explains=st.sampled_from(["", "contestacao-1"]),
    payable=st.booleans(),
    alone=st.booleans(),
    own_address=st.booleans(),
    asked=st.booleans(),
    person=st.booleans(),
    answers=st.integers(0, 5),
    deaf=st.booleans(),
)
_TEXTS = st.lists(st.sampled_from([row["example"] for row in table("reply_words")]), min_size=1, max_size=3)


@given(_TEXTS, _SITUATIONS)
@settings(max_examples=300, deadline=None)
def test_whatever_he_says_he_is_answered_at_most_once_and_never_too_often(texts: list[str], now: Situation) -> None:
    found = judged(a_case(), NOON, answer(". ".join(texts), now), now)
    assert not (found.answer and (now.deaf or now.answers >= MOST_ANSWERS))
    assert not (found.answer == PERSON and (now.person or not found.task))
    assert len({fact.kind for fact in found.facts}) == len(found.facts)


def test_every_intent_has_a_rule() -> None:
    assert _RULES.keys() == {*Kind}
