"""What is said on the telephone, by machine or person, held to the promise of every message (CDC arts. 42 and 42-A).

Whoever answers hears nothing of a debt before he has proved who he is (LGPD art. 6 III); after that the debtor hears
what every message holds.
"""

from __future__ import annotations

import re

from domain.ivr import AFTER_PROOF, Line
from domain.money import format_brl
from letters import pt, views
from letters.checks import FIRM, holds, phrases, plain_of, shows_debt
from letters.models import MessageData
from letters.voice import SCRIPT, Names, words

STOP = "tecle 9"
"""How a call is ended, with all later ones (`domain.ivr.STOP_KEY`)."""
THE_MATTER = "O ASSUNTO"
"""The heading of a script below which the debt may be named."""
_ASKING = (Line.PERSON, Line.IDENTITY, Line.MENU)
"""Lines that wait for a key: each says how to end this call and all later ones."""
_QUOTED = re.compile(r'"([^"]+)"')


def check_call(data: MessageData, names: Names, said: str) -> list[str]:
    """What is wrong with a call by a machine; `said` is its matter. Nothing wrong, nothing said."""
    faults = []
    for line in sorted(set(Line) - AFTER_PROOF):
        heard = plain_of(words(line, names, said))
        if shows_debt(heard, data) or FIRM.search(heard):
            faults.append(f"line {line}: it hints at a debt before the debtor has proved who he is")
    asks = [line for line in _ASKING if not holds(plain_of(words(line, names, said)), [STOP])]
    faults += [f"line {line}: how to stop is missing" for line in asks]
    faults += [f"line {Line.MATTER}: {fault}" for fault in _matter(data, said)]
    return [f"{SCRIPT} (voice): {fault}" for fault in faults]


def check_script(text_id: str, data: MessageData, text: str) -> list[str]:
    """What is wrong with the script of a person who calls. Only what he reads aloud (in quotes) is held to the tone."""
    before, _, after = text.partition(THE_MATTER)
    faults = _matter(data, text)
    if any(shows_debt(said, data) for said in _QUOTED.findall(before)):
        faults.append("a debt is named before the debtor has proved who he is")
    for said in _QUOTED.findall(after):
        faults += phrases(said, data)
    return [f"{text_id} (call): {fault}" for fault in dict.fromkeys(faults)]


def _matter(data: MessageData, text: str) -> list[str]:
    plain = plain_of(text)
    creditor, rows = data.creditor, [views.row(invoice) for invoice in data.invoices]
    wanted: list[tuple[str, list[str]]] = [
        ("the creditor's name", [creditor.name]),
        ("the creditor's CPF or CNPJ", [pt.document(creditor.document)]),
        ("the creditor's address", [creditor.address_line, f"{creditor.city}/{creditor.uf}", pt.cep(creditor.cep)]),
        ("the origin of a debt", [piece for row in rows for piece in (row.title, row.origin, row.due)]),
        ("an original amount", [f"valor original {row.original}" for row in rows]),
        ("an added item by name", [f"{line.name} {line.amount}" for row in rows for line in row.lines]),
        ("how to pay", [data.how.pay]),
        ("how to dispute", [views.reach(creditor)]),
        ("the reference by which it is found again", [data.short_ref]),
        ("how to check that it is genuine", [data.how.verify]),
    ]
    if len(rows) > 1:
        wanted.append(("the total", [format_brl(views.total(data.invoices))]))
    faults = [f"{item} is missing" for item, pieces in wanted if not holds(plain, pieces)]
    return faults if THE_MATTER in text else [*faults, *phrases(text, data)]
