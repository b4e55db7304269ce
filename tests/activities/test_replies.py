"""What a message that came in does to the debtor, to his cases, and to whoever else may have written it."""

from __future__ import annotations

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from people import Opened, set_creditor
from sqlalchemy import Engine, insert, select, update

from activities import correspondents, replies
from activities import statements as sql
from activities.replies import ANSWER_TASK, ATTACHMENT, UNMATCHED_TASK
from db.prepared import together
from db.rows import CONTACT_POINT, DOCUMENT, INBOUND, TASK, WEBHOOK_EVENT
from domain.case import dump
from domain.dialogue.reaction import COPY, MOST_ANSWERS, PERSON, WHICH_DAY
from letters.neutral import NOTHING_OPEN, STOPPED, STRANGER
from tests.activities.reply_samples import MAIL, OURS, PHONE, PostRoom


@pytest.fixture
def room(engine: Engine, tmp_path: Path) -> PostRoom:
    return PostRoom(engine, tmp_path)


# --- what is said ----------------------------------------------------------------------------------------------------
def test_a_debtor_who_has_paid_is_believed_until_a_person_has_looked(room: PostRoom) -> None:
    case = room.open()
    message = room.arrives("Já paguei ontem")
    assert room.told(case) == [{"kind": "claim", "claim_id": str(message), "how": "reply"}]
    assert room.decide(case) == "contact aviso:pagamento-em-verificacao-0"
    assert room.case(case).claimed_until is not None
    kept = room.message(message)
    assert (kept.outcome, kept.meaning, kept.answer) == ("told", ["already-paid"], "confirmation")
    assert kept.debtor_id == case.debtor


def test_a_promise_is_taken_with_its_day(room: PostRoom) -> None:
    case = room.open()
    room.arrives("vou pagar dia 20")
    assert [(body["kind"], body["on"]) for body in room.told(case)] == [("promise", "2026-03-20")]
    assert room.decide(case) == "contact aviso:promessa-confirmada-0"


def test_a_promise_beyond_the_policy_is_a_persons_and_the_ladder_rests(room: PostRoom) -> None:
    case = room.open()
    room.arrives("vou pagar dia 20/08/2026")
    assert room.told(case) == []
    (record,) = room.replies(case)
    assert (record["task"], record["why"], record["answer"]) == (ANSWER_TASK, "promise-horizon", PERSON)
    assert room.decide(case) == f"contact aviso:{PERSON}-0"
    assert [(task.kind, task.holds) for task in room.case(case).tasks.values()] == [(ANSWER_TASK, True)]


def test_a_dispute_without_a_reason_is_asked_for_it_and_the_next_words_are_the_reason(room: PostRoom) -> None:
    case = room.open()
    room.arrives("não devo nada")
    assert room.told(case)[0]["explain_by"] is not None
    assert room.decide(case) == "contact aviso:contestacao-pergunta-0"
    room.arrives("a máquina parou no segundo dia e ninguém veio")
    assert room.kinds(case) == ["dispute", "dispute_explained"]
    room.decide(case)
    assert room.case(case).explain_by is None
    assert room.case(case).dispute != ""


def test_a_second_copy_is_an_answer_of_the_case(room: PostRoom) -> None:
    case = room.open()
    room.arrives("me manda a 2a via")
    assert room.decide(case) == f"contact aviso:{COPY}-0"


def test_what_nobody_understands_is_a_persons_and_is_answered_once(room: PostRoom) -> None:
    case = room.open()
    room.arrives("o gato subiu no telhado")
    room.decide(case)
    room.arrives("e desceu de novo hoje cedo")
    assert [record["answer"] for record in room.replies(case)] == [PERSON, ""]
    room.decide(case)
    assert [task.kind for task in room.case(case).tasks.values()] == [ANSWER_TASK]


def test_a_question_is_asked_once_and_its_answer_is_understood(room: PostRoom) -> None:
    case = room.open()
    room.arrives("vou pagar semana que vem")
    assert room.replies(case)[0]["answer"] == WHICH_DAY
    room.arrives("dia 18")
    assert [(body["kind"], body["on"]) for body in room.told(case)] == [("promise", "2026-03-18")]


def test_so_many_answers_a_day_and_no_more(room: PostRoom) -> None:
    case = room.open()
    for _ in range(MOST_ANSWERS + 2):
        room.arrives("manda o boleto")
    answers = [record["answer"] for record in room.replies(case)]
    assert answers == [COPY] * MOST_ANSWERS + ["", ""]


