"""The demo's people, as data: who does what with which invoice, after what, and how each story must end.

The acts of a story follow each other. An act begins when its sign stands in the book of the case and a number of days
have passed; `contact_sent:atraso-1` is the kind of an entry and what it is about. One sign comes from outside the book:
`notary:protocolled`, when the office has sent the debtor its own letter. A message counts as read only when the sandbox
has delivered it.

What is done is what a person types after `regua`; or `bank AMOUNT`, a payment that the bank reports in a file, and
`bank again` for the same line in another file; or what the debtor does himself with the message that the sign tells of:
`reply WORDS` by the way it came, `pix` to pay the code in it, `pix-unheard` where the bank's webhook stays silent. What
he presses in a call stands in the story. Words in braces are filled in at that moment:

    {number}     the invoice           {debt}       what the case asks for today, in reais
    {code}       the creditor's code   {day+7}      a week from today
    {reference}  the last payment      {task}       the task that the sign is about
    {phone}      his number            {approval}   the approval that the sign is about
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

CLERK = "ana.ficticia"


@dataclass(frozen=True)
class Person:
    """A member of staff: id, name, role, and what he may approve, in reais."""

    id: str
    name: str
    role: str
    limit: Decimal


STAFF = (
    Person(CLERK, "Ana Fictícia", "clerk", Decimal(0)),
    Person("bruno.modelo", "Bruno Modelo", "supervisor", Decimal(50_000)),
    Person("carla.exemplo", "Carla Exemplo", "supervisor", Decimal(50_000)),
    Person("davi.inventado", "Davi Inventado", "manager", Decimal(200_000)),
)


@dataclass(frozen=True)
class Act:
    """`days` calendar days after the sign `after` was written, `do` is done. A call only within office hours.

    Signs may be named with "or": a friendly step that is late is passed over for the next one.
    """

    after: str
    do: str
    days: int = 0

    @property
    def is_call(self) -> bool:
        """Does somebody's telephone ring?"""
        return self.do.startswith("log ") and " call " in self.do


@dataclass(frozen=True)
class Story:
    """What becomes of some invoices of one creditor. `ends` is the outcome, or `legal`.

    `signs` must stand in the books at the end, and documents of the kinds `papers` must have been made. `notary` is the
    fate of the title at the office (`sandbox.notary`). Calls are answered by `answers`, who presses `keys`
    (`sandbox.phones`).
    """

    title: str
    creditor: str
    numbers: tuple[str, ...]
    ends: str
    acts: tuple[Act, ...] = ()
    signs: tuple[str, ...] = ()
    notary: str = ""
    papers: tuple[str, ...] = ()
    answers: Literal["human", "machine"] = "human"
    keys: tuple[str, ...] = ()
    on_whatsapp: bool = True


def _log(channel: str, outcome: str) -> str:
    return f"log {{number}} {channel} {outcome} --creditor {{code}} --by {CLERK}"


def _reached(channel: str) -> str:
    return f"contact add {{number}} {channel} {{phone}} --source contrato --creditor {{code}} --by {CLERK}"


def _type(command: str, rest: str = "") -> str:
    return f"{command} {{number}} {rest} --creditor {{code}} --by {CLERK}"


def _letter(what: str, rest: str = "") -> str:
    """The letter of consent by way of the notaries' central (CENPROT), where it is signed and left."""
    return f"protest {what} {{number}} {rest} --way cenprot --creditor {{code}} --by davi.inventado"


PAY_ALL = "bank {debt}"
READ_LAST = "contact_sent:ultimo-aviso or notice_issued"
READ_OFFER = f"contact_sent:proposta or {READ_LAST}"
READ_FIRST = f"contact_sent:atraso-1 or contact_sent:atraso-2 or {READ_OFFER}"

CORRECTED = (
    "address --street 'Rua dos Exemplos, 1014, bloco B' --district Centro "
    "--city 'Belo Horizonte' --uf MG --cep 30110-000"
)

