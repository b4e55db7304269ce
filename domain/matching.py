"""Which case a movement of money is for: beyond doubt, or a proposal for a person. Pure.

Rules are tried in a fixed order, from what cannot be mistaken (our own payment code, the bank's number of a title) to
what only a person should decide. What is matched is matched by an identification, or by who paid and an exact amount;
whatever contradicts itself, fits twice or may have been counted before is proposed, never guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.bank import OurNumber
from domain.money import ZERO

PIX, BANK_FILE, AT_NOTARY, STATEMENT = "pix", "bank-file", "bank-notary", "statement"
PAYMENTS_FILE, STAFF = "payments-file", "staff"
"""Kinds of door (`payment.source`). AT_NOTARY: a bank's return file says that the notary was paid."""

NO_NUMBER = OurNumber()

_SAME_DOOR = {AT_NOTARY: BANK_FILE}

SAME_MONEY_WITHIN = timedelta(days=3)
"""Two doors date one payment differently: made, settled, credited. Beyond three days they speak of two payments."""

MOST_CANDIDATES = 20
"""A proposal longer than a screen helps nobody."""
_FEW = 5
"""An amount alone that fits more titles than this says nothing."""
_MOST_SUMMED = 16
"""Open titles of one debtor among which a sum is looked for: 2^16 combinations at most."""


class Reason(StrEnum):
    """Why a movement needs a person. The words stand in `payment.proposal`."""

    MAYBE_COUNTED = "maybe-counted"
    AMBIGUOUS = "ambiguous"
    SEVERAL = "several-invoices"
    OTHER_PAYER = "other-payer"
    NUMBER_ONLY = "number-only"
    AMOUNT_ONLY = "amount-only"
    DEBTOR_ONLY = "debtor-only"
    AHEAD = "dated-ahead"
    DOUBTFUL = "doubtful"


class Rule(StrEnum):
    """By what a movement was matched beyond doubt."""

    CASE = "case"
    CODE = "code"
    OUR_NUMBER = "our-number"
    INVOICE = "invoice"
    AMOUNT = "amount"


# --- what is known ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Movement:
    """Money that arrived, as one door reports it. Amounts in reais; `amount` is what was paid, before any fee.

    `source` is the kind of door. `payer` is a CPF or CNPJ without mask (personal), `number` and `instalment` as
    `normalise_number` writes them, `case` an id where the movement names one. What is not known is "". `credited` is
    what the bank credited after its fees. `hint` is what a person can go by where nothing matches (personal).
    `doubtful`: the door itself is not sure that it is a payment.
    """

    reference: str
    amount: Decimal
    paid_on: date
    source: str
    txid: str = ""
    bank: str = ""
    our_number: OurNumber = NO_NUMBER
    number: str = ""
    instalment: str = ""
    case: str = ""
    credited: Decimal | None = None
    payer: str = field(default="", repr=False)
    hint: str = field(default="", repr=False)
    doubtful: bool = False


@dataclass(frozen=True)
class Code:
    """A Pix charge of ours: what it asked for as of `quoted_on`, and the last day on which it could be paid."""

    txid: str
    case: str
    amount: Decimal
    quoted_on: date
    valid_until: date

    def honoured(self, paid_on: date) -> bool:
        """Whether a payment of this day is worth what it was worth on the day of the quote."""
        return self.quoted_on <= paid_on <= self.valid_until


@dataclass(frozen=True)
class Owed:
    """What a title asks for on a day, in reais: everything, and its principal alone."""

    total: Decimal
    principal: Decimal


@dataclass(frozen=True)
class Title:
    """An invoice with its case. `our_number` is bare (`bare_number`), `parties` are documents of who else is bound.

    `face` is the invoice's own amount; `owed` gives what is open on a day, None where money that the case has not taken
    in yet makes that unsure.
    """

    case: str
    debtor: str = field(repr=False)
    number: str
    face: Decimal = ZERO
    instalment: str = ""
    bank: str = ""
    our_number: str = ""
    still_open: bool = True
    parties: frozenset[str] = field(default=frozenset(), repr=False)
    owed: Callable[[date], Owed | None] = field(default=lambda _: None, repr=False, compare=False)

    def binds(self, payer: str) -> bool:
        """Whether this person owes it: the debtor, or a party (co-debtor, avalista, guarantor)."""
        return bool(payer) and (payer == self.debtor or payer in self.parties)


