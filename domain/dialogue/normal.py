"""How people spell, evened out: accents, capitals, the short forms of SMS, slips of the finger.

Short forms, words that are looked for under one slip, and words that are never taken for a slip stand in
`domain/data/reply_spellings.csv`: a word that means itself is one that is left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from domain.data import table

LONGEST = 2_000
"""Characters that are matched against the lists of words."""
_WORD = re.compile(r"r\$|[a-z0-9]+(?:[.,/-][0-9]+)*%?")
_BREAK = re.compile(r"(?<![0-9])[.,:]|[.,:](?![0-9])|[;!?()\n…]|(?<= )[-–—](?= )")
_TURN = re.compile(r"\b(?:mas|porem|so que|contudo|entretanto)\b")
_TRIPLED = re.compile(r"([a-z])\1{2,}")
_SHORTEST = 6
"""Letters of the longer of two words that may differ by one slip: among shorter ones too many are neighbours."""


def plain(text: str) -> str:
    """Small letters without accents, `ª` and `º` as letters; line breaks stay."""
    decomposed = unicodedata.normalize("NFKD", text[:LONGEST].lower())
    return "".join(char for char in decomposed if not unicodedata.combining(char))[:LONGEST]


def clauses(text: str) -> tuple[str, ...]:
    """The parts of a message that stand for themselves, each as words with single spaces between them."""
    parts = (half for part in _BREAK.split(plain(text)) for half in _TURN.split(part))
    return tuple(joined for part in parts if (joined := " ".join(words(part))))


def words(text: str) -> Iterator[str]:
    """The words of a text that `plain` made, as they are meant."""
    for word in _WORD.findall(text.replace("r$", " r$ ")):
        yield from _meant(word).split()


@lru_cache(maxsize=65536)
def _meant(word: str) -> str:
    word = _TRIPLED.sub(r"\1", word)
    if word in _SHORT:
        return _SHORT[word]
    if word in _LEFT_ALONE or not word.isalpha():
        return word
    near = {known for form in (word, *_less(word)) for known in _NEAR.get(form, ()) if _one_slip(word, known)}
    return near.pop() if len(near) == 1 else word


def _less(word: str) -> list[str]:
    return [word[:n] + word[n + 1 :] for n in range(len(word))]


def _one_slip(word: str, known: str) -> bool:
    """One letter too few, too many or another one, or two that changed places."""
    if max(len(word), len(known)) < _SHORTEST or word[0] != known[0]:
        return False
    if abs(len(word) - len(known)) == 1:
        long, short = sorted((word, known), key=len, reverse=True)
        return short in _less(long)
    differ = [n for n, (a, b) in enumerate(zip(word, known, strict=False)) if a != b]
    if len(word) != len(known) or len(differ) > 2:
        return False
    if len(differ) < 2:
        return True
    one, other = differ
    return other == one + 1 and word[one] == known[other] and word[other] == known[one]


_ROWS = table("reply_spellings")
_SHORT = {row["written"]: row["meant"] for row in _ROWS if row["kind"] == "short"}
_LOOKED_FOR = frozenset(row["written"] for row in _ROWS if row["kind"] == "word")
_LEFT_ALONE = _LOOKED_FOR | {row["written"] for row in _ROWS if row["kind"] == "leave"}
_NEAR: dict[str, tuple[str, ...]] = {}
for _known in sorted(_LOOKED_FOR):
    for _form in {_known, *_less(_known)}:
        _NEAR[_form] = (*_NEAR.get(_form, ()), _known)
