"""The policy file: what it says, and how a wrong one is refused."""

from __future__ import annotations

import hashlib
import re
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.errors import BadFile
from domain.policy import (
    DEFAULT_CONTACT,
    ROLES,
    USUAL_OFFERS,
    At,
    Comparison,
    Condition,
    ContactRules,
    Discount,
    DisputeRules,
    Do,
    Entry,
    Late,
    Offer,
    Offset,
    PaymentRules,
    PlanRules,
    Policy,
    PromiseRules,
    Step,
    built_channels,
    passed_over,
    passed_over_reason,
)
from domain.policy_file import parse_policy
from domain.schedule import Anchors, step_day
from policies import DIRECTORY

FULL = """\
policy: padrao-b2b
title: Régua padrão B2B
contact: {hours: {mon-fri: "09:00-18:00", sat: off}, per_day: 1, per_week: 3}
entry: {already_late: from-the-start, first_wave: needs-release}
grace: 3d
tolerance: 5.00
steps:
  - {id: lembrete,    at: due - 3d,           do: contact, by: [email],         text: lembrete}
  - {id: atraso-1,    at: due + 1bd,          do: contact, by: [whatsapp, sms], text: atraso-cordial}
  - {id: ligar,       at: due + 7d,           do: task,    by: [call],          text: roteiro-cordial, within: 2bd}
  - {id: proposta,    at: due + 12d,          do: contact, by: [email],         text: proposta, offer: parcelamento-3x}
  - {id: notificacao, at: due + 20d,          do: notice,  by: [letter, email], text: notificacao, deadline: 10bd}
  - {id: protesto,    at: notice.deadline,    do: protest, when: balance >= 200, approve: supervisor}
  - {id: juridico,    at: protest.over + 30d, do: legal,   approve: manager}
"""
HEAD = "policy: exemplo\nsteps:\n"
CONTACT = "  - {id: oi, at: due + 1d, do: contact, by: [email], text: atraso-cordial}\n"
NOTICE = "  - {id: carta, at: due + 20d, do: notice, by: [letter], text: notificacao-previa, deadline: 10bd}\n"


def faults(text: str) -> list[str]:
    with pytest.raises(BadFile) as refused:
        parse_policy(text, "regua.yaml")
    return [str(fault) for fault in refused.value.faults]


def one_step(step: str) -> str:
    return f"{HEAD}{CONTACT}  - {{id: passo, at: due + 5d, {step}}}\n"


def headed(line: str) -> str:
    return f"{line}\n{HEAD}{CONTACT}"


def with_contact(contact: str) -> str:
    return f"policy: exemplo\ncontact: {contact}\nsteps:\n{CONTACT}"


def test_the_whole_ladder_of_a_company_is_read() -> None:
    policy = parse_policy(FULL, "padrao-b2b.yaml")

    assert (policy.name, policy.title) == ("padrao-b2b", "Régua padrão B2B")
    assert policy.contact.hours[0] == (time(9), time(18))
    assert policy.contact.hours[5] is None
    assert policy.contact.hours[6] is None
    assert (policy.contact.per_day, policy.contact.per_week) == (1, 3)
    assert policy.entry == Entry("from-the-start", "needs-release")
    assert policy.grace == Offset(3, "d")
    assert policy.tolerance == Decimal("5.00")
    assert [step.id for step in policy.steps][-2:] == ["protesto", "juridico"]
    assert policy.steps[4] == Step(
        id="notificacao",
        at=At("due", Offset(20, "d")),
        do=Do.NOTICE,
        by=("letter", "email"),
        text="notificacao",
        deadline=Offset(10, "bd"),
        line=12,
    )
    assert policy.steps[5].when == Condition((Comparison("balance", ">=", "200"),))
    assert policy.steps[5].at == At("notice.deadline")
    assert policy.steps[2].within == Offset(2, "bd")