def test_an_answering_machine_is_not_answered(room: PostRoom) -> None:
    case = room.open()
    message = room.mail("Estou de férias, já paguei tudo. SAIR", room.written(case, channel="email"), automatic=True)
    assert room.replies(case) == []
    assert room.opted_out(case) == []
    assert room.message(message).outcome == "automatic"


def test_thanks_are_recorded_and_change_nothing(room: PostRoom) -> None:
    case = room.open()
    room.arrives("ok, obrigado")
    (record,) = room.replies(case)
    assert (record["meaning"], record["task"], record["answer"]) == (["thanks"], "", "")
    assert room.told(case) == []


# --- agreements ------------------------------------------------------------------------------------------------------
def test_whoever_asks_for_instalments_is_offered_them_and_accepts_with_a_word(room: PostRoom) -> None:
    case = room.open()
    room.arrives("dá para parcelar?")
    assert room.kinds(case) == ["plan_offered"]
    assert room.decide(case) == "contact aviso:acordo-proposto-0"
    message = room.arrives("ACEITO")
    (plan,) = room.plans(case)
    assert (plan.state, plan.accepted_how, plan.accepted_by) == ("agreed", "reply", "debtor")
    assert plan.text_hash != ""
    assert room.kinds(case) == ["plan_offered", "plan"]
    assert room.decide(case) == "contact aviso:acordo-confirmado-1"
    assert room.message(message).meaning == ["accepts-offer"]


def test_whoever_asks_again_is_shown_the_same_offer(room: PostRoom) -> None:
    case = room.open()
    room.arrives("dá para parcelar?")
    room.arrives("quero parcelar")
    plans = {body["plan_id"] for body in room.told(case)}
    assert room.kinds(case) == ["plan_offered", "plan_offered"]
    assert len(plans) == 1
    assert len(room.plans(case)) == 1


def test_an_offer_is_accepted_only_from_the_address_that_was_written_to(room: PostRoom) -> None:
    case = room.open()
    room.arrives("dá para parcelar?")
    room.mail("ACEITO", room.written(case, channel="email"), sender="outro@example.com")
    assert room.kinds(case) == ["plan_offered"]
    assert room.plans(case)[0].state == "offered"
    assert room.replies(case)[-1]["why"] == "accepts-offer"


def test_an_offer_that_is_over_is_a_persons(room: PostRoom) -> None:
    case = room.open()
    room.arrives("dá para parcelar?")
    later = PostRoom(room.engine, room.folder, room.now + timedelta(days=20))
    later.arrives("ACEITO")
    assert later.kinds(case) == ["plan_offered"]
    assert later.replies(case)[-1]["task"] == ANSWER_TASK


# --- silence ---------------------------------------------------------------------------------------------------------
def test_a_stop_closes_every_electronic_channel_at_once_and_is_confirmed_once(room: PostRoom) -> None:
    case, other = room.open(), None
    other = room.open(debtor=case.debtor)
    message = room.arrives("SAIR")
    assert room.opted_out(case) == ["electronic"]
    assert room.points(case) == {"email": "opted-out", "sms": "opted-out"}
    for each in (case, other):
        assert room.told(each) == [{"kind": "opt_out", "channels": ["electronic"]}]
    (answer,) = room.neutral()
    assert (answer.text_id, answer.address, answer.inbound_id) == (STOPPED, PHONE, message)
    room.arrives("SAIR")
    assert len(room.neutral()) == 1


def test_after_a_stop_not_even_an_answer_goes_out(room: PostRoom) -> None:
    case = room.open()
    room.arrives("SAIR")
    room.decide(case)
    room.arrives("manda o boleto")
    assert room.replies(case)[-1]["answer"] == ""
    assert room.replies(case)[-1]["why"] == "deaf"
    room.decide(case)
    assert room.case(case).owed == []


def test_a_stop_that_the_provider_took_is_not_confirmed_by_us(room: PostRoom) -> None:
    case = room.open()
    room.arrives("qualquer coisa", opt_out="STOP")
    assert room.opted_out(case) == ["electronic"]
    assert room.neutral() == []


def test_a_stop_from_an_unknown_number_is_kept_for_whoever_is_imported_with_it(room: PostRoom) -> None:
    case = room.open(contacts=(("email", MAIL),))
    room.arrives("SAIR", sender="+5511900000077")
    assert room.closed() == {"+5511900000077": "stop"}
    assert [answer.address for answer in room.neutral()] == ["+5511900000077"]
    assert room.opted_out(case) == []
    with room.engine.begin() as conn:
        conn.execute(
            insert(CONTACT_POINT).values(
                id=uuid4(), debtor_id=case.debtor, channel="sms", address="+5511900000077", role="debtor", source="t",
                state="usable", consent="", rank=5, changed_at=room.now,
            )
        )  # fmt: skip
    assert [point.channel for point in fresh_points(room, case)] == ["email"]


