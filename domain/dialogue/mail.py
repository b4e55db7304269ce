"""What a reply is before it is read: whether a person wrote it, and which part of it is his own.

Headers of automatic mail: RFC 3834 section 5, RFC 3464 (delivery reports), and what mail programs add beside them; the
list, with its sources, is `domain/data/automatic_mail.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.data import table

LONGEST = 16_000
"""Characters of a message that are looked at; people write far less, and machines shall not keep us busy."""

_QUOTE = (
    re.compile(r"^\s*>"),
    re.compile(r"^\s*(?:mensagem original|original message)\s*:?\s*$", re.I),
    re.compile(r"^\s*-{2,}\s*(?:mensagem original|original message|mensagem encaminhada|forwarded message)", re.I),
    re.compile(r"^\s*_{10,}\s*$"),
    re.compile(r"^\s*(?:em|on|no dia)\b.{4,200}\b(?:escreveu|wrote)\s*:?\s*$", re.I),
    re.compile(r"^\s*\*?(?:de|from)\s*:\*?\s.{0,200}(?:@|<)", re.I),
)
"""How mail programs begin what they quote."""
_WRAPPED = re.compile(r"^\s*(?:em|on)\b[^\n]{4,200}\n[^\n]{0,120}\b(?:escreveu|wrote)\s*:", re.I | re.M)
"""The same line, broken in two by the mail program."""
_ENDS = (
    re.compile(r"^\s*--\s*$"),
    re.compile(r"^\s*(?:enviad[oa] (?:do|da|pelo|via|a partir)|obter o outlook|sent from my|get outlook)\b", re.I),
    re.compile(
        r"^\s*(?:atenciosamente|cordialmente|att|atte|abra[çc]os?|respeitosamente|grat[oa]|sds)\s*[.,!]*\s*$", re.I
    ),
)
"""How people and telephones end what they write."""
_SUBJECT = re.compile(r"^(?:\s*(?:re|res|enc|fw|fwd)\s*:)+\s*", re.I)


@dataclass(frozen=True)
class Mail:
    """What tells an automatic e-mail from a person's: headers (names in small letters), subject, envelope's sender."""

    headers: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""
    envelope_from: str = ""


_AUTOMATIC = tuple((row["where"], re.compile(row["pattern"], re.I)) for row in table("automatic_mail"))


def automatic(mail: Mail) -> bool:
    """Did a machine write this (out of office, delivery report, mailing list)? Nobody answers machines (RFC 3834)."""
    places = {"subject": mail.subject[:500], "envelope": mail.envelope_from[:500]}
    for where, pattern in _AUTOMATIC:
        found = places.get(where, mail.headers.get(where))
        if found is not None and pattern.search(found[:500]):
            return True
    return False


def own_words(text: str) -> str:
    """What he wrote himself: without quoted messages and signatures; the whole text where nothing else would be left.

    A quoted message of ours holds words such as "responda SAIR", which must not be taken for his.
    """
    text = text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n")
    wrapped = _WRAPPED.search(text)
    kept = _before_end(_unquoted(text[: wrapped.start()] if wrapped else text))
    return kept or _before_end([line for line in text.split("\n") if not line.lstrip().startswith(">")])


def bare_subject(subject: str) -> str:
    """A subject without the marks of replies."""
    return _SUBJECT.sub("", subject[:500]).strip()


def _unquoted(text: str) -> list[str]:
    """The lines before the first quoted one; where the quotation comes first, those after it."""
    lines = text.split("\n")
    first = next((n for n, line in enumerate(lines) if any(mark.search(line) for mark in _QUOTE)), len(lines))
    before = lines[:first]
    if any(line.strip() for line in before):
        return before
    return [line for line in lines[first:] if not any(mark.search(line) for mark in _QUOTE)]


def _before_end(lines: list[str]) -> str:
    """The lines before a signature, but never nothing where something was written."""
    for number, line in enumerate(lines):
        if any(mark.search(line) for mark in _ENDS) and (kept := "\n".join(lines[:number]).strip()):
            return kept
    return "\n".join(lines).strip()