@dataclass(frozen=True)
class Counted:
    """A payment that stands for a case already."""

    case: str
    reference: str
    amount: Decimal
    paid_on: date
    source: str


class Book:
    """What movements are compared with. It learns what is matched, so that one batch cannot count a debt twice."""

    def __init__(self, titles: Iterable[Title], codes: Iterable[Code] = (), counted: Iterable[Counted] = ()) -> None:
        self.titles = {title.case: title for title in sorted(titles, key=lambda title: title.case)}
        self.codes = {code.txid: code for code in codes}
        self._fresh: set[str] = set()
        self._counted: dict[str, list[Counted]] = defaultdict(list)
        self._by_our_number: dict[str, list[Title]] = defaultdict(list)
        self._by_number: dict[tuple[str, str], list[Title]] = defaultdict(list)
        self._by_payer: dict[str, list[Title]] = defaultdict(list)
        self._by_amount: dict[Decimal, list[Title]] = defaultdict(list)
        self._codes_of: dict[str, list[Code]] = defaultdict(list)
        for title in self.titles.values():
            if title.our_number:
                self._by_our_number[title.our_number].append(title)
            self._by_number[title.number, title.instalment].append(title)
            self._by_amount[title.face].append(title)
            for document in {title.debtor, *title.parties} - {""}:
                self._by_payer[document].append(title)
        for code in self.codes.values():
            self._codes_of[code.case].append(code)
            if code.case in self.titles:
                self._by_amount[code.amount].append(self.titles[code.case])
        for payment in counted:
            self._counted[payment.case].append(payment)

    def count(self, movement: Movement, case: str) -> None:
        """From now on this movement stands for this case."""
        self._fresh.add(case)
        payment = Counted(case, movement.reference, movement.amount, movement.paid_on, movement.source)
        self._counted[case].append(payment)

    def counted(self, case: str) -> Sequence[Counted]:
        """The payments that stand for a case."""
        return self._counted[case]

    def by_our_number(self, movement: Movement) -> list[Title]:
        """Titles that the bank may mean, whichever form of the number their creditor keeps."""
        forms = movement.our_number.forms
        return [title for form in forms for title in self._by_our_number[form] if _same_bank(title, movement)]

    def by_number(self, movement: Movement) -> list[Title]:
        """Titles with the number that the movement names."""
        return self._by_number[movement.number, movement.instalment] if movement.number else []

    def of_payer(self, movement: Movement) -> list[Title]:
        """Open titles that bind who paid, and that the movement does not contradict."""
        bound = self._by_payer[movement.payer] if movement.payer else []
        return [title for title in bound if title.still_open and not _contradicts(title, movement)]

    def of_amount(self, movement: Movement) -> list[Title]:
        """Open titles whose face value or code is this amount, and that the movement does not contradict."""
        found = {title.case: title for title in self._by_amount[movement.amount]}.values()
        return [title for title in found if title.still_open and not _contradicts(title, movement)]

    def exact(self, titles: Iterable[Title], movement: Movement) -> list[Title]:
        """Those that ask for just this amount on that day: all of it, its principal, or what a code of theirs asked."""
        return [title for title in titles if self._asks(title, movement)]

    def _asks(self, title: Title, movement: Movement) -> bool:
        owed = self.owed(title, movement.paid_on)
        if owed is None:
            return False
        return movement.amount in (owed.total, owed.principal) or self.quote(title.case, movement) is not None

    def owed(self, title: Title, on: date) -> Owed | None:
        """What a title asks for; None where money of this very batch makes it unsure."""
        return None if title.case in self._fresh else title.owed(on)

    def quote(self, case: str, movement: Movement) -> Code | None:
        """The latest code of a case that asked for this amount and could be paid on that day."""
        fitting = [
            code for code in self._codes_of[case] if code.amount == movement.amount and code.honoured(movement.paid_on)
        ]
        return max(fitting, key=lambda code: code.quoted_on, default=None)


