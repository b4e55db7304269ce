"""The alphabet of the SMS: folding a text to GSM-7 and counting the segments that a provider bills (3GPP TS 23.038)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Sent as an escape and a second septet: each counts twice."""

LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys("“”„«»″", '"'),
        **dict.fromkeys("‘’‚‹›′`´", "'"),
        **dict.fromkeys("–—―−‐‑", "-"),
        **dict.fromkeys("\t\r\f\v\x1c\x1d\x1e\x1f\x85\u2028\u2029", " "),
        "•": "-",
        "×": "x",
        "⁄": "/",
    }
)
"""What has a near twin in GSM-7 that Unicode's own decomposition does not give."""

FORMAT_CATEGORIES = {"Mn", "Me", "Cf"}


def fold(text: str) -> str:
    """The text in GSM-7 only: accents dropped, typographic signs made plain, what has no equal shown as `?`.

    Accents are dropped even where GSM-7 has the letter (`é`, `à`), for Brazilian carriers replace them at will.
    """
    plain = unicodedata.normalize("NFKD", text.translate(LOOKALIKES)).translate(LOOKALIKES)
    kept = (char for char in plain if unicodedata.category(char) not in FORMAT_CATEGORIES)
    return "".join(char if char in BASIC or char in EXTENSION else "?" for char in kept)


def is_gsm7(text: str) -> bool:
    """Whether the text travels in the seven-bit alphabet."""
    return all(char in BASIC or char in EXTENSION for char in text)


def segments(text: str) -> int:
    """How many SMS segments the text takes: GSM-7 160 or 153 septets each, otherwise UCS-2 70 or 67 code units each.

    A character that takes two places (GSM-7 extension, UCS-2 surrogate pair) is never cut in two. An empty text is 0.
    """
    if is_gsm7(text):
        return _packed([2 if char in EXTENSION else 1 for char in text], alone=160, joined=153)
    return _packed([2 if ord(char) > 0xFFFF else 1 for char in text], alone=70, joined=67)


def _packed(widths: Iterable[int], *, alone: int, joined: int) -> int:
    widths = list(widths)
    if sum(widths) <= alone:
        return min(len(widths), 1)
    count, used = 1, 0
    for width in widths:
        if used + width > joined:
            count, used = count + 1, 0
        used += width
    return count
