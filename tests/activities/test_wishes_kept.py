"""A debtor who says how and when he wants to be reached: kept with his addresses, told to his cases, confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import Opened, ladder
from sqlalchemy import Engine, select

from activities.replies import ANSWER_TASK, UNMATCHED_TASK
from db.rows import CONTACT_POINT, INBOUND, NEUTRAL_ANSWER
from domain.dialogue.reaction import MOST_ANSWERS, PERSON, WHICH_DAY
from letters.models import Message
from letters.neutral import NOTHING_OPEN, WISH, shows_a_debt
from tests.activities.reply_samples import MAIL, PHONE, PostRoom

CALLED = "+551130000001"
EVERYWHERE = (("email", MAIL), ("sms", PHONE), ("voice", CALLED), ("call", CALLED))


@pytest.fixture
def room(engine: Engine, tmp_path: Path) -> PostRoom:
    return PostRoom(engine, tmp_path)


def wishes(room: PostRoom, case: Opened) -> dict[str, str]:
    """The addresses that he asked for, by channel, with the hours of each."""
    points = room.all(select(CONTACT_POINT).where(CONTACT_POINT.c.debtor_id == case.debtor))
    return {point.channel: point.best_hours for point in points if point.rank < 0}


def hours(room: PostRoom, case: Opened) -> set[str]:
    points = room.all(select(CONTACT_POINT).where(CONTACT_POINT.c.debtor_id == case.debtor))
    return {point.best_hours for point in points}


def confirmed(room: PostRoom) -> str:
    """What the last confirmation says; none of them hints at a debt."""
    written = select(NEUTRAL_ANSWER).join(INBOUND, INBOUND.c.id == NEUTRAL_ANSWER.c.inbound_id)
    rows = room.all(written.order_by(INBOUND.c.received_at))
    assert not any(shows_a_debt(Message(row.subject, row.body, None), "") for row in rows)
    assert {row.text_id for row in rows} <= {WISH}
    return rows[-1].body if rows else ""


def unkept(room: PostRoom, case: Opened) -> str:
    """Why a person has to look at the last message."""
    record = room.replies(case)[-1]
    assert (record["task"] == ANSWER_TASK) == bool(record["why"])
    return str(record["why"])


# --- kept ------------------------------------------------------------------------------------------------------------
def test_the_channel_that_he_asks_for_comes_first_for_all_his_cases_and_is_confirmed(room: PostRoom) -> None:
    case = room.open()
    other = room.open(debtor=case.debtor)
    room.written(case)
    message = room.arrives("Prefiro e-mail, por favor")
    assert wishes(room, case) == {"email": ""}
    for each in (case, other):
        assert room.told(each) == [{"kind": "contact_data", "channel": "email", "hours": "any"}]
    (record,) = room.replies(case)
    assert (record["meaning"], record["task"], record["answer"]) == (["prefers"], "", "")
    (answer,) = room.neutral()
    assert (answer.text_id, answer.channel, answer.address, answer.inbound_id) == (WISH, "sms", PHONE, message)
    assert "contato por e-mail" in confirmed(room)
    kept = room.message(message)
    assert (kept.outcome, kept.meaning, kept.answer) == ("told", ["prefers"], WISH)
    assert room.decide(case) == "contact atraso-1"


def test_hours_are_those_that_law_and_policy_leave_and_the_ladder_writes_in_them(room: PostRoom) -> None:
    case = room.open()
    room.arrives("só depois das 14h")
    assert hours(room, case) == {"14:00-18:00"}, "the policy's day ends at six"
    assert wishes(room, case) == {}, "no channel was named"
    assert room.told(case) == [{"kind": "contact_data", "channel": "sms", "hours": "14:00-18:00"}]
    assert "das 14:00 as 18:00" in confirmed(room)
    room.decide(case)
    assert room.case(case).best_hours == "14:00-18:00"


def test_a_channel_keeps_the_hours_that_stood_and_the_last_hours_count(room: PostRoom) -> None:
    case = room.open()
    room.arrives("só de manhã")
    room.arrives("prefiro e-mail")
    assert wishes(room, case) == {"email": "09:00-12:00"}
    room.arrives("só à tarde mesmo")
    assert wishes(room, case) == {"email": "13:00-18:00"}
    assert [body["hours"] for body in room.told(case)] == ["09:00-12:00", "09:00-12:00", "13:00-18:00"]


def test_any_hour_and_any_channel_take_a_wish_back(room: PostRoom) -> None:
    case = room.open()
    room.arrives("prefiro e-mail depois das 14h")
    room.arrives("qualquer horário")
    assert wishes(room, case) == {"email": ""}
    assert room.told(case)[-1]["hours"] == "any"
    assert "qualquer horario permitido" in confirmed(room)
    room.arrives("pode falar comigo por qualquer canal")
    assert wishes(room, case) == {}


@pytest.mark.parametrize(("text", "asked"), [("prefiro por aqui mesmo", {"sms": ""}), ("só mensagem", {"sms": ""})])
def test_here_is_the_channel_on_which_he_writes(room: PostRoom, text: str, asked: dict[str, str]) -> None:
    case = room.open()
    room.arrives(text)
    assert wishes(room, case) == asked


def test_whoever_wants_to_be_called_is_called_where_there_is_a_number_for_it(room: PostRoom) -> None:
    case = room.open(contacts=EVERYWHERE)
    room.arrives("me liga depois das 14h")
    assert wishes(room, case) == {"voice": "14:00-18:00", "call": "14:00-18:00"}
    assert "contato por telefone das 14:00 as 18:00" in confirmed(room)


def test_of_several_addresses_that_from_which_he_writes_is_meant(room: PostRoom) -> None:
    case = room.open(contacts=(("email", "outra@example.com"), ("email", MAIL), ("sms", PHONE)))
    room.mail("prefiro e-mail", room.written(case, channel="sms"))
    points = room.all(select(CONTACT_POINT).where(CONTACT_POINT.c.rank < 0))
    assert [point.address for point in points] == [MAIL]


def test_by_whatsapp_a_wish_is_confirmed_there(room: PostRoom) -> None:
    case = room.open(contacts=(("email", MAIL), ("whatsapp", PHONE)))
    room.arrives("prefiro e-mail", channel="whatsapp")
    assert [(answer.channel, answer.address) for answer in room.neutral()] == [("whatsapp", PHONE)]
    assert wishes(room, case) == {"email": ""}


# --- beside something else -------------------------------------------------------------------------------------------
def test_a_wish_beside_a_payment_keeps_both_and_makes_one_answer(room: PostRoom) -> None:
    case = room.open()
    message = room.arrives("já paguei, prefiro e-mail")
    assert sorted(room.kinds(case)) == ["claim", "contact_data"]
    assert wishes(room, case) == {"email": ""}
    assert room.neutral() == []
    assert room.message(message).answer == "confirmation"
    assert room.decide(case) == "contact aviso:pagamento-em-verificacao-0"


def test_so_many_confirmations_a_day_and_no_more_but_the_wish_is_kept(room: PostRoom) -> None:
    case = room.open()
    for _ in range(MOST_ANSWERS):
        room.arrives("prefiro sms")
    room.arrives("prefiro e-mail")
    assert len(room.neutral()) == MOST_ANSWERS
    assert wishes(room, case) == {"email": ""}
    assert unkept(room, case) == "too-many-answers"


# --- no calls --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text", ["não me ligue mais", "Não me ligue. O gato subiu no telhado", "já paguei, não me ligue"]
)
def test_whoever_wants_no_calls_gets_none_from_now_on_and_is_still_written_to(room: PostRoom, text: str) -> None:
    case = room.open(contacts=EVERYWHERE)
    other = room.open(debtor=case.debtor)
    room.arrives(text)
    assert room.points(case) == {"email": "usable", "sms": "usable", "voice": "opted-out", "call": "opted-out"}
    assert room.opted_out(case) == ["call", "voice"]
    for each in (case, other):
        assert {"kind": "opt_out", "channels": ["call", "voice"]} in room.told(each)
        room.decide(each)
        assert room.case(each).deaf_to("voice")
        assert not room.case(each).deaf_to("sms")
    assert room.closed() == {}


def test_no_calls_is_confirmed_and_what_else_he_asks_is_kept(room: PostRoom) -> None:
    case = room.open(contacts=EVERYWHERE)
    room.arrives("Não me ligue, prefiro e-mail")
    assert wishes(room, case) == {"email": ""}
    assert "contato por e-mail, sem ligacoes" in confirmed(room)
    room.arrives("não me ligue")
    assert "Anotado: sem ligacoes" in confirmed(room)
    assert wishes(room, case) == {"email": ""}


def test_a_refused_channel_is_not_used_to_say_so(room: PostRoom) -> None:
    case = room.open()
    room.arrives("não me mande sms, prefiro e-mail")
    assert room.opted_out(case) == ["sms"]
    assert (wishes(room, case), room.neutral()) == ({"email": ""}, [])


def test_no_calls_of_an_accountant_closes_his_number_and_asks_a_person(room: PostRoom) -> None:
    cases = [room.open(contacts=(("sms", PHONE), ("call", PHONE), ("email", MAIL))) for _ in range(2)]
    room.arrives("não me ligue")
    for case in cases:
        assert room.points(case) == {"sms": "usable", "call": "opted-out", "email": "usable"}
        assert room.opted_out(case) == []
    assert room.tasks() == [(UNMATCHED_TASK, "several-debtors")]


# --- a person's ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("só me mande por WhatsApp", "no-address"),
        ("prefiro carta", "no-address"),
        ("me liga depois das 14h", "no-address"),
        ("depois do expediente", "hours-not-kept"),
        ("prefiro e-mail ou sms", "unclear"),
        ("prefiro e-mail: nova@example.com", "unclear"),
        ("aceito, prefiro e-mail", "unclear"),
    ],
)
def test_what_cannot_be_kept_is_a_persons_and_he_is_told_so(room: PostRoom, text: str, why: str) -> None:
    case = room.open()
    room.arrives(text)
    assert unkept(room, case) == why
    assert room.replies(case)[-1]["answer"] == PERSON
    assert (wishes(room, case), hours(room, case), room.neutral()) == ({}, {""}, [])
    assert "contact_data" not in room.kinds(case)


def test_a_channel_that_no_ladder_uses_is_a_persons(room: PostRoom) -> None:
    case = room.open(ladder("padrao-b2b"), contacts=(("email", MAIL), ("sms", PHONE), ("whatsapp", PHONE)))
    room.arrives("prefiro whatsapp")
    assert unkept(room, case) == "channel-not-used"


def test_a_channel_that_he_closed_is_opened_by_a_person_only(room: PostRoom) -> None:
    case = room.open()
    room.arrives("SAIR")
    room.arrives("prefiro sms")
    assert (wishes(room, case), unkept(room, case)) == ({}, "no-address")
    assert room.points(case)["sms"] == "opted-out"


def test_a_wish_from_another_address_than_his_is_a_persons_and_no_calls_is_heard(room: PostRoom) -> None:
    case = room.open(contacts=EVERYWHERE)
    room.mail("prefiro e-mail, não me ligue", room.written(case, channel="email"), sender="outro@example.com")
    assert (wishes(room, case), unkept(room, case)) == ({}, "not-his-address")
    assert room.opted_out(case) == ["call", "voice"]


def test_hours_after_our_question_for_a_day_are_a_persons(room: PostRoom) -> None:
    case = room.open()
    room.arrives("vou pagar semana que vem")
    assert room.replies(case)[0]["answer"] == WHICH_DAY
    room.arrives("só à tarde")
    assert (hours(room, case), unkept(room, case)) == ({""}, "prefers")


def test_a_wish_that_is_unsure_beside_a_payment_is_a_persons_too(room: PostRoom) -> None:
    case = room.open()
    room.arrives("já paguei. me liga amanhã de manhã")
    assert (room.kinds(case), unkept(room, case)) == (["claim"], "prefers")


def test_after_the_end_he_is_told_that_nothing_is_open(room: PostRoom) -> None:
    case = room.open()
    room.put(case, stage="closed", outcome="paid")
    room.arrives("prefiro e-mail")
    assert [answer.text_id for answer in room.neutral()] == [NOTHING_OPEN]
