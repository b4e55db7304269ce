"""`contact:` of a policy file: what it may say, what stands where it says nothing, and its faults with their lines."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.errors import BadFile
from domain.policy import DEFAULT_CONTACT, ContactRules
from domain.policy_file import parse_policy
from tests.domain.core import shipped

STEPS = "steps:\n  - {id: um, at: due + 1d, do: contact, by: [email], text: atraso-cordial}\n"


def contact(text: str) -> ContactRules:
    return parse_policy(f"policy: teste\ncontact: {text}\n{STEPS}", "teste.yaml").contact


def fault(text: str) -> str:
    with pytest.raises(BadFile) as refused:
        contact(text)
    (found,) = refused.value.faults
    assert found.where == "teste.yaml:2"
    return str(found)


def test_every_rule_of_contact_can_be_written() -> None:
    rules = contact(
        "{per_day: 2, per_week: 4, per_channel: {email: 2, sms: 1}, per_address: 3, spacing: 6h,"
        " quiet: [12-24, 12-26..01-02], cost: 5.00}"
    )
    assert (rules.per_day, rules.per_week, rules.per_address, rules.cost) == (2, 4, 3, Decimal("5.00"))
    assert (rules.of_channel("email"), rules.of_channel("sms"), rules.of_channel("whatsapp")) == (2, 1, 1)
    assert rules.spacing == timedelta(hours=6)
    quiet = [date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 2)]
    assert all(rules.quiet_on(day) for day in quiet)
    assert not any(rules.quiet_on(day) for day in (date(2026, 12, 25), date(2027, 1, 3)))


def test_what_is_not_written_is_cautious() -> None:
    assert contact("{per_day: 1}") == DEFAULT_CONTACT
    assert DEFAULT_CONTACT.of_channel("sms") == 1
    assert (DEFAULT_CONTACT.per_address, DEFAULT_CONTACT.spacing, DEFAULT_CONTACT.cost) == (2, timedelta(hours=4), None)
    assert shipped("padrao-consumidor").contact.spacing == timedelta(hours=4), "also for ladders that run already"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{per_channel: {fax: 1}}", "per_channel has an unknown key `fax`"),
        ("{per_channel: {sms: 0}}", "`sms:` is `0`; write a whole number from 1 to 999"),
        ("{per_channel: 1}", "per_channel is `1`"),
        ("{per_address: many}", "`per_address:` is `many`"),
        ("{spacing: 4}", "`spacing:` is `4`; write hours from 0h to 168h, like 4h"),
        ("{spacing: 169h}", "`spacing:` is `169h`"),
        ("{quiet: 12-24}", "`quiet:` is `12-24`; write a list of days"),
        ("{quiet: [02-30]}", "`02-30` is no day of the year"),
        ("{quiet: [12-24..]}", "`12-24..` is no day of the year"),
        ("{quiet: [01-01..03-01]}", "covers more than 45 days of a year"),
        ('{cost: "5.00"}', "`cost:` is `5.00`; write an amount in reais"),
        ("{per_hour: 1}", "contact has an unknown key `per_hour`"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line_and_what_is_right(text: str, says: str) -> None:
    assert says in fault(text)
