"""How and when a debtor wants to be reached, in the words in which people really write."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.data import table
from domain.dialogue import Kind, Reading, Wish, understand
from domain.dialogue.normal import clauses
from domain.dialogue.wishes import _patterns, day_of_law, heard
from domain.preference import hours_text, parse_hours

TUESDAY = date(2026, 3, 10)


def read(text: str) -> Reading:
    return understand(text, TUESDAY)


def said(text: str) -> str:
    """The wish of a message in short: channel, hours, what is closed; "person" where it is not sure, "" for none."""
    reading = read(text)
    if reading.of(Kind.PREFERS) is None:
        return "person" if any(intent.kind == Kind.PREFERS for intent in reading.intents) else ""
    wish = reading.wish
    assert wish is not None
    hours = "any" if wish.any_hours else hours_text(wish.hours) if wish.hours else ""
    return " ".join(filter(None, (wish.channel, hours, *(f"-{each}" for each in sorted(wish.refused)))))


# --- sentences -------------------------------------------------------------------------------------------------------
UNDERSTOOD = [
    # a channel
    ("prefiro e-mail", "email"),
    ("Prefiro por e-mail, por favor.", "email"),
    ("Bom dia! Gostaria que o contato fosse somente por e-mail. Obrigada.", "email"),
    ("SÓ E-MAIL", "email"),
    ("somente email pfv obg", "email"),
    ("fale comigo por e-mail", "email"),
    ("Prezados, entrem em contato por e-mail", "email"),
    ("prefiro e-mail em vez de ligação", "email"),
    ("só me mande por WhatsApp", "whatsapp"),
    ("Me chama no zap", "whatsapp"),
    ("é melhor por whats", "whatsapp"),
    ("Só me mandem mensagem no WhatsApp", "whatsapp"),
    ("prefiro sms", "sms"),
    ("prefiro que me liguem", "voice"),
    ("prefiro por telefone", "voice"),
    ("prefiro carta", "letter"),
    ("prefiro mensagem", "text"),
    ("prefiro por aqui mesmo", "here"),
    ("pode falar comigo por qualquer canal", "any"),
    # hours
    ("só de manhã", "08:00-12:00"),
    ("Prefiro à tarde", "13:00-18:00"),
    ("à noite é melhor", "18:00-20:00"),
    ("depois do expediente", "18:00-20:00"),
    ("só em horário comercial", "09:00-18:00"),
    ("só até as 11h", "08:00-11:00"),
    ("até 11h só", "08:00-11:00"),
    ("entre 10h e 12h é melhor", "10:00-12:00"),
    ("só das 10 às 12", "10:00-12:00"),
    ("prefiro das 9h30 às 11:45", "09:30-11:45"),
    ("só das 10h-12h", "10:00-12:00"),
    ("prefiro às 15:30", "15:30-16:30"),
    ("só atendo depois das 2 da tarde", "14:00-20:00"),
    ("só depois das duas", "14:00-20:00"),
    ("só depois das 14h30", "14:30-20:00"),
    ("só das 14h em diante", "14:00-20:00"),
    ("favor entrar em contato somente após as 13h", "13:00-20:00"),
    ("fico disponível a partir das 16 horas", "16:00-20:00"),
    ("prefiro depois do meio-dia e meia", "12:30-20:00"),
    ("não me ligue antes das 10h", "10:00-20:00"),
    ("não me ligue depois das 18h", "08:00-18:00"),
    ("não me chame de manhã", "12:00-20:00"),
    ("qualquer horário", "any"),
    ("pode me chamar a qualquer hora", "any"),
    # both
    ("me liga depois das 14h", "voice 14:00-20:00"),
    ("pode ligar, mas só depois das 14h", "voice 14:00-20:00"),
    ("prefiro que liguem à tarde", "voice 13:00-18:00"),
    ("prefiro contato por e-mail depois das 14h", "email 14:00-20:00"),
    ("Prefiro contato por WhatsApp, depois das 14h", "whatsapp 14:00-20:00"),
    ("prefiro e-mail, qualquer horário", "email any"),
    # what he does not want
    ("não me ligue", "-voice"),
    ("n me liguem mais", "-voice"),
    ("parem de me ligar", "-voice"),
    ("não me ligue de novo", "-voice"),
    ("nunca mais me ligue", "-voice"),
    ("sem ligações por favor", "-voice"),
    ("não quero ligações, só e-mail", "email -voice"),
    ("Não me ligue, prefiro WhatsApp", "whatsapp -voice"),
    ("não me mande SMS, prefiro e-mail", "email -sms"),
]
A_PERSONS = [
    "prefiro e-mail ou whatsapp", "prefiro e-mail: fulano@example.com", "prefiro pagar depois das 14h",
    "me liga às 15:30", "me liga amanhã de manhã", "só depois das 8", "só depois das 22h", "só depois das 8h da noite",
    "prefiro de manhã ou à noite", "não me ligue à tarde", "não prefiro e-mail", "não precisa ligar",
    "Prefiro e-mail. O gato subiu no telhado", "Não me ligue. O gato subiu no telhado", "aceito, prefiro e-mail",
    "se for ligar, só depois das 17h", "prefiro e-mail do meu contador",
    "só depois das 14h e antes das 10h",
]  # fmt: skip
NO_WISHES = [
    "manda o boleto por e-mail", "à tarde", "depois das 14h", "whatsapp", "por e-mail", "boa tarde", "pago de manhã",
    "não recebi o boleto por e-mail", "vou pagar amanhã de manhã", "já mandei o comprovante por whatsapp",
    "me liga por favor", "quero falar com um atendente", "até dia 10", "só dia 15", "", "bom dia",
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), UNDERSTOOD, ids=[text for text, _ in UNDERSTOOD])
def test_what_people_say_about_being_reached_is_understood(text: str, wanted: str) -> None:
    assert said(text) == wanted


@pytest.mark.parametrize("text", A_PERSONS)
def test_what_is_not_wholly_understood_is_a_persons(text: str) -> None:
    assert said(text) == "person"
    assert read(text).wish is None


@pytest.mark.parametrize("text", NO_WISHES)
def test_what_speaks_of_something_else_is_no_wish(text: str) -> None:
    assert said(text) == ""


@pytest.mark.parametrize(
    ("text", "kind", "wish"),
    [
        ("já paguei, prefiro e-mail", Kind.PAID, "email"),
        ("vou pagar dia 20, só me mande por WhatsApp", Kind.PROMISE, "whatsapp"),
        ("Não recebi a mercadoria. Não me ligue mais", Kind.NO_GOODS, "-voice"),
        ("estou sem dinheiro, me liga depois das 14h", Kind.REASON, "voice 14:00-20:00"),
        ("manda o boleto. Prefiro falar de manhã", Kind.SECOND_COPY, "08:00-12:00"),
    ],
)
def test_a_wish_beside_another_matter_keeps_both(text: str, kind: Kind, wish: str) -> None:
    assert read(text).of(kind) is not None
    assert said(text) == wish


@pytest.mark.parametrize(
    "text",
    [
        "SAIR",
        "não me mande mais sms",
        "não me ligue nem mande mensagem",
        "não me ligue, não me escreva",
        "prefiro e-mail, não me mande e-mail",
        "não quero receber e-mail",
        "prefiro e-mail\nnão me mande mais mensagens",
    ],
)
def test_whoever_refuses_more_than_calls_asks_for_silence(text: str) -> None:
    assert [intent.kind for intent in read(text).intents] == [Kind.STOP]


@pytest.mark.parametrize("text", ["só consigo pagar depois das 14h", "só vou pagar à tarde"])
def test_hours_of_a_payment_are_no_wish(text: str) -> None:
    assert said(text) == ""


@pytest.mark.parametrize("end", ["Tel: 11 90000-0000", "Loja Inventada - WhatsApp 11 90000-0000", "contas@example.com"])
def test_what_stands_under_a_message_is_no_doubt(end: str) -> None:
    reading = read(f"Já paguei ontem.\nFulana\n{end}")
    assert [intent.kind for intent in reading.intents] == [Kind.PAID]


def test_a_refusal_is_heard_also_where_the_rest_is_not_understood() -> None:
    assert read("Não me ligue. O gato subiu no telhado").refused == {"voice"}
    assert read("prefiro e-mail ou whatsapp").refused == frozenset()


@pytest.mark.parametrize(
    "text",
    ["não me liguem no trabalho", "não ligue para minha mãe", "não me ligue aos sábados", "parem de ligar pro vizinho",
     "Prefiro e-mail. Não me ligue para este número", "não me ligue hoje"],
)  # fmt: skip
def test_calls_refused_in_words_that_are_not_understood_stop_until_a_person_has_read_them(text: str) -> None:
    reading = read(text)
    assert (reading.refused, reading.wish, said(text)) == ({"voice"}, None, "person")
    assert reading.of(Kind.STOP) is None


def test_a_refusal_in_a_long_message_is_heard_and_the_message_is_a_persons() -> None:
    reading = read("Não me ligue mais. " + "E lembro também daquela outra conversa que tivemos na loja. " * 8)
    assert (reading.refused, reading.wish) == ({"voice"}, None)


def test_each_row_says_where_it_comes_from_and_its_example_speaks_of_being_reached() -> None:
    for row in table("wish_words"):
        assert row["source"]
        assert any(pattern.search(part) for pattern, _ in _patterns(row["kind"]) for part in clauses(row["example"]))
        assert said(row["example"]) not in ("", "person"), row["example"]


def test_the_day_is_the_one_that_the_law_leaves_everywhere_open() -> None:
    assert day_of_law() == (time(8), time(20))


# --- whatever comes --------------------------------------------------------------------------------------------------
_WORDS = [row["example"] for row in table("wish_words")] + [text for text, _ in UNDERSTOOD] + A_PERSONS
_MIXED = st.lists(
    st.sampled_from(
        [*_WORDS, "não", "nem", "das", "às", "até", "antes", "24h", "99h99", "0h", "7", "13:61", "meia", ","]
    ),
    max_size=6,
).map(" ".join)


def lawful(wish: Wish | None) -> bool:
    if wish is None or wish.hours is None:
        return True
    start, end = day_of_law()
    return start <= wish.hours[0] < wish.hours[1] <= end and parse_hours(hours_text(wish.hours)) == wish.hours


@given(st.text(max_size=400) | _MIXED)
@settings(max_examples=400, deadline=None)
def test_nothing_that_is_written_breaks_it_and_no_hour_is_unlawful(text: str) -> None:
    found = heard(clauses(text))
    assert lawful(found.wish)
    assert {*found.rest} <= {*clauses(text)}
    if found.wish is not None:
        assert found.wish.asks or found.wish.refused
        assert found.wish.channel not in found.wish.refused


@given(st.sampled_from(range(24)), st.sampled_from((0, 15, 30, 59)), st.sampled_from(range(24)))
def test_hours_of_the_clock_are_those_that_were_said_or_none(hour: int, minute: int, until: int) -> None:
    wish = read(f"só entre {hour}:{minute:02} e {until}h").wish
    if wish is not None and hour >= 8 and until >= 8:
        assert wish.hours == (max(time(hour, minute), time(8)), min(time(until), time(20)))
    if hour >= 20 or (hour >= 8 and 8 <= until <= hour):
        assert wish is None


@given(st.sampled_from([text for text, _ in UNDERSTOOD]), st.randoms(use_true_random=False))
def test_accents_and_capitals_change_nothing(text: str, chance: object) -> None:
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    mixed = "".join(char.upper() if chance.random() < 0.5 else char for char in text)  # type: ignore[attr-defined]
    spaced = re.sub(" ", "   ", text)
    assert said(text) == said(bare) == said(mixed) == said(spaced) == said(text.upper())