def fresh_points(room: PostRoom, case: Opened) -> Any:
    with room.engine.connect() as conn:
        (rows,) = together(conn, [sql.FRESH_POINTS(id_=case.case, debtor_=case.debtor, step_="x")])
    return rows


def test_a_stop_of_an_accountant_closes_his_address_and_asks_a_person(room: PostRoom) -> None:
    one, two = room.open(), room.open()
    room.arrives("SAIR")
    for case in (one, two):
        assert room.points(case) == {"email": "usable", "sms": "opted-out"}
        assert room.opted_out(case) == []
    assert room.closed() == {PHONE: "stop"}
    assert room.tasks() == [(UNMATCHED_TASK, "stop-of-several")]
    assert len(room.neutral()) == 1


# --- strangers -------------------------------------------------------------------------------------------------------
def test_the_wrong_persons_address_is_closed_for_good_and_he_hears_nothing_of_a_debt(room: PostRoom) -> None:
    case = room.open()
    contact = room.written(case)
    room.arrives("número errado")
    assert room.points(case) == {"email": "usable", "sms": "invalid"}
    assert room.closed() == {PHONE: "wrong-person"}
    expected = {"kind": "contact_failed", "step": "atraso-1", "contact_id": str(contact), "channel": "sms"}
    assert room.told(case) == [expected | {"code": "wrong-person", "bad_address": True}]
    assert [(answer.text_id, answer.address) for answer in room.neutral()] == [(STRANGER, PHONE)]
    with room.engine.begin() as conn:
        conn.execute(update(CONTACT_POINT).values(state="usable"))
    assert [point.channel for point in fresh_points(room, case)] == ["email"]


def test_a_notice_that_a_stranger_received_proves_nothing_on_that_way(room: PostRoom) -> None:
    case = room.open()
    document = uuid4()
    with room.engine.begin() as conn:
        conn.execute(
            insert(DOCUMENT).values(
                id=document, case_id=case.case, kind="notice", name="n.pdf", mime="application/pdf", sha256="x",
                size=1, created_at=room.now,
            )
        )  # fmt: skip
    room.written(case, purpose="notice", document_id=document)
    notice = notice_of(room, case, document)
    room.arrives("não conheço essa pessoa")
    assert room.told(case) == [
        {"kind": "notice_returned", "notice_id": str(notice), "channel": "sms", "reason": "wrong-person", "party": ""}
    ]


def notice_of(room: PostRoom, case: Opened, document: UUID) -> UUID:
    from db.rows import NOTICE

    notice = uuid4()
    with room.engine.begin() as conn:
        conn.execute(
            insert(NOTICE).values(
                id=notice, case_id=case.case, step="notificacao", document_id=document, deadline_days=10,
                issued_at=room.now, proof_level="", state="issued",
            )
        )  # fmt: skip
    return notice


def test_a_stranger_who_writes_from_elsewhere_is_a_persons_and_is_not_answered(room: PostRoom) -> None:
    case = room.open()
    room.mail("pessoa errada", room.written(case, channel="email"), sender="outro@example.com")
    assert room.points(case)["email"] == "usable"
    (record,) = room.replies(case)
    assert (record["task"], record["answer"]) == (ANSWER_TASK, "")
    assert room.neutral() == []


# --- who wrote -------------------------------------------------------------------------------------------------------
def test_a_mail_is_known_by_the_token_of_its_address(room: PostRoom) -> None:
    case, other = room.open(), room.open(contacts=(("email", "outra@example.com"),))
    contact = room.written(case, channel="email")
    message = room.mail("já paguei", contact, sender="contador@example.com")
    assert room.kinds(case) == ["claim"]
    assert room.kinds(other) == []
    assert room.message(message).contact_id == contact
    (event,) = room.all(select(WEBHOOK_EVENT).where(WEBHOOK_EVENT.c.contact_id == contact))
    assert (event.event, event.taken_at is not None) == ("reply", True)


def test_a_mail_is_never_known_by_its_sender_alone(room: PostRoom) -> None:
    case = room.open()
    room.written(case, channel="email")
    message = room.mail("já paguei")
    assert room.told(case) == []
    assert room.tasks() == [(UNMATCHED_TASK, "unknown-sender")]
    assert room.message(message).debtor_id is None


def test_a_mail_to_no_token_is_known_by_the_reference_in_its_subject(room: PostRoom) -> None:
    case = room.open()
    room.written(case, channel="email")
    room.mail("já paguei", subject="Re: Mensagem de Credora ref. 7K2Q9A")
    assert room.kinds(case) == ["claim"]