def test_what_a_file_leaves_out_is_the_cautious_default() -> None:
    policy = parse_policy(HEAD + CONTACT, "regua.yaml")

    assert policy.title == "exemplo"
    assert policy.contact == DEFAULT_CONTACT
    assert policy.entry == Entry("from-the-start", "needs-release")
    assert (policy.grace, policy.tolerance, policy.proof) == (None, Decimal(0), "delivered")
    assert policy.promise == PromiseRules(longest=15, most=2)
    assert policy.dispute.deadline == Offset(10, "bd")
    assert policy.steps[0].late is Late.SEND


def test_promises_disputes_and_proof_are_read() -> None:
    head = (
        "policy: exemplo\nproof: received-by-name\npromise: {longest: 30d, most: 4}\ndispute: {deadline: 5bd}\nsteps:\n"
    )
    policy = parse_policy(head + CONTACT, "regua.yaml")

    assert policy.proof == "received-by-name"
    assert policy.promise == PromiseRules(30, 4)
    assert policy.dispute.deadline == Offset(5, "bd")


def test_rules_of_payments_plans_and_limitation_are_read() -> None:
    head = """\
policy: exemplo
promise: {shorten_after: 2}
dispute: {explain: 3bd}
payments: {respite: 3bd, principal_only: keep, clearing: 1bd, claimed: 4d}
plan: {most: 4, down: 12.5%, minimum: 80.00, interest: 1%, tolerance: 0d, answer: 2bd, discounts: {90d: 10%, 30d: 5%}}
offers: {tres: {instalments: 3, down: 30%}, quatro: {instalments: 4}, a-vista: {instalments: 0}}
limitation: {warn: 60d}
steps:
"""
    policy = parse_policy(head + CONTACT.replace("text:", "offer: quatro, text:"), "regua.yaml")

    assert policy.promise.shorten_after == 2
    assert policy.dispute == DisputeRules(explain=Offset(3, "bd"))
    assert policy.payments == PaymentRules(Offset(3, "bd"), "keep", Offset(1, "bd"), Offset(4, "d"))
    assert policy.plan == PlanRules(
        most=4,
        down=Decimal("12.5"),
        minimum=Decimal("80.00"),
        interest=Decimal(1),
        tolerance=Offset(0, "d"),
        answer=Offset(2, "bd"),
        discounts=(Discount(30, Decimal(5)), Discount(90, Decimal(10))),
    )
    assert policy.offers == (
        Offer("tres", 3, Decimal(30)),
        Offer("quatro", 4, Decimal("12.5")),
        Offer("a-vista", 0, Decimal(100)),
    )
    assert policy.warn == Offset(60, "d")
    assert policy.steps[0].offer == "quatro"
    assert passed_over(policy) == ()


def test_a_file_without_offers_has_the_usual_ones_that_its_plan_allows() -> None:
    assert parse_policy(HEAD + CONTACT, "regua.yaml").offers == USUAL_OFFERS
    small = parse_policy("plan: {most: 2}\n" + HEAD + CONTACT, "regua.yaml")
    assert [offer.name for offer in small.offers] == ["a-vista"]
    dear = parse_policy("plan: {down: 40%}\n" + HEAD + CONTACT, "regua.yaml")
    assert [offer.name for offer in dear.offers] == ["a-vista"]


def test_a_ladder_pinned_before_offers_were_described_still_reads() -> None:
    old = HEAD + CONTACT.replace("text:", "offer: metade-agora, text:")

    assert faults(old) == [
        "regua.yaml:3: `offer:` `metade-agora` is none of this file's offers; allowed are parcelamento-3x, a-vista"
    ]
    assert parse_policy(old, "regua.yaml", pinned=True).steps[0].offer is None


