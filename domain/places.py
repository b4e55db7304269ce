"""Where a debtor lives: states, their time zones, CEP ranges and the IBGE codes of all 5571 municipalities (2025)."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cache
from zoneinfo import ZoneInfo

from domain.data import table
from domain.errors import BadInput

_STATES = {row["uf"]: row for row in table("states")}
_UF_BY_IBGE = {row["ibge"]: uf for uf, row in _STATES.items()}
_CEPS = sorted((row["first"], row["last"], row["uf"]) for row in table("ceps"))
_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "–": "-", "—": "-"})

UFS = tuple(sorted(_STATES))
"""The 26 states and the Federal District, two capital letters each."""


@cache
def time_zone(uf: str) -> ZoneInfo:
    """The time zone in which a debtor of this state is contacted: that of the state's capital.

    The west of Amazonas and Fernando de Noronha, an hour behind and ahead of their capitals, are not told apart.
    BadInput for an unknown state.
    """
    return ZoneInfo(_STATES[known_uf(uf)]["time_zone"])


def known_uf(uf: str) -> str:
    """The state's two letters in capitals; BadInput where there is no such state."""
    letters = uf.strip().upper()
    if letters not in _STATES:
        raise BadInput(f"state {uf!r}: there is no such state; write one of {', '.join(UFS)}")
    return letters


def uf_of_cep(cep: str) -> str | None:
    """The state whose range of postal codes (Correios) holds this CEP of 8 digits, or None."""
    if not re.fullmatch(r"[0-9]{8}", cep):
        return None
    at = bisect_right(_CEPS, cep, key=lambda row: row[0]) - 1
    return _CEPS[at][2] if at >= 0 and cep <= _CEPS[at][1] else None


def uf_of_municipality(ibge: str) -> str | None:
    """The state of an IBGE municipality code of 7 digits, told by its first two; None where they name no state."""
    return _UF_BY_IBGE.get(ibge[:2]) if re.fullmatch(r"[0-9]{7}", ibge) else None


def municipality(name: str, uf: str) -> str | None:
    """The IBGE code (7 digits) of a municipality by its name and state, or None where the state has none of that name.

    Case, accents, hyphens, apostrophes and spaces do not matter.
    """
    return _municipalities().get((uf.strip().upper(), _letters(name)))


def city_of(ibge: str) -> str:
    """The name of the municipality with this IBGE code; empty for none or an unknown one."""
    return _names().get(ibge, "")


def normalise_name(text: str) -> str:
    """Capitals, ASCII, single spaces: how a name stands in a CRA file. What has no ASCII form becomes a space."""
    plain = unicodedata.normalize("NFKD", text.translate(_TYPOGRAPHY).upper())
    kept = (ch if ch.isascii() and ch.isprintable() else " " for ch in plain if not unicodedata.combining(ch))
    return " ".join("".join(kept).upper().split())


def _letters(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", normalise_name(name))


@cache
def _names() -> dict[str, str]:
    return {row["ibge"]: row["name"] for row in table("municipalities")}


@cache
def _municipalities() -> dict[tuple[str, str], str]:
    return {(row["uf"], _letters(row["name"])): row["ibge"] for row in table("municipalities")}