def test_a_token_that_is_nobodys_is_a_persons(room: PostRoom) -> None:
    room.open()
    room.mail("já paguei", uuid4())
    assert room.tasks() == [(UNMATCHED_TASK, "unknown-sender")]


def test_a_number_that_stands_for_several_debtors_is_a_persons(room: PostRoom) -> None:
    one, two = room.open(), room.open()
    room.arrives("já paguei")
    assert (room.told(one), room.told(two)) == ([], [])
    assert room.tasks() == [(UNMATCHED_TASK, "several-debtors")]


def test_an_accountant_who_names_the_reference_is_understood(room: PostRoom) -> None:
    one, two = room.open(), room.open()
    room.written(two)
    room.arrives("Ref. 7K2Q9A já paguei")
    assert (room.kinds(one), room.kinds(two)) == ([], ["claim"])


def test_a_whatsapp_answer_names_the_message_that_it_answers(room: PostRoom) -> None:
    one, two = room.open(), room.open()
    room.written(one, provider_id="SMwhats")
    room.arrives("já paguei", channel="whatsapp", replied_to="SMwhats")
    assert (room.kinds(one), room.kinds(two)) == (["claim"], [])


def test_a_message_to_another_creditors_number_concerns_only_that_creditor(room: PostRoom) -> None:
    case = room.open()
    room.arrives("já paguei", recipient="+5511911111111")
    assert room.kinds(case) == ["claim"]  # nobody writes from that number: whoever the debtor is, he is one
    set_creditor(room.engine, case.creditor, senders={"email": "x@example.com", "email_name": "X", "sms": "+551199"})
    room.arrives("não devo", recipient="+551199", sender="+5511900000088")
    assert room.tasks() == [(UNMATCHED_TASK, "unknown-sender")]


def test_the_invoices_of_our_message_are_meant_and_no_others(room: PostRoom) -> None:
    one = room.open()
    two, three = room.open(debtor=one.debtor), room.open(debtor=one.debtor)
    room.written(one, two)
    room.arrives("já paguei")
    assert [room.kinds(case) for case in (one, two, three)] == [["claim"], ["claim"], []]


def test_an_invoice_that_he_names_is_meant(room: PostRoom) -> None:
    one = room.open(number="NF-778")
    two = room.open(debtor=one.debtor, number="NF-779")
    room.written(one, two)
    room.arrives("já paguei a NF-779")
    assert [room.kinds(case) for case in (one, two)] == [[], ["claim"]]


def test_one_question_is_asked_for_all_invoices_together(room: PostRoom) -> None:
    one = room.open()
    two = room.open(debtor=one.debtor)
    room.arrives("o gato subiu no telhado")
    assert sorted(record["answer"] for case in (one, two) for record in room.replies(case)) == ["", PERSON]
    assert all(room.replies(case)[0]["task"] == ANSWER_TASK for case in (one, two))


def test_a_message_after_the_end_of_the_case_is_a_persons(room: PostRoom) -> None:
    case = room.open()
    room.put(case, stage="closed")
    room.arrives("já paguei")
    assert room.told(case) == []
    assert room.tasks() == [(UNMATCHED_TASK, "no-open-case")]
    (task,) = room.all(select(TASK).where(TASK.c.case_id.is_(None)))
    assert task.details[2] == f"case {case.case}"


def test_a_stranger_who_asks_for_silence_by_whatsapp_is_known_by_the_number_he_wrote_to(room: PostRoom) -> None:
    case = room.open()
    number, stranger = "+551130000000", "+5511900000099"
    set_creditor(room.engine, case.creditor, whatsapp={"sender": number, "templates": {}})
    room.arrives("SAIR", channel="whatsapp", sender=stranger, recipient=number)
    assert room.closed() == {stranger: "stop"}
    assert [(answer.channel, answer.address) for answer in room.neutral()] == [("whatsapp", stranger)]
    assert room.points(case)["sms"] == "usable"


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
@pytest.mark.parametrize("words", ["já paguei", "manda a segunda via", "vou pagar dia 20"])
def test_who_owes_nothing_any_more_is_told_so_once(room: PostRoom, words: str, channel: str) -> None:
    case = room.open()
    room.put(case, stage="closed", outcome="paid")
    message = room.arrives(words, channel=channel)
    (answer,) = room.neutral()
    assert (answer.text_id, answer.channel, answer.address) == (NOTHING_OPEN, channel, PHONE)
    assert "não há nada em aberto" in answer.body.lower() or "Nao ha nada em aberto" in answer.body
    assert (room.message(message).outcome, room.tasks()) == ("nothing-open", [])
    room.arrives(words, channel=channel)
    assert len(room.neutral()) == 1
    assert room.tasks() == [(UNMATCHED_TASK, "no-open-case")]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("paid", "não devo isso, quero falar com o gerente"), ("written-off", "já paguei"), ("prescribed", "já paguei"),
     ("paid", "o gato subiu no telhado")],
)  # fmt: skip
def test_what_needs_a_person_after_the_end_is_a_persons(room: PostRoom, outcome: str, words: str) -> None:
    case = room.open()
    room.put(case, stage="closed", outcome=outcome)
    room.arrives(words)
    assert (room.neutral(), room.tasks()) == ([], [(UNMATCHED_TASK, "no-open-case")])