def test_an_offer_is_looked_for_in_the_line_where_it_stands() -> None:
    step = "  - id: oi\n    at: due + 1d\n    do: contact\n    by: [email]\n    text: oi\n    offer: outra\n"
    head = "policy: a\noffers: {uma: {instalments: 1}}\nsteps:\n"

    assert faults(head + step) == ["regua.yaml:9: `offer:` `outra` is none of this file's offers; allowed are uma"]


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("due", At("due")),
        ("due - 3d", At("due", Offset(-3, "d"))),
        ("due+1bd", At("due", Offset(1, "bd"))),
        ("due + 2w", At("due", Offset(2, "w"))),
        ("promise.broken + 1bd", At("promise.broken", Offset(1, "bd"))),
        ("previous  +  1m", At("previous", Offset(1, "m"))),
        ("end of month of due", At("due", None, end_of_month=True)),
        ("end of month of due + 1m", At("due", Offset(1, "m"), end_of_month=True)),
    ],
)
def test_every_way_to_say_when_is_read(written: str, at: At) -> None:
    step = parse_policy(
        f"{HEAD}{CONTACT}{CONTACT.replace('oi', 'ola').replace('due + 1d', written)}", "regua.yaml"
    ).steps[1]

    assert step.at == at
    assert str(step.at) == re.sub(r"\s*([+-])\s*", r" \1 ", written)


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ("balance >= 200", {"balance": Decimal("200.00")}, True),
        ("balance >= 200", {"balance": Decimal("199.99")}, False),
        ("balance < 199.90", {"balance": Decimal("199.89")}, True),
        ("days_late > 30", {"days_late": 30}, False),
        ("days_late <= 30", {"days_late": 30}, True),
        ("debtor == company", {"debtor": "company"}, True),
        ("debtor = company", {"debtor": "consumer"}, False),
        ("protest != registered", {"protest": "none"}, True),
        ("protest == registered and balance >= 1", {"protest": "registered", "balance": Decimal(0)}, False),
    ],
)
def test_a_condition_holds_exactly_when_all_its_comparisons_do(
    condition: str, values: dict[str, Decimal | int | str], holds: bool
) -> None:
    parsed = parse_policy(one_step(f"do: legal, when: {condition}"), "regua.yaml").steps[1].when

    assert parsed is not None
    assert parsed.holds(values) is holds
    assert str(parsed) == condition.replace(" = ", " == ")


def test_a_hand_over_is_always_approved_by_somebody() -> None:
    assert parse_policy(one_step("do: legal"), "regua.yaml").steps[1].approve == "manager"
    assert parse_policy(one_step("do: legal, approve: lawyer"), "regua.yaml").steps[1].approve == "lawyer"


def test_a_policy_goes_through_json_unchanged() -> None:
    policy, adapter = parse_policy(FULL, "regua.yaml"), TypeAdapter(Policy)

    assert adapter.validate_json(adapter.dump_json(policy)) == policy


def test_the_hash_pins_the_text_and_not_its_line_ends() -> None:
    policy = parse_policy(FULL, "regua.yaml")

    assert parse_policy("\ufeff" + FULL.replace("\n", "  \r\n") + "\n\n", "other.yaml") == policy
    assert policy.hash == hashlib.sha256(policy.text.encode()).hexdigest()
    assert parse_policy(policy.text, "regua.yaml") == policy
    assert parse_policy(FULL.replace("5.00", "6.00"), "regua.yaml").hash != policy.hash


def test_an_edited_policy_is_another_one_and_leaves_the_first_alone() -> None:
    first = parse_policy(FULL, "regua.yaml")
    second = parse_policy(FULL.replace("grace: 3d", "grace: 7d"), "regua.yaml")

    assert (first.grace, second.grace) == (Offset(3, "d"), Offset(7, "d"))
    assert first.hash != second.hash
    assert parse_policy(first.text, "regua.yaml").grace == Offset(3, "d")


def test_an_edit_with_one_bad_value_is_refused_whole() -> None:
    assert faults(FULL.replace("grace: 3d", "grace: 3 days")) == [
        "regua.yaml:5: `grace:` is `3 days`; write a number from 0 to 999 and a unit, "
        "d (days), bd (business days), w (weeks) or m (months), like 10bd"
    ]