def _same_bank(title: Title, movement: Movement) -> bool:
    return not title.bank or not movement.bank or title.bank == movement.bank


def _contradicts(title: Title, movement: Movement) -> bool:
    """The bank speaks of a title with another number of its own."""
    return bool(
        title.our_number
        and movement.our_number
        and _same_bank(title, movement)
        and title.our_number not in movement.our_number.forms
    )


# --- what comes of it ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Part:
    """What a movement may be: so much for this case, and why a person must say. `like`: the payment it resembles."""

    case: str
    amount: Decimal
    reason: Reason
    like: str = ""


@dataclass(frozen=True)
class Verdict:
    """Matched (`case`), proposed (`parts`) or neither. Parts of several invoices add up; others are alternatives.

    `quoted_on`: it was paid in time by a code of ours. `txid` is that code, where the payment came by it.
    """

    case: str = ""
    rule: Rule | None = None
    quoted_on: date | None = None
    txid: str = ""
    parts: tuple[Part, ...] = ()


UNKNOWN = Verdict()
"""Nothing is known about it: it waits in the list of what nobody could match."""


def match(movement: Movement, book: Book, today: date) -> Verdict:
    """Which case a movement is for. `today` is the office's day: what is dated after it goes to a person.

    In order: the case it names; the txid of our payment code; the bank's number of the title; the invoice's number
    with who owes it; who owes with the exact amount. Then proposals: another payer, several invoices of one debtor,
    a known debtor with an amount of no invoice, an amount that fits few titles.
    """
    for rule in _BEYOND_DOUBT:
        verdict = rule(movement, book)
        if verdict is not None:
            return _checked(verdict, movement, book, today)
    for propose in _PROPOSALS:
        parts = tuple(propose(movement, book))[:MOST_CANDIDATES]
        if parts:
            return Verdict(parts=parts)
    return UNKNOWN


def identified(movement: Movement, book: Book) -> Verdict | None:
    """What an identification says of it, whatever it moves; None where only amounts or likeness can."""
    found = (rule(movement, book) for rule in (_named, _by_code, _by_our_number, _by_invoice))
    return next((verdict for verdict in found if verdict), None)


def resembles(amount: Decimal, paid_on: date, source: str, counted: Iterable[Counted]) -> Counted | None:
    """A payment of another kind of door that may be the same money: same case, same amount, three days at most."""
    door = _SAME_DOOR.get(source, source)
    for payment in counted:
        near = abs(payment.paid_on - paid_on) <= SAME_MONEY_WITHIN
        if near and payment.amount == amount and _SAME_DOOR.get(payment.source, payment.source) != door:
            return payment
    return None


def _checked(verdict: Verdict, movement: Movement, book: Book, today: date) -> Verdict:
    """A match, unless its door doubts it, it is dated in the future or the same money may stand there already."""
    if not verdict.case:
        return verdict
    if movement.doubtful or movement.paid_on > today:
        reason = Reason.DOUBTFUL if movement.doubtful else Reason.AHEAD
        return Verdict(parts=(Part(verdict.case, movement.amount, reason),))
    like = resembles(movement.amount, movement.paid_on, movement.source, book.counted(verdict.case))
    if like:
        return Verdict(parts=(Part(verdict.case, movement.amount, Reason.MAYBE_COUNTED, like.reference),))
    return verdict


def _one(titles: Sequence[Title], movement: Movement, rule: Rule) -> Verdict | None:
    """The only title that fits; more than one is a question; none leaves it to the next rule."""
    if len(titles) == 1:
        return Verdict(titles[0].case, rule)
    parts = (Part(title.case, movement.amount, Reason.AMBIGUOUS) for title in titles[:MOST_CANDIDATES])
    return Verdict(parts=tuple(parts)) if titles else None


def _named(movement: Movement, book: Book) -> Verdict | None:
    return Verdict(movement.case, Rule.CASE) if movement.case in book.titles else None


def _by_code(movement: Movement, book: Book) -> Verdict | None:
    code = book.codes.get(movement.txid) if movement.txid else None
    if code is None:
        return None
    quoted_on = code.quoted_on if code.honoured(movement.paid_on) else None
    return Verdict(code.case, Rule.CODE, quoted_on, code.txid)