ANSWERED = f"task done {{task}} --outcome answered --by {CLERK}"
FIRST = "contact_sent:atraso-1"
"""The first word after the due date, by whatever channel the creditor's ladder takes."""
BY_SMS, BY_EMAIL = "contact_sent:sms", "contact_sent:email"
A_MESSAGE = "contact_sent:atraso-1 or contact_sent:atraso-2 or contact_sent:proposta or contact_sent:ultimo-aviso"
"""What can be answered."""
READ_AGAIN = f"contact_sent:ligacao or {A_MESSAGE}"
NOTED = f"note {{number}} visto --creditor {{code}} --by {CLERK}"
WROTE_HIS_WHATSAPP = Act("opened", _reached("whatsapp"))
WROTE_HIS_NUMBER = Act("opened", _reached("voice"))
"""The contract names the telephone, and that it may be used so."""
HIM, IT_IS_ME = "1", "993"
"""Keys in a call of Cometa: it is he who is asked for, and the first digits of his CNPJ."""

NEWS = f"news {{day}} --creditor {{code}} --by {CLERK}"
"""What the clerk types every morning, when the account of the day before has been read."""

HABITS = (
    Act("task_opened:step", _log("call", "no-answer")),
    Act("notice_issued", _log("letter", "delivered"), days=4),
    Act("approval_asked", "approve {approval}"),
    Act("task_opened:find-contact", f"task done {{task}} --outcome searched --by {CLERK}", days=1),
    Act("task_opened:approval-overdue", f"task done {{task}} --outcome reminded --by {CLERK}"),
    Act("task_opened:chase-cra", f"task done {{task}} --outcome called --by {CLERK}"),
    Act("task_opened:answer-debtor", ANSWERED),
    Act("task_opened:call-back", ANSWERED),
    Act("task_opened:receipt-missing", f"legal answer {{number}} acknowledged --creditor {{code}} --by {CLERK}"),
)
"""What staff and mail house do in every case, each time: a story that names the same sign does its own instead."""