def test_all_faults_are_named_at_once_in_the_order_of_the_file() -> None:
    wrong = """\
policy: Exemplo
contact: {per_day: 5, per_week: 3}
colour: blue
steps:
  - {id: oi, at: paid + 1d, do: contact, by: [pigeon], text: atraso-cordial}
  - id: oi
    at: due + 3d
    do: contact
    by: [email]
    deadline: 5d
"""
    found = faults(wrong)

    assert [fault.split(": ")[0] for fault in found] == [f"regua.yaml:{line}" for line in (1, 2, 3, 5, 5, 6, 6, 10)]
    assert "anchors are due, previous, notice.deadline, protest.over, promise.broken" in found[3]
    assert "allowed are email, sms, whatsapp, voice, letter" in found[4]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "regua.yaml:1: the file is empty; write the keys of a policy: policy, title, contact, entry"),
        ("# nothing\n", "regua.yaml:1: the file is empty"),
        ("- a\n- b\n", "regua.yaml:1: the file is a list; write the keys of a policy"),
        ("just text", "regua.yaml:1: the file is `just text`"),
        ("policy: a\nsteps: [", "regua.yaml:2: this is not YAML: "),
        ("policy: a\nsteps:\n\t- {id: a}\n", "regua.yaml:3: the line begins with a tab; indent with spaces"),
        ("policy:\t\ta\nsteps: []\n", "regua.yaml:1: a tab; separate with spaces"),
        ("policy: a\u2028\x85steps: [}\n", "this is not YAML: "),
        ("policy: a\n---\npolicy: b\n", "regua.yaml:2: this is not YAML: "),
        ("policy: a\ntitle: \x07\n", "regua.yaml:2: a character that cannot be printed"),
        ('title: "\\UFFFFFFFF"\n', "regua.yaml:1: the file has a number or an escape that YAML does not allow"),
        ("[" * 3000, "regua.yaml:1: lists or mappings lie too deep in each other"),
        ("policy: a\n" + HEAD + CONTACT, "regua.yaml:2: the policy has the key `policy` twice; write it once"),
        ("policy: a\n", "regua.yaml:1: the policy has no `steps`; the policy needs policy, steps"),
        ("policy: a\nsteps: []\n", "regua.yaml:2: `steps:` is empty; write a list of steps"),
        ("policy: a\nsteps: oi\n", "regua.yaml:2: `steps:` is `oi`; write a list of steps"),
        ("policy: 2024\nsteps:\n" + CONTACT, "regua.yaml:1: `policy:` `2024` is read as int, not as text; put it in q"),
        ("title: ''\n" + HEAD + CONTACT, "regua.yaml:1: `title:` is empty; write text"),
        ("proof: seen\n" + HEAD + CONTACT, "regua.yaml:1: `proof:` `seen` is unknown; allowed are sent, delivered, re"),
        ("tolerance: 5,00\n" + HEAD + CONTACT, "regua.yaml:1: `tolerance:` is `5,00`; write an amount in reais like 2"),
        ("entry: {first_wave: now}\n" + HEAD + CONTACT, "`first_wave:` `now` is unknown; allowed are needs-release, f"),
        ("entry: always\n" + HEAD + CONTACT, "entry is `always`; write keys with values: already_late, first_wave"),
        ("promise: {longest: 2w}\n" + HEAD + CONTACT, "`longest:` is `2w`; write calendar days, like 15d"),
        ("promise: {most: 0}\n" + HEAD + CONTACT, "`most:` is `0`; write a whole number from 1 to 999"),
        ("dispute: {deadline: 0d}\n" + HEAD + CONTACT, "`deadline:` is `0d`; write a time of at least 1d"),
        (headed("promise: {shorten_after: -1}"), "`shorten_after:` is `-1`; write a whole number from 0 to 9"),
        (headed("payments: {respite: 0bd}"), "`respite:` is `0bd`; write a time of at least 1d"),
        (headed("payments: {principal_only: drop}"), "`drop` is unknown; allowed are impute, keep, waive"),
        (headed("payments: {fees: 1%}"), "payments has an unknown key `fees`; allowed are respite, principal_"),
        (headed("plan: {down: 20}"), "`down:` is `20`; write a per cent from 0% to 100%, like 20% or 1.5%"),
        (headed("plan: {interest: 101%}"), "`interest:` is `101%`; write a per cent from 0% to 100%"),
        (headed("plan: {discounts: {1m: 5%}}"), "`1m` is no age of a debt; write calendar days late, like"),
        (headed("plan: {discounts: {30d: 100%}}"), "the discount `30d` is `100%`; write more than 0% and les"),
        (headed("plan: {discounts: 5%}"), "discounts is `5%`; write keys with values"),
        (headed("offers: {tres: 3}"), "the offer `tres` is `3`; write keys with values: instalments, down"),
        (headed("offers: {tres: {down: 30%}}"), "the offer `tres` has no `instalments`"),
        (headed("offers: {TRES: {instalments: 3}}"), "the offer `TRES` has no good name; write up to 60 small"),
        (headed("offers: {sete: {instalments: 7}}"), "has 7 instalments, the plan at most 6; write fewer, or "),
        (headed("offers: {tres: {instalments: 3, down: 10%}}"), "has 10% down; write at least the plan's 20% a"),
        (headed("offers: {tres: {instalments: 3, down: 100%}}"), "has 100% down; write at least the plan's 20%"),
        (headed("offers: {ja: {instalments: 0, down: 50%}}"), "is paid at once, yet 50% down; leave `down:` out"),
        (headed("limitation: {warn: never}"), "`warn:` is `never`; write a number from 0 to 999 and a unit"),
        ("offers: {}\n" + one_step("do: contact, by: [sms], text: oi, offer: x"), "describe it under `offers:`"),
        (with_contact("{per_day: 4, per_week: 3}"), "regua.yaml:2: per_day 4 is more than per_week 3"),
        (with_contact("{per_day: 4}"), "per_day 4 is more than per_week 3"),
        (with_contact("{per_day: many}"), "`per_day:` is `many`; write a whole number from 1 to 999"),
        (with_contact("{hours: {mon-fri: '09:00-24:30'}}"), "`09:00-24:30` is outside the day; a day's hours lie betw"),
        (with_contact("{hours: {mon-fri: '18:00-09:00'}}"), "`18:00-09:00` ends before it has begun"),
        (with_contact("{hours: {mon-fri: '09:00-09:00'}}"), "`09:00-09:00` ends before it has begun"),
        (with_contact("{hours: {mon-fri: always}}"), '`mon-fri:` is `always`; write hours like "09:00-18:00", or off'),
        (with_contact("{hours: {fri-mon: '09:00-18:00'}}"), "`fri-mon` is no weekday; write one of mon, tue, wed"),
        (with_contact("{hours: {mon-fri: '09:00-18:00', tue: off}}"), "`tue` sets tue a second time; give each weekda"),
        (with_contact("{hours: {sun: '09:00-12:00'}}"), "these hours leave no moment that is lawful in every state"),
        (HEAD + "  - oi\n", "regua.yaml:3: the step is `oi`; write keys with values: id, at, do"),
        (HEAD + "  - {id: oi, do: contact, by: [email], text: oi}\n", "regua.yaml:3: the step has no `at`"),
        (one_step("do: sue"), "`do:` `sue` is unknown; allowed are contact, task, notice, protest, legal, negotiate,"),
        (one_step("do: contact, by: [email]"), "regua.yaml:4: a contact has no `text`; a contact needs by, text"),
        (one_step("do: contact, text: oi"), "a contact has no `by`; a contact needs by, text"),
        (one_step("do: contact, by: email, text: oi"), "`by:` is `email`; write a list of email, sms"),
        (one_step("do: contact, by: [email, email], text: oi"), "`by:` names a channel twice"),
        (one_step("do: task, by: [fax], text: oi"), "`by:` `fax` is unknown; allowed are call"),
        (one_step("do: contact, by: [email], text: oi, deadline: 5d"), "a contact has no `deadline`; `deadline` belon"),
        (one_step("do: notice, by: [letter], text: oi"), "a notice has no `deadline`; a notice needs by, text, deadli"),
        (one_step("do: notice, by: [letter], text: oi, deadline: 5x"), "`deadline:` is `5x`; write a number from 0 to"),
        (
            one_step("do: notice, by: [letter], text: oi, deadline: 5d, late: skip"),
            "a notice cannot be `late: skip`; allowed are send, never-skip",
        ),
        (one_step("do: legal, approve: boss"), "`approve:` `boss` is unknown; allowed are supervisor, manager, lawyer"),
        (one_step("do: legal, late: whenever"), "`late:` `whenever` is unknown; allowed are send, collapse, skip, nev"),
        (one_step("do: legal, when: balance"), "`when:` `balance` is no comparison; write comparisons like balance >="),
        (one_step("do: legal, when: balance >= many"), "cannot compare balance with `many`; compare it with an amount"),
        (one_step("do: legal, when: mood == bad"), "`mood` cannot be compared; compare balance, days_late, debtor, pr"),
        (one_step("do: legal, when: debtor > company"), "debtor cannot be compared with >; use == or !="),
        (one_step("do: legal, when: debtor == friend"), "debtor is never `friend`; it is one of company, consumer"),
        (one_step("do: legal, when: balance > 1 or balance < 5"), "is no comparison"),
        (one_step("do: protest"), "regua.yaml:4: a protest has no notice before it; put a step `do: notice`"),
        (HEAD + NOTICE, "regua.yaml:3: the first word to the debtor is a notice; put a friendly step"),
        (HEAD + CONTACT.replace("due + 1d", "previous + 1d"), "`at: previous + 1d` is the first step; count the first"),
        (HEAD + CONTACT.replace("due + 1d", "due + 5y"), "`at:` `due + 5y` is no moment; write [end of month of] an a"),
        (HEAD + CONTACT + CONTACT, "regua.yaml:4: the id `oi` is that of the step in line 3; give each step an id of"),
        (HEAD + CONTACT.replace("due + 1d", "notice.deadline"), "`at: notice.deadline` has no notice before it"),
        (HEAD + CONTACT.replace("due + 1d", "protest.over"), "`at: protest.over` has no protest before it"),
        (HEAD + CONTACT + CONTACT.replace("oi", "ola").replace("due + 1d", "previous - 1d"), "lies before previous is"),
        (
            HEAD + CONTACT + NOTICE + "  - {id: p, at: notice.deadline - 2d, do: protest}\n",
            "`at: notice.deadline - 2d` is a protest within the notice's deadline; write notice.deadline or later",
        ),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_where_what_and_what_is_allowed(text: str, fault: str) -> None:
    found = faults(text)

    assert len(found) == 1
    assert fault in found[0]
    assert found[0].startswith("regua.yaml:")