def _by_our_number(movement: Movement, book: Book) -> Verdict | None:
    """Two titles may share a shorter form of the number: then invoice number or debtor must tell them apart."""
    found = list({title.case: title for title in book.by_our_number(movement)}.values())
    if len(found) > 1:
        numbered = {title.case for title in book.by_number(movement)}
        told = [title for title in found if title.case in numbered or title.debtor == movement.payer]
        found = told if len(told) == 1 else found
    return _one(found, movement, Rule.OUR_NUMBER)


def _by_invoice(movement: Movement, book: Book) -> Verdict | None:
    return _one([t for t in book.by_number(movement) if t.binds(movement.payer)], movement, Rule.INVOICE)


def _by_amount(movement: Movement, book: Book) -> Verdict | None:
    """Who owes it, and exactly what is asked for. A movement that names another's invoice is not of this kind."""
    if book.by_number(movement):
        return None
    verdict = _one(book.exact(book.of_payer(movement), movement), movement, Rule.AMOUNT)
    if verdict is None or not verdict.case:
        return verdict
    quote = book.quote(verdict.case, movement)
    return Verdict(verdict.case, Rule.AMOUNT, quote.quoted_on if quote else None)


_BEYOND_DOUBT: tuple[Callable[[Movement, Book], Verdict | None], ...] = (
    _named,
    _by_code,
    _by_our_number,
    _by_invoice,
    _by_amount,
)


# --- proposals -------------------------------------------------------------------------------------------------------
def _another_payer(movement: Movement, book: Book) -> Iterator[Part]:
    """It names an invoice, but nobody who owes it paid, or nobody says who paid."""
    reason = Reason.OTHER_PAYER if movement.payer else Reason.NUMBER_ONLY
    yield from (Part(title.case, movement.amount, reason) for title in book.by_number(movement))


def _several(movement: Movement, book: Book) -> Iterator[Part]:
    """One transfer for several open invoices of one debtor: all of it, or else principals, add up to the amount."""
    owed = [(title, owed) for title in book.of_payer(movement) if (owed := book.owed(title, movement.paid_on))]
    for amounts in (
        [(title, owed.total) for title, owed in owed],
        [(title, owed.principal) for title, owed in owed],
    ):
        if found := _sum(amounts, movement.amount):
            yield from (Part(title.case, amount, Reason.SEVERAL) for title, amount in found)
            return


def _sum(amounts: Sequence[tuple[Title, Decimal]], wanted: Decimal) -> tuple[tuple[Title, Decimal], ...]:
    """At least two titles whose amounts add up to the wanted one, the fewest that do; all of them come first."""
    positive = [(title, amount) for title, amount in amounts if amount > ZERO]
    if len(positive) > 1 and sum((amount for _, amount in positive), ZERO) == wanted:
        return tuple(positive)
    sums: dict[Decimal, tuple[tuple[Title, Decimal], ...]] = {ZERO: ()}
    for title, amount in positive[:_MOST_SUMMED]:
        for reached, chosen in list(sums.items()):
            more = reached + amount
            known = sums.get(more)
            if more <= wanted and (known is None or len(chosen) + 1 < len(known)):
                sums[more] = (*chosen, (title, amount))
    found = sums.get(wanted, ())
    return found if len(found) > 1 else ()


def _known_debtor(movement: Movement, book: Book) -> Iterator[Part]:
    """Who paid owes something, but no invoice asks for this amount."""
    yield from (Part(title.case, movement.amount, Reason.DEBTOR_ONLY) for title in book.of_payer(movement))


def _amount_alone(movement: Movement, book: Book) -> Iterator[Part]:
    """Somebody unknown paid just what few titles ask for."""
    fitting = book.exact(book.of_amount(movement), movement)
    reason = Reason.OTHER_PAYER if movement.payer else Reason.AMOUNT_ONLY
    if len(fitting) <= _FEW:
        yield from (Part(title.case, movement.amount, reason) for title in fitting)


_PROPOSALS: tuple[Callable[[Movement, Book], Iterator[Part]], ...] = (
    _another_payer,
    _several,
    _known_debtor,
    _amount_alone,
)