STORIES = (
    Story(
        "paga depois do lembrete",
        "aurora",
        ("1001",),
        "paid",
        (Act(f"contact_sent:lembrete or {READ_FIRST}", PAY_ALL, days=1),),
        ("contact_sent:agradecimento-1",),
    ),
    Story(
        "paga depois do primeiro aviso; o banco informa duas vezes",
        "aurora",
        ("1002",),
        "paid",
        (Act(READ_FIRST, PAY_ALL, days=1), Act("payment", "bank again", days=1)),
        ("payment",),
    ),
    Story(
        "paga uma parte, depois o resto",
        "aurora",
        ("1003",),
        "paid",
        (Act(READ_FIRST, "bank 1600.00", days=1), Act("contact_sent:agradecimento-1", PAY_ALL, days=8)),
        ("payment", "contact_sent:agradecimento-1", "contact_sent:agradecimento-2"),
    ),
    Story(
        "promete por telefone e cumpre",
        "aurora",
        ("1004",),
        "paid",
        (
            Act("task_opened:step", _log("call", "promised")),
            Act("log:call", _type("promise", "{day+9}")),
            Act("promise", PAY_ALL, days=3),
        ),
        ("log:call", "promise"),
    ),
    Story(
        "promete e não cumpre; paga depois",
        "aurora",
        ("1005",),
        "paid",
        (Act(READ_FIRST, _type("promise", "{day+6}")), Act("promise_broken", PAY_ALL, days=5)),
        ("promise", "promise_broken"),
    ),
    Story(
        "contesta, com razão",
        "aurora",
        ("1006",),
        "dispute-upheld",
        (
            Act(READ_FIRST, _type("dispute", "--reason 'mercadoria devolvida'")),
            Act("dispute", _type("resolve", "--upheld"), days=4),
        ),
        ("dispute", "resolve"),
    ),
    Story(
        "contesta sem razão; vai ao jurídico",
        "aurora",
        ("1007",),
        "legal",
        (
            Act(READ_OFFER, _type("dispute", "--reason 'preço diferente do pedido'")),
            Act("dispute", _type("resolve", "--rejected"), days=3),
        ),
        ("dispute", "resolve", "title_registered"),
    ),
    Story(
        "pede que não escrevam mais; só carta, cartório, jurídico",
        "aurora",
        ("1008",),
        "legal",
        (Act(READ_FIRST, _type("opt-out", "--channel electronic")),),
        ("opt_out", "notice_issued", "title_registered"),
    ),
    Story(
        "o e-mail volta; paga pelo SMS",
        "aurora",
        ("1009",),
        "paid",
        (Act(READ_FIRST, PAY_ALL, days=1),),
        ("contact_failed:email", "contact_sent:sms"),
    ),
    Story(
        "paga depois da notificação",
        "aurora",
        ("1010",),
        "paid",
        (Act("notice_issued", PAY_ALL, days=5),),
        ("notice_issued", "notice_proved"),
    ),
    Story(
        "notificação não entregue, liberada por dois",
        "aurora",
        ("1011",),
        "legal",
        (Act("notice_issued", _log("letter", "returned"), days=4),),
        ("notice_undeliverable", "notice_released", "title_registered"),
    ),
    Story("paga no cartório", "aurora", ("1012",), "paid-at-notary", (), ("title_confirmed",), notary="paid"),
    Story(
        "paga durante o tríduo; título retirado",
        "aurora",
        ("1013",),
        "paid",
        (Act("notary:protocolled", PAY_ALL),),
        ("title_confirmed", "withdrawal_queued", "title_withdrawn"),
    ),
    Story(
        "devolvido com irregularidade, corrigido, protestado",
        "aurora",
        ("1014",),
        "legal",
        (
            Act("task_opened:correct-title", _type("contact add", CORRECTED)),
            Act("task_opened:correct-title", f"task done {{task}} --outcome corrected --by {CLERK}", days=1),
        ),
        ("title_returned", "contact_data:letter", "title_registered"),
        notary="irregular-then-ok:06",
    ),
    Story("protestado, vai ao jurídico", "aurora", ("1015",), "legal", (), ("title_registered", "handed_over")),
    Story(
        "paga depois do protesto; carta de anuência",
        "aurora",
        ("1016",),
        "paid",
        (
            Act("title_registered", PAY_ALL, days=4),
            Act("task_opened:sign-consent", "protest consent {number} --creditor {code} --by davi.inventado"),
            Act("task_opened:sign-consent", _letter("signed", "--signatory diretora"), days=1),
            Act("consent_signed", _letter("delivered")),
        ),
        ("title_registered", "task_opened:sign-consent", "consent_signed", "consent_delivered"),
        papers=("consent",),
    ),
    Story(
        "nota cancelada",
        "aurora",
        ("1017",),
        "void",
        (Act(READ_FIRST, _type("void", "--reason 'nota cancelada e emitida de novo'"), days=1),),
        ("void",),
    ),
    Story(
        "pagamento estornado; paga de novo",
        "aurora",
        ("1018",),
        "paid",
        (
            Act(READ_FIRST, PAY_ALL, days=1),
            Act("closed:paid", _type("reverse", "{reference}"), days=6),
            Act(f"contact_sent:aviso:pagamento-estornado-0 or {READ_LAST}", PAY_ALL, days=1),
        ),
        ("reverse", "reopened"),
    ),
    Story(
        "duas faturas de um devedor, uma mensagem",
        "aurora",
        ("1019", "1020"),
        "paid",
        (Act(READ_FIRST, PAY_ALL, days=2),),
        ("contact_sent:covered",),
    ),
    Story(
        "paga depois da ligação (Manaus)",
        "aurora",
        ("1021",),
        "paid",
        (Act("task_opened:step", _log("call", "will-pay")), Act("log:call", PAY_ALL, days=2)),
        ("log:call",),
    ),
    Story(
        "consumidor paga depois do primeiro aviso",
        "boreal",
        ("2001",),
        "paid",
        (Act(READ_FIRST, PAY_ALL, days=2),),
    ),
    Story(
        "consumidor não responde; o credor desiste",
        "boreal",
        ("2002",),
        "written-off",
        (Act("task_opened:ladder-finished", _type("write-off", "--reason 'valor não compensa'"), days=1),),
        ("log:call",),
    ),
    Story("paga depois da proposta", "boreal", ("2003",), "paid", (Act(READ_OFFER, PAY_ALL, days=1),)),
    Story("carteira antiga: paga no primeiro aviso", "boreal", ("2101",), "paid", (Act(READ_FIRST, PAY_ALL, days=2),)),
    Story(
        "carteira antiga: promete uma parte e cumpre; paga o resto",
        "boreal",
        ("2102",),
        "paid",
        (
            Act(READ_FIRST, _type("promise", "{day+8} --amount 500,00")),
            Act("promise", "bank 500.00", days=3),
            Act("promise_kept", PAY_ALL, days=6),
        ),
        ("promise", "promise_kept"),
    ),
    Story(
        "carteira antiga: consumidor paga depois da proposta",
        "boreal",
        ("2103",),
        "paid",
        (Act(READ_OFFER, PAY_ALL, days=1),),
    ),
    Story(
        "carteira antiga: protestado, vai ao jurídico",
        "boreal",
        ("2104",),
        "legal",
        (),
        ("release", "title_registered", "handed_over"),
    ),
    Story(
        "carteira antiga: duas faturas, uma mensagem",
        "boreal",
        ("2105", "2106"),
        "paid",
        (Act(READ_FIRST, PAY_ALL, days=2),),
        ("contact_sent:covered",),
    ),
    # --- what debtors write back: by e-mail and SMS ------------------------------------------------------------------
    Story(
        "responde que já pagou; o pagamento aparece no dia seguinte",
        "aurora",
        ("1022",),
        "paid",
        (Act(A_MESSAGE, "reply Já paguei ontem pelo banco."), Act("claim", PAY_ALL, days=1)),
        ("reply:already-paid", "claim:reply", "task_opened:payment-claimed"),
    ),
    Story(
        "responde com um dia, e paga",
        "aurora",
        ("1023",),
        "paid",
        (Act(A_MESSAGE, "reply Pago em 5 dias."), Act("promise", PAY_ALL, days=3)),
        ("reply:promise", "promise:reply"),
    ),
    Story(
        "pede a segunda via; paga pelo código Pix",
        "aurora",
        ("1024",),
        "paid",
        (
            Act(A_MESSAGE, "reply Por favor, me mande a segunda via do boleto."),
            Act("contact_sent:resposta-segunda-via", "pix", days=1),
        ),
        ("reply:second-copy", "contact_sent:resposta-segunda-via", "payment:pix"),
    ),
    Story(
        "não recebeu o boleto; paga por Pix, que só a consulta ao banco descobre",
        "aurora",
        ("1025",),
        "paid",
        (Act(A_MESSAGE, "reply Não recebi o boleto."), Act("contact_sent:resposta-segunda-via", "pix-unheard")),
        ("reply:no-invoice", "payment:pix"),
    ),
    Story(
        "não recebeu a mercadoria, com razão",
        "aurora",
        ("1026",),
        "dispute-upheld",
        (Act(A_MESSAGE, "reply Não recebi a mercadoria."), Act("dispute", _type("resolve", "--upheld"), days=3)),
        ("reply:no-goods", "dispute:reply", "contact_sent:contestacao-recebida"),
    ),
    Story(
        "contesta o valor sem razão; paga",
        "aurora",
        ("1027",),
        "paid",
        (
            Act(A_MESSAGE, "reply O valor está errado."),
            Act("dispute", _type("resolve", "--rejected"), days=2),
            Act("resolve", PAY_ALL, days=3),
        ),
        ("reply:wrong-amount", "dispute:reply"),
    ),
    Story(
        "quer uma pessoa; contesta só uma parte, com razão; paga o resto",
        "aurora",
        ("1028",),
        "paid",
        (
            Act(A_MESSAGE, "reply Quero falar com alguém."),
            Act("task_opened:answer-debtor", ANSWERED),
            Act("task_done", _type("dispute", "--amount 400,00 --explained --reason 'uma peça faltou na entrega'")),
            Act("dispute", _type("resolve", "--upheld"), days=2),
            Act("resolve", PAY_ALL, days=1),
        ),
        ("reply:wants-a-person", "task_opened:answer-debtor", "dispute", "resolve", "payment"),
    ),
    Story(
        "não reconhece a compra, com razão",
        "aurora",
        ("1029",),
        "dispute-upheld",
        (Act(A_MESSAGE, "reply Não reconheço essa compra."), Act("dispute", _type("resolve", "--upheld"), days=3)),
        ("reply:not-mine", "dispute:reply"),
    ),
    Story(
        "diz que não deve; perguntado por quê, explica; sem razão, paga",
        "aurora",
        ("1030",),
        "paid",
        (
            Act(A_MESSAGE, "reply Não devo nada a vocês."),
            Act("contact_sent:contestacao-pergunta", "reply Devolvi a mercadoria no mesmo dia."),
            Act("dispute_explained", _type("resolve", "--rejected"), days=2),
            Act("resolve", PAY_ALL, days=2),
        ),
        ("reply:denies", "contact_sent:contestacao-pergunta", "dispute_explained"),
    ),
    Story(
        "responde SAIR; paga depois da carta",
        "aurora",
        ("1031",),
        "paid",
        (Act(f"{BY_SMS} or contact_sent:ultimo-aviso", "reply SAIR"), Act("notice_issued", PAY_ALL, days=5)),
        ("reply:stop", "opt_out:electronic", "notice_issued"),
    ),
    Story(
        "pede por e-mail que não escrevam mais; paga depois da carta",
        "aurora",
        ("1032",),
        "paid",
        (Act(A_MESSAGE, "reply Não me mandem mais mensagens."), Act("notice_issued", PAY_ALL, days=6)),
        ("reply:stop", "opt_out:electronic", "notice_issued"),
    ),
    Story(
        "o número é de outra pessoa; paga pelo e-mail",
        "aurora",
        ("1033",),
        "paid",
        (Act(BY_SMS, "reply Número errado."), Act("contact_sent:email", PAY_ALL, days=1)),
        ("reply:wrong-person", "contact_failed:sms"),
    ),
    Story(
        "escreve o que ninguém entende; uma pessoa responde; paga",
        "aurora",
        ("1034",),
        "paid",
        (
            Act(A_MESSAGE, "reply O cachorro do vizinho late a noite inteira."),
            Act("task_opened:answer-debtor", ANSWERED, days=1),
            Act("task_done", PAY_ALL, days=1),
        ),
        ("reply:unclear", "task_opened:answer-debtor"),
    ),
    Story(
        "consumidora superendividada; uma advogada examina; paga",
        "boreal",
        ("2004",),
        "paid",
        (
            Act(A_MESSAGE, "reply Estou superendividada."),
            Act("hold", _type("lift", "--kind over-indebted"), days=5),
            Act("lift", PAY_ALL, days=4),
        ),
        ("reply:over-indebted", "hold:over-indebted", "lift"),
    ),
    # --- WhatsApp, calls, plans --------------------------------------------------------------------------------------
    Story(
        "pede parcelas pelo WhatsApp, aceita o acordo, paga todas por Pix",
        "cometa",
        ("3001",),
        "settled",
        (
            WROTE_HIS_WHATSAPP,
            Act(FIRST, "reply Dá para parcelar?"),
            Act("contact_sent:acordo-proposto", "reply ACEITO"),
            Act("contact_sent:acordo-confirmado", "pix", days=1),
            Act("contact_sent:parcela-lembrete.1", "pix", days=1),
            Act("contact_sent:parcela-lembrete.2", "pix", days=1),
        ),
        (
            "contact_sent:whatsapp",
            "reply:whatsapp",
            "reply:wants-instalments",
            "plan_offered",
            "reply:accepts-offer",
            "plan:reply",
            "payment:pix",
            "plan_completed",
        ),
        papers=("agreement",),
    ),
    Story(
        "não está no WhatsApp; aceita um acordo, paga só a entrada; volta à régua e paga",
        "cometa",
        ("3002",),
        "paid",
        (
            WROTE_HIS_WHATSAPP,
            Act(BY_SMS, "reply Posso pagar em 2x?"),
            Act("contact_sent:acordo-proposto", "reply Aceito a proposta."),
            Act("contact_sent:acordo-confirmado", "pix", days=1),
            Act("plan_broken", NOTED),
            Act(READ_AGAIN, PAY_ALL, days=1),
        ),
        (
            "contact_failed:whatsapp",
            "contact_sent:sms",
            "reply:sms",
            "plan:reply",
            "plan_broken",
            "contact_sent:acordo-quebrado",
        ),
        on_whatsapp=False,
    ),
    Story(
        "explica o atraso pelo WhatsApp, combina um dia, e paga",
        "cometa",
        ("3003",),
        "paid",
        (
            WROTE_HIS_WHATSAPP,
            Act(FIRST, "reply Estou sem dinheiro agora."),
            Act("contact_sent:resposta-combinar", "reply Pago em 4 dias."),
            Act("promise", PAY_ALL, days=2),
        ),
        ("reply:reason-of-delay", "contact_sent:resposta-combinar", "reply:promise", "promise:reply"),
    ),
    Story(
        "ligação: tecla 1, já pagou; o banco confirma",
        "cometa",
        ("3004",),
        "paid",
        (
            WROTE_HIS_NUMBER,
            Act("claim", PAY_ALL, days=1),
        ),
        ("contact_sent:voice", "claim:phone"),
        keys=(HIM, IT_IS_ME, "1"),
    ),
    Story(
        "ligação: tecla 2, promete e cumpre",
        "cometa",
        ("3005",),
        "paid",
        (
            WROTE_HIS_NUMBER,
            Act("promise", PAY_ALL, days=3),
        ),
        ("contact_sent:voice", "promise:phone"),
        keys=(HIM, IT_IS_ME, "2", "05"),
    ),
    Story(
        "ligação: tecla 9, não ligar mais; paga pelo e-mail",
        "cometa",
        ("3006",),
        "paid",
        (WROTE_HIS_NUMBER, Act("opt_out", NOTED), Act(BY_EMAIL, PAY_ALL)),
        ("contact_sent:voice", "opt_out:voice", "contact_sent:email"),
        keys=("9",),
    ),
    Story(
        "ligação: secretária eletrônica, nada é dito; prefere e-mail, e paga",
        "cometa",
        ("3007",),
        "paid",
        (
            WROTE_HIS_NUMBER,
            Act("contact_failed:voice or contact_sent:voice", NOTED),
            Act(BY_EMAIL, "reply Prefiro que me escrevam por e-mail."),
            Act("reply", PAY_ALL, days=1),
        ),
        ("contact_sent:email", "reply:prefers"),
        answers="machine",
    ),
    Story(
        "ligação: tecla 3, uma pessoa liga de volta; paga",
        "cometa",
        ("3008",),
        "paid",
        (WROTE_HIS_NUMBER, Act("task_opened:call-back", ANSWERED), Act("task_done", PAY_ALL, days=1)),
        ("contact_sent:voice", "reply:voice", "task_opened:call-back"),
        keys=(HIM, IT_IS_ME, "3"),
    ),
    Story(
        "agradece pelo WhatsApp, e paga",
        "cometa",
        ("3009",),
        "paid",
        (WROTE_HIS_WHATSAPP, Act(FIRST, "reply Ok, obrigado!"), Act("reply", PAY_ALL, days=2)),
        ("contact_sent:whatsapp", "reply:thanks"),
    ),
)