def test_one_mistake_in_a_step_does_not_bring_faults_in_others() -> None:
    unknown_kind = (
        f"{HEAD}{CONTACT}{NOTICE.replace('do: notice', 'do: notify')}  - {{id: p, at: notice.deadline, do: protest}}\n"
    )

    assert len(faults(unknown_kind)) == 1


def test_off_and_midnight_are_hours() -> None:
    policy = parse_policy(with_contact("{hours: {mon-thu: 00:00-24:00, fri: off, sat: no}}"), "regua.yaml")

    assert policy.contact.hours[3] == (time.min, time.max)
    assert policy.contact.hours[4] is None
    assert isinstance(hash(policy.contact), int)
    assert policy.contact != ContactRules({}, 1, 3)


def test_what_is_not_built_yet_is_told_with_its_line() -> None:
    text = FULL.replace("[whatsapp, sms]", "[letter, sms]")
    notes = [str(note) for note in passed_over(parse_policy(text, "regua.yaml"))]

    assert notes == [
        "line 9: step atraso-1: letter is not built yet for a contact, the step uses sms",
    ]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("do: contact, by: [letter], text: oi", "letter not built yet for a contact"),
        ("do: contact, by: [voice, letter], text: oi", None),
        ("do: contact, by: [whatsapp, email], text: oi", None),
        ("do: task, text: oi", None),
        ("do: legal", None),
    ],
)
def test_a_step_of_which_nothing_is_built_is_passed_over(step: str, reason: str | None) -> None:
    policy = parse_policy(one_step(step), "regua.yaml")

    assert passed_over_reason(policy.steps[1]) == reason
    assert (f"{reason}, the step is passed over" in [note.reason for note in passed_over(policy)]) is (
        reason is not None
    )