# --- what is kept ----------------------------------------------------------------------------------------------------
def test_the_words_stand_in_the_row_alone_and_can_be_erased_while_their_hash_stays(room: PostRoom) -> None:
    case = room.open()
    words = "já paguei, fale com Fulano Inventado"
    message = room.arrives(words)
    room.decide(case)
    digest = hmac.new(b"sal", f"\n{words}".encode(), hashlib.sha256).hexdigest()
    (record,) = room.replies(case)
    assert record["content"] == digest
    assert "Fulano" not in str(room.all(select(sql.FACT))) + str(room.all(select(sql.LEDGER)))
    with room.engine.begin() as conn:
        replies.erase(conn, message)
        kept = replies.read_message(conn, message)
    assert kept is not None
    assert (kept.body, kept.sender, kept.content_hmac) == ("", "", digest)


def test_files_that_came_with_it_become_evidence_and_without_words_a_persons(room: PostRoom) -> None:
    case = room.open()
    document = uuid4()
    with room.engine.begin() as conn:
        conn.execute(
            insert(DOCUMENT).values(
                id=document, case_id=None, kind=ATTACHMENT, name="recibo.pdf", mime="application/pdf", sha256="x",
                size=1, created_at=room.now,
            )
        )  # fmt: skip
    room.mail("", room.written(case, channel="email"), files=[str(document)])
    assert [row.id for row in room.documents(case, ATTACHMENT)] == [document]
    assert room.replies(case)[0]["task"] == ANSWER_TASK


def test_when_somebody_last_wrote_is_known(room: PostRoom) -> None:
    room.open()
    with room.engine.connect() as conn:
        assert correspondents.last_inbound(conn, "whatsapp", PHONE) is None
    room.arrives("oi", channel="whatsapp")
    with room.engine.connect() as conn:
        latest = correspondents.last_inbound(conn, "whatsapp", PHONE)
    assert latest is not None
    assert datetime.now(UTC) - latest < timedelta(minutes=1)


# --- disasters -------------------------------------------------------------------------------------------------------
def test_what_was_only_stored_is_understood_by_the_sweep_once(room: PostRoom) -> None:
    case = room.open()
    room.stored("já paguei")
    assert len(replies.apply_waiting(room.world, 10)) == 2
    assert replies.apply_waiting(room.world, 10) == []
    assert room.kinds(case) == ["claim"]


def test_two_processes_understand_a_message_once(room: PostRoom) -> None:
    case = room.open()
    messages = [room.stored("já paguei"), room.stored("ok obrigado")]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: replies.apply_stored(room.world, messages), range(4)))
    assert room.kinds(case) == ["claim"]
    assert len(room.replies(case)) == 2


def test_a_message_that_cannot_be_understood_now_waits_and_the_others_go_on(
    room: PostRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = room.open()
    first, second = room.stored("já paguei"), room.stored("ok")
    real = replies.matched

    def broken(conn: Any, message: Any) -> Any:
        if message.id == first:
            raise ValueError("a row that nobody can read")
        return real(conn, message)

    monkeypatch.setattr(replies, "matched", broken)
    replies.apply_waiting(room.world, 10)
    assert room.message(first).taken_at is None
    assert room.message(second).outcome == "heard"
    monkeypatch.undo()
    replies.apply_waiting(room.world, 10)
    assert room.kinds(case) == ["claim"]


def test_every_message_ends_with_an_outcome(room: PostRoom) -> None:
    case = room.open()
    state = dump(room.case(case))
    for words in ("já paguei", "SAIR", "número errado", "oi", "???", "", "ACEITO", "dia 45"):
        room.put(case, state=state)
        room.arrives(words)
    rows = room.all(select(INBOUND))
    assert all(row.outcome and row.taken_at for row in rows)
    assert OURS in {row.recipient for row in rows}
