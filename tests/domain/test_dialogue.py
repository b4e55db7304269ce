"""What debtors write, and what is understood: table-driven, with the words in which people really write."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.data import table
from domain.dialogue import Kind, Mail, automatic, own_words, understand
from domain.dialogue.mail import LONGEST
from domain.dialogue.normal import clauses
from domain.dialogue.when import amount_in, day_in

TUESDAY = date(2026, 3, 10)
STOP_WORDS = [row["pattern"] for row in table("stop_words") if row["kind"] == "word"]


def kinds(text: str, today: date = TUESDAY, subject: str = "") -> set[str]:
    return {str(intent.kind) for intent in understand(text, today, subject).sure}


# --- the tables ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", table("reply_words"), ids=lambda row: row["example"])
def test_every_pattern_understands_its_own_example(row: dict[str, str]) -> None:
    intents = {str(intent.kind): intent.confidence for intent in understand(row["example"], TUESDAY).intents}
    assert intents[row["intent"]] == float(row["weight"])
    assert row["source"]


@pytest.mark.parametrize("row", table("stop_words"), ids=lambda row: row["example"])
def test_every_stop_of_the_table_stops(row: dict[str, str]) -> None:
    assert kinds(row["example"]) == {"stop"}


def test_every_intent_that_words_can_say_has_words() -> None:
    assert {row["intent"] for row in table("reply_words")} == {*map(str, Kind)} - {"stop", "prefers"}


# --- messages --------------------------------------------------------------------------------------------------------
UNDERSTOOD = [
    # already paid
    ("já paguei", {"already-paid"}),
    ("JÁ PAGUEI ESSA FATURA ONTEM!!!", {"already-paid"}),
    ("ja pagei", {"already-paid"}),
    ("jah pg", {"already-paid"}),
    ("Boa tarde, segue o comprovante de pagamento.", {"already-paid"}),
    ("Não, já paguei.", {"already-paid"}),
    ("Bom dia! O boleto foi pago no dia 05/03, favor verificar", {"already-paid"}),
    ("nao devo nada, ja quitei tudo", {"already-paid", "denies"}),
    ("paguei dia 10", {"already-paid"}),
    ("Tá pago", {"already-paid"}),
    ("não paguei", set()),
    ("Ainda não paguei", set()),
    ("eu não sei se já paguei", set()),
    ("paguei não", set()),
    ("nao foi pago ainda", set()),
    ("vocês pagaram o frete?", set()),
    # promises
    ("vou pagar dia 20", {"promise"}),
    ("pago amanhã sem falta", {"promise"}),
    ("Amanhã eu pago", {"promise"}),
    ("pg sexta", {"promise"}),
    ("dia 15", {"promise"}),
    ("só dia 15", {"promise"}),
    ("Estou sem dinheiro, só dia 20", {"reason-of-delay", "promise"}),
    ("consigo pagar até sexta-feira", {"promise"}),
    ("não vou pagar", set()),
    ("não posso pagar dia 20", {"reason-of-delay"}),
    ("não prometo nada", set()),
    # instalments, acceptance
    ("da pra parselar?", {"wants-instalments"}),
    ("Posso pagar em 3x?", {"wants-instalments"}),
    ("quero renegociar", {"wants-instalments"}),
    ("não quero parcelar", set()),
    ("ACEITO", {"accepts-offer"}),
    ("aceto", {"accepts-offer"}),
    ("Aceito a proposta, obrigada.", {"accepts-offer"}),
    ("não aceito", set()),
    ("aceito se tirar os juros", set()),
    ("Aceito, mas em 5x", {"wants-instalments"}),
    ("vocês aceitam cartão?", set()),
    ("sim", set()),
    # copies
    ("manda o boleto pfv", {"second-copy"}),
    ("me envia a 2ª via", {"second-copy"}),
    ("Não recebi o boleto, pode reenviar?", {"no-invoice"}),
    ("qual a chave pix?", {"second-copy"}),
    # disputes
    ("Não recebi a mercadoria", {"no-goods"}),
    ("o produto veio quebrado e ninguém resolve", {"no-goods"}),
    ("o valor está errado", {"wrong-amount"}),
    ("não devo nada para vocês", {"denies"}),
    ("Nunca comprei nada de vocês", {"not-mine"}),
    ("não reconheço essa cobrança", {"not-mine"}),
    ("recebi a mercadoria, tudo certo", {"thanks"}),
    # reasons, over-indebtedness
    ("perdi meu emprego, está difícil", {"reason-of-delay"}),
    ("meu cliente não me pagou", {"reason-of-delay"}),
    ("Estou superendividada", {"over-indebted"}),
    ("peço os direitos da lei 14.181/2021", {"over-indebted"}),
    # persons
    ("quero falar com um atendente", {"wants-a-person"}),
    ("me liga por favor", {"wants-a-person"}),
    # strangers
    ("número errado", {"wrong-person"}),
    ("Esse telefone não é mais dele", {"wrong-person"}),
    ("não conheço essa pessoa", {"wrong-person"}),
    ("não conheço essa dívida", set()),
    # courtesies, and what nobody understands
    ("ok, obrigado", {"thanks"}),
    ("Bom dia", {"thanks"}),
    ("👍", set()),
    ("", set()),
    ("o gato subiu no telhado da vizinha", set()),
    ("ok mas e a nota fiscal que combinamos de trocar aquele dia", set()),
]


@pytest.mark.parametrize(("text", "wanted"), UNDERSTOOD, ids=[text for text, _ in UNDERSTOOD])
def test_what_people_write_is_understood(text: str, wanted: set[str]) -> None:
    assert kinds(text) == wanted


STOPS = [
    "SAIR", "sair", "Sair.", "  s a i r".replace(" ", ""), "SAIR!!!", "Parar", "CANCELAR", "Stop", "quero sair",
    "Sair por favor", "bom dia, gostaria de sair", "SAIR SAIR SAIR", "não me mande mais mensagens",
    "Nao me envie mais nada!", "naum mi mande mais msg".replace("mi", "me"), "n me ligue nem escreva mais",
    "pare de me cobrar", "me tira dessa lista", "Remova meu número", "não quero mais receber mensagens",
    "já paguei, não me perturbe", "vou pagar dia 10 mas parem de mandar mensagem", "unsubscribe",
    "SAIR\n\nFulano de Tal\nDiretor Financeiro\nEmpresa Inventada",
]  # fmt: skip


@pytest.mark.parametrize("text", STOPS)
def test_whoever_asks_for_silence_is_heard_and_nothing_else_is(text: str) -> None:
    assert kinds(text) == {"stop"}


@pytest.mark.parametrize(
    "text",
    [
        "vou sair de férias e pago dia 20",
        "quero cancelar a compra",
        "cancelei o pedido",
        "não quero receber o boleto por carta",
        "preciso parar para ver isso",
        "para quando é o vencimento?",
        "não recebi mais mensagens do pedido",
    ],
)
def test_a_stop_word_inside_another_sentence_stops_nothing(text: str) -> None:
    assert "stop" not in kinds(text)


def test_a_stop_in_the_subject_of_an_empty_mail_stops() -> None:
    assert kinds("", subject="Re: SAIR") == {"stop"}
    assert kinds("", subject="Re: Mensagem de Credora ref. 7K2Q9A") == set()


def test_a_stranger_who_also_claims_to_have_paid_is_a_stranger() -> None:
    assert kinds("número errado, já paguei todas as minhas contas") == {"wrong-person"}


# --- what he did not write -------------------------------------------------------------------------------------------
OURS = "Para não receber mais mensagens: responda SAIR.\nPara aceitar, responda ACEITO. Já pagou? Obrigado."
QUOTES = [
    f"Em ter., 10 de mar. de 2026 às 09:12, Credora <contas@credora.example.com> escreveu:\n> {OURS}",
    f"Em ter., 10 de mar. de 2026 às 09:12, Credora Fictícia Ltda\n<contas@credora.example.com> escreveu:\n\n{OURS}",
    f"On Tue, Mar 10, 2026 at 9:12 AM Credora <x@example.com> wrote:\n> {OURS}",
    f"-----Mensagem original-----\nDe: Credora\n{OURS}",
    f"________________________________\nDe: Credora <x@example.com>\nEnviado: terça\n{OURS}",
    f"De: Credora <contas@credora.example.com>\nPara: fulano@example.com\n{OURS}",
]
SIGNATURES = [
    "--\nFulano\nSAIR", "Enviado do meu iPhone", "Atenciosamente,\nFulano\nJá paguei Contabilidade", "Att,\nSAIR"
]  # fmt: skip


@pytest.mark.parametrize("quote", QUOTES)
def test_quoted_history_says_nothing(quote: str) -> None:
    assert kinds(f"Vou pagar dia 20.\n\n{quote}") == {"promise"}
    assert own_words(f"Bom dia\n\n{quote}") == "Bom dia"


@pytest.mark.parametrize("signature", SIGNATURES)
def test_signatures_say_nothing(signature: str) -> None:
    assert kinds(f"Vou pagar dia 20.\n\n{signature}") == {"promise"}


def test_an_answer_under_the_quoted_text_is_read() -> None:
    assert kinds(f"> {OURS}\n> mais uma linha\n\nJá paguei ontem") == {"already-paid"}


@pytest.mark.parametrize(
    "mail",
    [
        Mail({"auto-submitted": "auto-replied"}, envelope_from="x@example.com"),
        Mail({"precedence": "auto_reply"}, envelope_from="x@example.com"),
        Mail({"x-autoreply": "yes"}, envelope_from="x@example.com"),
        Mail({"content-type": "multipart/report; report-type=delivery-status"}, envelope_from="x@example.com"),
        Mail({}, "Resposta automática: Mensagem de Credora", "x@example.com"),
        Mail({}, "Undeliverable: Mensagem", "x@example.com"),
        Mail({}, "oi", "MAILER-DAEMON@example.com"),
        Mail({}, "oi", ""),
    ],
)
def test_machines_are_told_from_people(mail: Mail) -> None:
    assert automatic(mail)


@pytest.mark.parametrize(
    "mail",
    [
        Mail({"auto-submitted": "no"}, "Re: Mensagem de Credora ref. 7K2Q9A", "fulano@example.com"),
        Mail({"auto-submitted": "no; comment"}, "x", "fulano@example.com"),
        Mail({"precedence": "normal", "content-type": "text/plain"}, "Enviei a lida", "fulano@example.com"),
    ],
)
def test_people_are_not_taken_for_machines(mail: Mail) -> None:
    assert not automatic(mail)


# --- days and amounts ------------------------------------------------------------------------------------------------
DAYS = [
    ("dia 10", date(2026, 3, 10)),
    ("dia 15", date(2026, 3, 15)),
    ("dia 5", date(2026, 4, 5)),
    ("dia 31", date(2026, 3, 31)),
    ("hoje", TUESDAY),
    ("amanhã", date(2026, 3, 11)),
    ("depois de amanhã", date(2026, 3, 12)),
    ("sexta", date(2026, 3, 13)),
    ("sexta-feira", date(2026, 3, 13)),
    ("terça", date(2026, 3, 17)),
    ("segunda que vem", date(2026, 3, 16)),
    ("próxima segunda", date(2026, 3, 16)),
    ("sexta que vem", None),
    ("10/12", date(2026, 12, 10)),
    ("10/12/2026", date(2026, 12, 10)),
    ("10-12-26", date(2026, 12, 10)),
    ("05/01", date(2026, 1, 5)),
    ("20 de abril", date(2026, 4, 20)),
    ("1 de jan de 2027", date(2027, 1, 1)),
    ("em 5 dias", date(2026, 3, 15)),
    ("daqui a três dias úteis", date(2026, 3, 13)),
    ("5º dia útil", date(2026, 4, 8)),
    ("quinto dia útil", date(2026, 4, 8)),
    ("fim do mês", date(2026, 3, 31)),
    ("semana que vem", None),
    ("mês que vem", None),
    ("quando eu receber", None),
    ("dia 10 ou 15", None),
    ("dia 10 e dia 20", None),
    ("31/02", None),
    ("dia 45", None),
    ("segunda via", None),
    ("sexta parcela", None),
    ("hoje não, dia 20", date(2026, 3, 20)),
]


@pytest.mark.parametrize(("text", "wanted"), DAYS)
def test_days_are_found_as_people_write_them(text: str, wanted: date | None) -> None:
    day = day_in(clauses(f"pago {text}"), TUESDAY)
    assert day.on == (wanted if wanted is None or wanted >= TUESDAY else None)


def test_a_day_and_month_long_past_are_next_years() -> None:
    assert day_in(clauses("pago 05/01"), date(2026, 12, 28)).on == date(2027, 1, 5)
    assert day_in(clauses("pago dia 31"), date(2027, 1, 31)).on == date(2027, 1, 31)


AMOUNTS = [
    ("500 reais", "500.00"),
    ("R$ 500", "500.00"),
    ("r$500,00", "500.00"),
    ("R$ 1.234,56", "1234.56"),
    ("1.500 reais", "1500.00"),
    ("2 mil", "2000.00"),
    ("2 mil reais", "2000.00"),
    ("350,50", "350.50"),
    ("R$ 100 agora e R$ 200 depois", None),
    ("dia 10", None),
    ("10/12/2026", None),
    ("fatura 1234", None),
    ("R$ 0,00", None),
]


@pytest.mark.parametrize(("text", "wanted"), AMOUNTS)
def test_amounts_are_found_as_people_write_them(text: str, wanted: str | None) -> None:
    assert amount_in(clauses(text)) == (Decimal(wanted) if wanted else None)


def test_a_promise_carries_its_day_and_amount() -> None:
    promise = understand("vou pagar R$ 500,00 dia 20", TUESDAY).of(Kind.PROMISE)
    assert promise is not None
    assert (promise.on, promise.amount) == (date(2026, 3, 20), Decimal("500.00"))


def test_how_many_instalments_he_asks_for_is_kept() -> None:
    wish = understand("da pra fazer em 4 vezes?", TUESDAY).of(Kind.INSTALMENTS)
    assert wish is not None
    assert wish.instalments == 4


def test_a_long_message_is_for_a_person() -> None:
    assert kinds("Vou pagar dia 20. " + "E lembro também daquela outra conversa que tivemos na loja. " * 8) == set()


# --- whatever comes --------------------------------------------------------------------------------------------------
@given(st.text(max_size=3000), st.text(max_size=100), st.dates(date(2020, 1, 1), date(2099, 12, 31)))
@settings(max_examples=300, deadline=None)
def test_nothing_that_is_written_breaks_it(text: str, subject: str, today: date) -> None:
    reading = understand(text, today, subject)
    assert all(0 < intent.confidence <= 1 for intent in reading.intents)
    promise = reading.of(Kind.PROMISE)
    assert promise is None or promise.on is None or promise.on >= today


_PIECES = st.sampled_from(
    [row["example"] for row in table("reply_words")] + ["não", "dia 10", "R$ 500", "sexta", "mas", ",", "\n", "já"]
)


@given(st.lists(_PIECES, max_size=12), st.dates(date(2020, 1, 1), date(2099, 12, 31)))
@settings(max_examples=200, deadline=None)
def test_no_mixture_of_words_breaks_it(pieces: list[str], today: date) -> None:
    reading = understand(" ".join(pieces), today)
    assert len({intent.kind for intent in reading.intents}) == len(reading.intents)


_AROUND = st.text(alphabet=" .!?,;:-*_\t\n\r\"'()👍…", max_size=8)


@given(st.sampled_from(STOP_WORDS), _AROUND, _AROUND, st.randoms(use_true_random=False))
def test_a_stop_word_alone_always_stops(word: str, before: str, after: str, chance: object) -> None:
    written = "".join(char.upper() if chance.random() < 0.5 else char for char in word)  # type: ignore[attr-defined]
    assert kinds(f"{before}{written}{after}") == {"stop"}


@pytest.mark.parametrize("piece", ["nao ", "pago dia ", "em a\n", "> x\n", "1.", "a", "r$ 1.000", "_", "paguei "])
def test_the_longest_message_takes_no_longer_than_a_short_one_of_its_size_limit(piece: str) -> None:
    began = time.perf_counter()
    understand(piece * 500_000, TUESDAY)
    assert time.perf_counter() - began < 1.0
    assert LONGEST <= 16_000


def test_the_heading_of_a_quotation_is_not_his_word() -> None:
    assert own_words("Prefiro e-mail.\n\nMensagem original:\n> Olá\n> Fatura 1") == "Prefiro e-mail."