def test_a_contact_takes_its_built_channels_in_the_order_of_the_file() -> None:
    step = parse_policy(one_step("do: contact, by: [sms, letter, whatsapp, email], text: oi"), "regua.yaml").steps[1]

    assert built_channels(step) == ("sms", "whatsapp", "email")


@pytest.mark.parametrize("file", sorted(DIRECTORY.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_ladders_that_ship_are_clean(file: Path) -> None:
    policy = parse_policy(file.read_text(encoding="utf-8"), file.name)

    assert policy.name == file.stem
    assert passed_over(policy) == ()
    assert {step.text for step in policy.steps} <= {
        None,
        "lembrete",
        "atraso-cordial",
        "atraso-firme",
        "proposta",
        "ultimo-aviso",
        "notificacao-previa",
        "roteiro-cordial",
    }
    assert all(step.approve for step in policy.steps if step.do in (Do.PROTEST, Do.LEGAL))


def test_the_friendly_ladder_never_threatens() -> None:
    policy = parse_policy((DIRECTORY / "amigavel.yaml").read_text(encoding="utf-8"), "amigavel.yaml")

    assert {step.do for step in policy.steps} == {Do.CONTACT, Do.TASK}
    assert policy.steps[-1].do is Do.TASK


def test_the_manual_shows_what_a_wrong_file_really_says() -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    wrong, message = re.findall(r"```(?:yaml|text)\n(.*?)```", manual.split("## A wrong file")[1], re.DOTALL)[:2]

    with pytest.raises(BadFile) as refused:
        parse_policy(wrong, "minha-regua.yaml")
    assert str(refused.value) == message.rstrip("\n")


def test_the_manual_begins_with_a_file_that_is_right() -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)[0]

    assert parse_policy(example, "exemplo.yaml").steps


@given(st.text() | st.text(alphabet="{}[]:-,#&*!|>'\"%@`~ \t\n\x85\u2028abdeiopstuy01"))
def test_garbage_is_a_bad_file_and_nothing_else(text: str) -> None:
    with pytest.raises(BadFile):
        parse_policy(text, "regua.yaml")


@given(st.data())
def test_a_damaged_policy_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FULL)))
    end = data.draw(st.integers(start, min(len(FULL), start + 12)))
    damaged = FULL[:start] + data.draw(st.text(max_size=6)) + FULL[end:]
    try:
        parse_policy(damaged, "regua.yaml")
    except BadFile as refused:
        message = str(refused)
    else:
        return
    assert "regua.yaml:" in message
    assert message.encode()


