"""The notary of the sandbox: files in, files out, in business time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from domain import cra
from domain.calendars import add_notary_days, is_notary_day, three_day_term
from domain.errors import BadInput
from gateways.cra import FolderCra
from sandbox.notary import Notary
from sandbox.state import Settings, State
from tests.domain.cra_samples import DAY, GOODS, PRESENTER, SERVICE, SHARED, remittance

CHECKER = SHARED / "tools" / "check_cra.py"
PROTOCOL_DAY = date(2026, 11, 24)
NUMBER = GOODS.our_number


class Office:
    """A notary with hands on its clock."""

    def __init__(self, folder: Path, cra_folder: Path | None = None) -> None:
        self.state = State(Settings(folder, cra_folder=cra_folder))
        self.notary = Notary(self.state, lambda: self.now)
        self.go_to(DAY)

    def go_to(self, day: date, hour: int = 10) -> None:
        """Local time in São Paulo, three hours behind UTC."""
        self.now = datetime(day.year, day.month, day.day, hour, 0, tzinfo=UTC) + timedelta(hours=3)
        self.notary.work()

    def receive(self, file: cra.CraFile) -> str:
        return self.notary.receive(file.kind, *cra.write(file)).code

    def files(self, kind: str) -> list[cra.CraFile]:
        rows = self.state.rows("SELECT name, content FROM cra_files WHERE name LIKE ? ORDER BY rowid", f"{kind}%")
        return [cra.read(bytes(row["content"]), row["name"]) for row in rows]

    def outcomes(self) -> list[tuple[str, str]]:
        return [(o.our_number, o.occurrence) for file in self.files("R") for o in cra.outcomes(file)]

    def order(self, kind: str, day: date, sequence: int = 1) -> str:
        """A withdrawal or cancellation of the first title, by what its confirmation said."""
        told = next(c for c in cra.confirmations(self.files("C")[0]) if c.our_number == NUMBER)
        order = cra.WithdrawalOrder(
            told.protocol or "",
            told.protocol_date or day,
            GOODS.number,
            GOODS.debtors[0].name,
            GOODS.balance,
            told.notary_code,
            GOODS.municipality,
        )
        build = cra.withdrawals if kind == "DP" else cra.cancellations
        return self.receive(build(PRESENTER, [order], day, sequence))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.state.close()


def test_titles_are_confirmed_on_the_next_notary_day_with_a_protocol_each(office: Office) -> None:
    assert office.receive(remittance()) == "0000"
    office.go_to(PROTOCOL_DAY, hour=8)
    assert office.files("C") == []
    office.go_to(PROTOCOL_DAY, hour=9)
    (file,) = office.files("C")
    assert file.name == "C" + remittance().name[1:]
    protocols = {c.our_number: c.protocol for c in cra.confirmations(file)}
    assert len(set(protocols.values())) == 2
    assert all(c.protocol_date == PROTOCOL_DAY for c in cra.confirmations(file))


def test_a_title_is_protested_when_the_term_is_over_and_not_before(office: Office) -> None:
    office.receive(remittance(GOODS))
    over = three_day_term(PROTOCOL_DAY, GOODS.municipality)
    office.go_to(over, hour=23)
    assert office.outcomes() == []
    office.go_to(add_notary_days(over, 1, GOODS.municipality))
    assert office.outcomes() == [(NUMBER, "2")]
    assert [e.code for file in office.files("M") for e in cra.progress_events(file)] == ["AG"]


@pytest.mark.parametrize(
    ("fate", "outcomes"), [("paid", ["1"]), ("suspended", ["4"]), ("silent", []), ("registered", ["2"])]
)
def test_each_fate_has_its_outcome(office: Office, fate: str, outcomes: list[str]) -> None:
    office.receive(remittance())
    office.notary.set_fates({GOODS.number: fate})
    office.go_to(date(2026, 12, 15))
    assert [code for number, code in office.outcomes() if number == NUMBER] == outcomes
    assert (SERVICE.our_number, "2") in office.outcomes()
    assert len(office.files("C")) == 1


def test_the_title_number_may_decide_by_itself(office: Office) -> None:
    office.receive(remittance(replace(GOODS, number="PAGO0000001")))
    office.go_to(date(2026, 12, 15))
    assert office.outcomes() == [(NUMBER, "1")]


def test_a_debtor_who_goes_to_the_notary_during_the_term_has_paid(office: Office) -> None:
    office.receive(remittance(GOODS))
    office.go_to(add_notary_days(PROTOCOL_DAY, 2))
    office.notary.set_fates({NUMBER: "paid"})
    office.go_to(date(2026, 12, 15))
    assert office.outcomes() == [(NUMBER, "1")]


def test_a_remittance_of_silent_titles_is_not_even_confirmed(office: Office) -> None:
    office.notary.set_fates({NUMBER: "silent"})
    office.receive(remittance(GOODS))
    office.go_to(date(2026, 12, 15))
    assert [*office.files("C"), *office.files("R"), *office.files("M")] == []


def test_an_irregular_title_is_sent_back_and_accepted_once_corrected(office: Office) -> None:
    office.notary.set_fates({GOODS.number: "irregular-then-ok:06"})
    office.receive(remittance(GOODS))
    office.go_to(PROTOCOL_DAY)
    (first,) = cra.confirmations(office.files("C")[0])
    assert (first.protocol, first.occurrence, first.irregularities) == (None, "5", ("06",))
    again = cra.remittance(PRESENTER, [replace(GOODS, our_number="FAT2026000009")], PROTOCOL_DAY, 1, lambda _: 2)
    office.receive(again)
    office.go_to(PROTOCOL_DAY + timedelta(days=1))
    (second,) = cra.confirmations(office.files("C")[1])
    assert (second.occurrence, second.protocol is None) == ("", False)
    office.go_to(date(2026, 12, 15))
    assert office.outcomes() == [("FAT2026000009", "2")]


def test_a_withdrawal_before_the_protest_takes_the_title_back(office: Office) -> None:
    office.receive(remittance(GOODS))
    office.go_to(three_day_term(PROTOCOL_DAY))
    assert office.order("DP", office.now.date()) == "0000"
    office.go_to(date(2026, 12, 15))
    assert office.outcomes() == [(NUMBER, "3")]
    assert office.order("DP", date(2026, 12, 15)) == "2028"


def test_a_withdrawal_too_late_learns_that_the_protest_was_made_and_ends_in_cancellation(office: Office) -> None:
    office.receive(remittance(GOODS))
    office.go_to(date(2026, 12, 7))
    assert office.order("DP", date(2026, 12, 7)) == "0000"
    office.go_to(date(2026, 12, 9))
    assert office.order("CP", date(2026, 12, 9)) == "0000"
    assert office.order("CP", date(2026, 12, 9), sequence=2) == "0000"
    office.go_to(date(2026, 12, 15))
    assert office.outcomes() == [(NUMBER, "2"), (NUMBER, "B"), (NUMBER, "A"), (NUMBER, "J")]


def test_nothing_is_cancelled_that_was_not_protested(office: Office) -> None:
    office.receive(remittance(GOODS))
    office.go_to(PROTOCOL_DAY)
    assert office.order("CP", PROTOCOL_DAY) == "2013"


def test_the_same_file_is_taken_once(office: Office) -> None:
    assert [office.receive(remittance(GOODS)) for _ in range(2)] == ["0000", "1001"]
    assert office.receive(remittance(SERVICE)) == "2117"
    office.go_to(date(2026, 12, 15))
    assert office.outcomes() == [(NUMBER, "2")]


def test_a_long_sleep_ends_in_the_same_files_as_daily_work(tmp_path: Path) -> None:
    made = []
    for name, days in [("daily", [DAY + timedelta(days=n) for n in range(30)]), ("asleep", [date(2026, 12, 22)])]:
        office = Office(tmp_path / name)
        office.receive(remittance())
        office.notary.set_fates({SERVICE.our_number: "paid"})
        for day in days:
            office.go_to(day)
            office.notary.work()
        made.append(office.state.rows("SELECT name, content FROM cra_files ORDER BY name"))
        office.state.close()
    assert made[0] == made[1]
    assert len(made[0]) > 3


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    first = Office(tmp_path)
    first.receive(remittance(GOODS))
    first.go_to(PROTOCOL_DAY)
    first.state.close()
    second = Office(tmp_path)
    assert second.receive(remittance(GOODS)) == "1001"
    second.go_to(date(2026, 12, 15))
    assert second.outcomes() == [(NUMBER, "2")]
    second.state.close()


def test_files_only_come_on_days_on_which_a_notary_works(office: Office) -> None:
    office.receive(remittance())
    office.go_to(date(2027, 1, 15))
    for file in [*office.files("R"), *office.files("M")]:
        assert is_notary_day(file.day, GOODS.municipality)


def test_the_folder_is_emptied_and_filled(tmp_path: Path) -> None:
    exchange = tmp_path / "cra"
    office, transport = Office(tmp_path / "state", exchange), FolderCra(exchange / "out", exchange / "in")
    transport.upload("remessa", *cra.write(remittance(GOODS)))
    transport.upload("remessa", "B9992311.265", b"rubbish")
    office.go_to(DAY)
    assert [path.name for path in (exchange / "out" / "taken").iterdir()] == [remittance().name]
    assert [path.name for path in (exchange / "out" / "refused").iterdir()] == ["B9992311.265"]
    office.go_to(date(2026, 12, 15))
    fetched = transport.fetch()
    assert [name[0] for name, _ in fetched] == ["C", "M", "R"]
    for name, _ in fetched:
        transport.done(name)
    office.notary.work()
    assert transport.fetch() == []
    assert transport.strange() == []
    office.state.close()


def test_a_fate_unknown_is_refused(office: Office) -> None:
    with pytest.raises(BadInput):
        office.notary.set_fates({NUMBER: "irregular"})


@pytest.mark.skipif(not CHECKER.is_file(), reason="the independent check of CRA files is not beside the repository")
def test_what_the_notary_writes_holds_for_an_independent_check(office: Office, tmp_path: Path) -> None:
    office.notary.set_fates({SERVICE.our_number: "irregular:06"})
    office.receive(remittance())
    office.go_to(date(2026, 12, 7))
    office.order("DP", date(2026, 12, 7))
    office.go_to(date(2026, 12, 15))
    paths = []
    for row in office.state.rows("SELECT name, content FROM cra_files"):
        path = tmp_path / row["name"]
        path.write_bytes(row["content"])
        paths.append(str(path))
    checked = subprocess.run([sys.executable, str(CHECKER), *paths], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert f"{len(paths)} file(s) hold" in checked.stdout
