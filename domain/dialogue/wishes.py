"""How and when a debtor wants to be reached, in his own words: "prefiro e-mail", "só depois das 14h", "não me ligue".

A clause is a wish where nothing of it is left over: a channel or hours, a word that makes it a wish, and small words
(`domain/data/wish_words.csv`). One that only speaks of such things ("me liga amanhã no trabalho") is unsure, and a
person's. Hours are those in which some state allows messages (`domain/data/contact_hours.csv`); what remains of them
at his place, the rules of hours say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from functools import cache

from domain.data import table
from domain.hours import rules_of_law
from domain.policy import Hours

ANY = "any"
"""Instead of a channel: whichever; the wish for one is taken back."""
VOICE, TEXT, HERE = "voice", "text", "here"
"""Calls; a short message, by SMS or WhatsApp; the channel on which he writes."""


@dataclass(frozen=True)
class Wish:
    """What he asks for. `channel`: email, sms, whatsapp, voice, letter, `TEXT`, `HERE`, `ANY`, or "" = none named.

    `hours`: local ones; `any_hours`: earlier ones are taken back. `refused`: channels that he wants closed.
    """

    channel: str = ""
    hours: Hours | None = None
    any_hours: bool = False
    refused: frozenset[str] = frozenset()

    @property
    def asks(self) -> bool:
        """Does he ask for something, beside what he refuses?"""
        return bool(self.channel or self.hours or self.any_hours)


@dataclass(frozen=True)
class Heard:
    """The wish of a message, None where there is none for sure; parts that may be one; all parts beside the wish."""

    wish: Wish | None
    doubtful: tuple[str, ...]
    rest: tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """What one clause says. `whole`: nothing of it was left over. `head`: something makes it a wish."""

    channels: frozenset[str] = frozenset()
    hours: tuple[Hours | None, ...] = ()
    any_hours: bool = False
    exact: bool = False
    head: bool = False
    denied: bool = False
    whole: bool = False

    @property
    def speaks(self) -> bool:
        return bool(self.channels or self.hours or self.any_hours)


def heard(parts: Sequence[str]) -> Heard:
    """What these clauses (`normal.clauses`) ask for. Never raises."""
    read = {part: _read(part) for part in parts}
    wishes = [found for found in read.values() if found.speaks and found.whole]
    said = [part for part in parts if part in read and read[part].speaks and read[part].whole]
    doubt = tuple(
        part
        for part, found in read.items()
        if found.speaks and not found.whole and (found.head or _CALLING.search(part))
    )
    limited = tuple(part for part in parts if _limited(part, read[part]))
    if limited:  # "não me ligue no trabalho": no calls until a person has read where he may be called
        left = tuple(part for part in parts if part not in limited)
        return Heard(Wish(refused=frozenset({VOICE})), limited, left)
    made = any(found.head or found.denied or (VOICE in found.channels and found.hours) for found in wishes)
    if not made and not _alone(parts, said):
        return Heard(None, doubt, tuple(parts))
    wish = _together(wishes)
    if wish is None:  # what he denies of some hours only is no silence
        return Heard(None, tuple(said), tuple(part for part in parts if not (read[part].denied and read[part].hours)))
    return Heard(wish, doubt, tuple(part for part in parts if part not in said))


def _limited(part: str, found: _Part) -> bool:
    """Does he refuse calls, and no more than calls, in words of which some are not understood?"""
    calls = found.denied and found.channels == {VOICE} and not found.hours
    return calls and not found.whole and bool(_NO_CALLS.search(part)) and not _WRITING.search(part)


_CALLING = re.compile(r"\blig(?:ar|arem|ue|uem|a)\b")
"""Who asks for a call, or for none; a telephone alone can stand in a signature."""
_NO_CALLS = re.compile(r"\b(?:nao|nunca)(?: mais)? (?:me )?lig(?:ue|uem|a|ar)\b|\b(?:par|deix)\w+ de (?:me )?ligar\b")
_WRITING = re.compile(r"\b(?:mand|envi|escrev|cham|incomod|perturb|procur|contat|importun|cobr|nem)\w*")
"""Words with which a refusal is one of more than calls."""


def courteous(part: str) -> bool:
    """Does a clause say nothing but small words?"""
    return not _rest(_strip(part, "glue", "refusal")[0])


def _alone(parts: Sequence[str], said: Sequence[str]) -> bool:
    """Some hours are a wish by themselves, where they are the whole message: "depois do expediente"."""
    short = any(_strip(part, "alone")[1] for part in said)
    return short and all(part in said or courteous(part) for part in parts)


# --- one wish out of several clauses ---------------------------------------------------------------------------------
def _together(parts: Sequence[_Part]) -> Wish | None:
    """None for what cannot be meant at once: two channels, two times, one channel asked for and refused."""
    asked = _named(part for part in parts if not part.denied)
    refused = _named(part for part in parts if part.denied and not part.hours)
    hours = [(part.denied, each) for part in parts for each in part.hours]
    taken_back = any(part.any_hours for part in parts)
    if len(asked) > 1 or len(hours) + taken_back > 1 or asked & refused or not refused <= _CLOSABLE:
        return None
    if not asked - {ANY} and refused - {VOICE}:
        return None  # whoever wants no messages and names no other way asks for silence, which is another rule
    if any(part.exact for part in parts) and VOICE in asked:
        return None  # one call at one hour is an appointment
    meant = _meant(*hours[0]) if hours else None
    if hours and meant is None:
        return None
    return Wish(next(iter(asked), ""), meant, taken_back, refused)


def _named(parts: Iterable[_Part]) -> frozenset[str]:
    """The channels; a message "no WhatsApp" is one of WhatsApp."""
    channels = frozenset(channel for part in parts for channel in part.channels)
    return channels - {TEXT} or channels


_CLOSABLE = frozenset({VOICE, "email", "sms", "whatsapp"})


def _meant(denied: bool, hours: Hours | None) -> Hours | None:
    """The hours, or what they leave of the day where they are denied ("não antes das 10h"); None for none, or two."""
    if hours is None or not denied:
        return hours
    start, end = day_of_law()
    before, after = (start, hours[0]), (hours[1], end)
    left = [each for each in (before, after) if each[0] < each[1]]
    return left[0] if len(left) == 1 else None


# --- one clause ------------------------------------------------------------------------------------------------------
_SLOT = " # "
"""Stands where something was understood."""


def _read(part: str) -> _Part:
    part = _RANGE.sub(" a ", part)
    part, hours, exact, taken_back = _hours(part)
    part = _drop_lesser(part)
    part, channels = _meanings(part, "channel")
    part, denied = _strip(part, "refusal")
    part, head = _strip(part, "head")
    part, _ = _strip(part, "glue")
    if denied and taken_back:
        return _Part(head=bool(head))
    return _Part(
        frozenset(channels),
        tuple(hours),
        taken_back,
        exact,
        bool(head),
        bool(denied),
        len(denied) < 2 and not _rest(part),
    )


_RANGE = re.compile(r"(?<=[0-9h])-(?=[0-9])")


def _rest(part: str) -> str:
    return part.replace("#", " ").strip()


def _drop_lesser(part: str) -> str:
    """Without what he likes less: "e-mail em vez de ligação"."""
    for instead, _ in _patterns("instead"):
        for channel, _ in _patterns("channel"):
            part = re.sub(rf"{instead.pattern} (?:a |o |as |os )?{channel.pattern}", _SLOT, part)
    return part


def _strip(part: str, *kinds: str) -> tuple[str, list[str]]:
    """The clause without the words of these kinds, and those that stood there."""
    found = []
    for kind in kinds:
        for pattern, _ in _patterns(kind):
            found += pattern.findall(part)
            part = pattern.sub(_SLOT, part)
    return part, found


def _meanings(part: str, kind: str) -> tuple[str, list[str]]:
    """The clause without what has a meaning of this kind, and the meanings."""
    found = []
    for pattern, meaning in _patterns(kind):
        if pattern.search(part):
            found.append(meaning)
            part = pattern.sub(_SLOT, part)
    return part, found


@cache
def _patterns(kind: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = (row for row in table("wish_words") if row["kind"] == kind)
    return tuple((re.compile(rf"(?<!\w)(?:{row['pattern']})(?!\w)"), row["meaning"]) for row in rows)


# --- hours -----------------------------------------------------------------------------------------------------------
_SPOKEN = {
    "uma": 1, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8, "nove": 9, "dez": 10,
    "onze": 11, "doze": 12, "meio dia": 12,
}  # fmt: skip
_CLOCK = (
    r"(?:\d{1,2} ?(?:h|hs|hrs|horas?)(?: ?[0-5]\d)?|\d{1,2}(?: [0-5]\d(?: ?(?:h|hs|hrs|horas?))?)?"
    rf"|{'|'.join(_SPOKEN)})(?: horas?)?(?: e meia)?(?: d[ae] (?:manha|tarde|noite))?(?!\w)"
)
_FORM = re.compile(
    r"(?P<hour>\d{1,2}|[a-z]+(?: dia)?) ?(?P<mark>hs|hrs|horas?|h)? ?(?P<minute>[0-5]\d)? ?(?:hs|hrs|h)?"
    r"(?: ?horas?)?(?P<half> e meia)?(?: d[ae] (?P<part>manha|tarde|noite))?"
)
_BETWEEN = re.compile(
    rf"(?<!\w)(?:entre|das?|de|desde)(?: as| a)? (?P<start>{_CLOCK}) (?:e|as?|ate|ate as)(?: as)? (?P<end>{_CLOCK})"
)
_FROM = re.compile(
    r"(?<!\w)(?:(?:depois|apos|a partir)(?: d?as?| de| do| o)?|das?(?= [^#]* em diante))"
    rf" (?P<start>{_CLOCK})(?: em diante)?"
)
_UNTIL = re.compile(rf"(?<!\w)(?:ate|antes)(?P<article> d?as?| do| o| de)? (?P<end>{_CLOCK})")
_AT = re.compile(rf"(?<!\w)(?:as|por volta d?as|la pelas|pelas) (?P<start>{_CLOCK})")


@cache
def day_of_law() -> Hours:
    """The widest hours in which a message may go out at all: those of the rows for every state."""
    rows = [rule.hours for rule in rules_of_law() if rule.uf == "*" and rule.hours]
    return min(start for start, _ in rows), max(end for _, end in rows)


def _hours(part: str) -> tuple[str, list[Hours | None], bool, bool]:
    """The clause without hours; each of them (None: not lawful, or not clear); was one a single hour; any hour."""
    found: list[Hours | None] = []
    for pattern, reading in ((_BETWEEN, _between), (_FROM, _from), (_UNTIL, _until)):
        found += [reading(match) for match in pattern.finditer(part)]
        part = pattern.sub(_SLOT, part)
    single = [_at(match) for match in _AT.finditer(part)]
    part, meanings = _meanings(_AT.sub(_SLOT, part), "hours")
    found += [*single, *(_of_row(meaning) for meaning in meanings if meaning != ANY)]
    return part, found, bool(single), ANY in meanings


def _between(match: re.Match[str]) -> Hours | None:
    start, end = _clock(match["start"], sure=False), _clock(match["end"], sure=False)
    return _lawful(start, end) if start and end else None


def _from(match: re.Match[str]) -> Hours | None:
    start = _clock(match["start"])
    return _lawful(start, time.max) if start else None


def _until(match: re.Match[str]) -> Hours | None:
    """ "Até 10" can be a day: an hour has an article or says that it is one."""
    clear = match["article"] or not match["end"].isdigit()
    end = _clock(match["end"]) if clear else None
    return _lawful(time.min, end) if end else None


def _at(match: re.Match[str]) -> Hours | None:
    """One hour from then on."""
    start = _clock(match["start"])
    return _lawful(start, start.replace(hour=start.hour + 1)) if start and start.hour < 23 else None


def _of_row(meaning: str) -> Hours | None:
    start, end = meaning.split("-")
    return _lawful(time.fromisoformat(start) if start else time.min, time.fromisoformat(end) if end else time.max)


def _lawful(start: time, end: time) -> Hours | None:
    first, last = day_of_law()
    start, end = max(start, first), min(end, last)
    return (start, end) if start < end else None


_UNCLEAR = range(7, 10)
"""Hours that, said without more ("depois das 8"), can be of the morning or of the evening."""
_EARLY = range(1, 7)
"""Hours at which nobody may be contacted: whoever says them means the afternoon."""


def _clock(text: str, *, sure: bool = True) -> time | None:
    """A time as people say it ("14h30", "2 da tarde"); None for none and, where `sure`, for one of two meanings."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        return None
    hour = _SPOKEN.get(form["hour"], -1) if not form["hour"].isdigit() else int(form["hour"])
    bare = not (form["mark"] or form["minute"] or form["part"] or form["hour"] == "meio dia")
    if (bare and sure and hour in _UNCLEAR) or (form["minute"] and form["half"]):
        return None
    if (form["part"] in ("tarde", "noite") and hour < 12) or (not form["part"] and hour in _EARLY):
        hour += 12
    minute = 30 if form["half"] else int(form["minute"] or 0)
    return time(hour, minute) if 0 < hour < 24 else None