OFFSETS = st.builds(
    "{} {}{}".format, st.sampled_from("+-"), st.integers(0, 999), st.sampled_from(["d", "bd", "w", "m"])
)
DAYS = st.dates(date(2010, 1, 1), date(2050, 1, 1))


@st.composite
def ladders(draw: st.DrawFn) -> str:
    """Ladders that are right: some contacts, a notice, a protest, a hand-over."""
    lines = [CONTACT]
    for number in range(draw(st.integers(0, 3))):
        when = draw(st.sampled_from(["due", "end of month of due"])) + " " + draw(OFFSETS)
        late = draw(st.sampled_from(list(Late)))
        lines.append(f"  - {{id: c{number}, at: {when}, do: contact, by: [sms], text: oi, late: {late}}}\n")
    if draw(st.booleans()):
        lines.append(NOTICE)
        lines.append(f"  - {{id: p, at: notice.deadline, do: protest, approve: {draw(st.sampled_from(ROLES))}}}\n")
        lines.append("  - {id: j, at: protest.over + 2m, do: legal, when: protest != paid and days_late > 40}\n")
    return HEAD + "".join(lines)


@given(ladders(), DAYS, DAYS | st.none(), DAYS | st.none(), DAYS | st.none())
def test_every_step_of_every_policy_has_a_day_or_waits_for_its_anchor(
    text: str, due: date, previous: date | None, deadline: date | None, over: date | None
) -> None:
    anchors = Anchors(due, previous, {"notice.deadline": deadline, "protest.over": over})
    happened = {"due": due, "notice.deadline": deadline, "protest.over": over}

    for step in parse_policy(text, "regua.yaml").steps:
        assert (step_day(step, anchors) is None) is (happened[step.at.anchor] is None)
