"""Files to and from a CRA: by folder, and over SOAP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from domain import cra
from domain.errors import Misconfigured, Permanent, Unavailable, Unknown
from gateways.cra import Awaited, FolderCra, HttpCra, Receipt
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import CRA_PASSWORD, CRA_USER
from tests.domain.cra_samples import DAY, GOODS, ORDER, PRESENTER, remittance

NAME, CONTENT = cra.write(remittance())
MORNING = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        set_day(sandbox, DAY)
        yield sandbox


def set_day(sandbox: Sandbox, day: date) -> None:
    """It is ten in the morning of a day at the notary's."""
    sandbox.clock(datetime.now(UTC), datetime(day.year, day.month, day.day, 13, 0, tzinfo=UTC), 1.0)


def gateway(sandbox: Sandbox, *, password: str = CRA_PASSWORD, timeout: float = 5.0, days: int = 10) -> HttpCra:
    """Nothing is known to be confirmed yet: each of the day's nine remittances may be."""
    awaited = [Awaited(PRESENTER.code, DAY + timedelta(days=n), tuple(range(1, 10))) for n in range(days)]
    return HttpCra(sandbox.cra_url, CRA_USER, password, lambda _: awaited, timeout)


def fetched(transport: HttpCra, kinds: str) -> list[tuple[str, bytes]]:
    """What is ready, once something of these kinds is."""
    deadline = time.monotonic() + 10
    files = transport.fetch()
    while not {name[0] for name, _ in files} >= set(kinds):
        assert time.monotonic() < deadline, [name for name, _ in files]
        time.sleep(0.02)
        files = transport.fetch()
    return files


class TestFolder:
    """The folders that a bank's transfer program empties and fills."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> FolderCra:
        return FolderCra(tmp_path / "out", tmp_path / "in")

    def test_a_file_appears_whole_in_the_outbox(self, folder: FolderCra, tmp_path: Path) -> None:
        assert folder.upload("remessa", NAME, CONTENT).code == "0000"
        assert [path.name for path in (tmp_path / "out").iterdir()] == [NAME]
        assert (tmp_path / "out" / NAME).read_bytes() == CONTENT

    def test_the_same_file_again_is_harmless_and_another_of_its_name_refused(
        self, folder: FolderCra, tmp_path: Path
    ) -> None:
        folder.upload("remessa", NAME, CONTENT)
        assert folder.upload("remessa", NAME, CONTENT).code == "1001"
        with pytest.raises(Permanent):
            folder.upload("remessa", NAME, CONTENT + b"x")
        assert (tmp_path / "out" / NAME).read_bytes() == CONTENT

    def test_a_crash_while_writing_leaves_nothing_that_is_sent(self, folder: FolderCra, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / f".{NAME}").write_bytes(CONTENT[:100])
        assert folder.upload("remessa", NAME, CONTENT).code == "0000"
        assert (tmp_path / "out" / NAME).read_bytes() == CONTENT

    def test_answers_are_fetched_oldest_first_until_they_are_done(self, folder: FolderCra, tmp_path: Path) -> None:
        inbox = tmp_path / "in"
        inbox.mkdir()
        names = ["C9993112.251", "R9990201.261", "R9990201.262", "M9990202.261", "C9990202.262"]
        for name in reversed(names):
            (inbox / name).write_bytes(name.encode())
        assert folder.fetch() == [(name, name.encode()) for name in names]
        for name in names:
            folder.done(name)
        assert folder.fetch() == []
        assert sorted(path.name for path in (inbox / "done").iterdir()) == sorted(names)

    def test_done_twice_is_harmless_and_no_earlier_file_is_overwritten(self, folder: FolderCra, tmp_path: Path) -> None:
        inbox = tmp_path / "in"
        inbox.mkdir()
        for content in (b"first", b"second"):
            (inbox / "R9990201.261").write_bytes(content)
            folder.done("R9990201.261")
            folder.done("R9990201.261")
        assert {path.read_bytes() for path in (inbox / "done").iterdir()} == {b"first", b"second"}

    def test_strange_names_are_left_alone_and_reported(self, folder: FolderCra, tmp_path: Path) -> None:
        inbox = tmp_path / "in"
        inbox.mkdir()
        for name in ("leia-me.txt", "R9990201.261.txt", "B9990201.261", "r9990201.261", ".R9990201.261"):
            (inbox / name).write_bytes(b"")
        assert folder.fetch() == []
        assert folder.strange() == ["B9990201.261", "R9990201.261.txt", "leia-me.txt", "r9990201.261"]

    def test_a_folder_that_cannot_be_used_is_a_setting_to_mend(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_bytes(b"a file where a folder should be")
        with pytest.raises(Misconfigured):
            FolderCra(tmp_path / "out", tmp_path / "in").upload("remessa", NAME, CONTENT)


class TestSoap:
    """The CRA's own service."""

    def test_a_remittance_is_taken_byte_by_byte(self, sandbox: Sandbox) -> None:
        receipt = gateway(sandbox).upload("remessa", NAME, CONTENT)
        assert receipt == Receipt("0000", "", ())
        row = sandbox.state.row("SELECT content FROM cra_uploads WHERE name = ?", NAME)
        assert row is not None
        assert bytes(row["content"]) == CONTENT
        assert sandbox.log()[-1]["subject"] == NAME

    def test_the_same_file_again_counts_as_accepted_and_is_taken_once(self, sandbox: Sandbox) -> None:
        transport = gateway(sandbox)
        transport.upload("remessa", NAME, CONTENT)
        assert transport.upload("remessa", NAME, CONTENT).code == "1001"
        assert len(sandbox.log()) == 1

    def test_another_file_of_the_same_name_is_refused(self, sandbox: Sandbox) -> None:
        transport = gateway(sandbox)
        transport.upload("remessa", NAME, CONTENT)
        with pytest.raises(Permanent) as caught:
            transport.upload("remessa", NAME, CONTENT.replace(b"FULANO", b"SICRANO"[:6]))
        assert caught.value.code == "2117"

    @pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop"])
    def test_an_upload_whose_answer_was_lost_is_simply_repeated(self, sandbox: Sandbox, effect: str) -> None:
        transport = gateway(sandbox)
        sandbox.fault(effect, times=1)
        with pytest.raises(Unknown):
            transport.upload("remessa", NAME, CONTENT)
        assert transport.upload("remessa", NAME, CONTENT).code == "1001"

    def test_a_file_under_a_wrong_name_or_with_a_fault_is_refused_whole(self, sandbox: Sandbox) -> None:
        for name, content, code in [
            ("REMESSA.TXT", CONTENT, "0002"),
            ("DP9992311.261", CONTENT, "0002"),
            (NAME, CONTENT[:-10], "2182"),
        ]:
            with pytest.raises(Permanent) as caught:
                gateway(sandbox).upload("remessa", name, content)
            assert caught.value.code == code
            assert "FULANO" not in str(caught.value)
        assert gateway(sandbox).upload("remessa", NAME, CONTENT).code == "0000"

    def test_after_the_cut_off_it_is_for_another_day(self, sandbox: Sandbox) -> None:
        sandbox.fault("fail", provider="cra", code="2139", times=1)
        with pytest.raises(Unavailable) as caught:
            gateway(sandbox).upload("remessa", NAME, CONTENT)
        assert caught.value.code == "2139"

    def test_a_wrong_password_is_a_setting_to_mend(self, sandbox: Sandbox) -> None:
        wrong = gateway(sandbox, password="wrong")
        with pytest.raises(Misconfigured):
            wrong.upload("remessa", NAME, CONTENT)
        with pytest.raises(Misconfigured):
            wrong.fetch()

    def test_the_timeout_is_honoured_and_the_outcome_unknown(self, sandbox: Sandbox) -> None:
        sandbox.fault("hold", times=1)
        start = time.monotonic()
        with pytest.raises(Unknown):
            gateway(sandbox, timeout=0.3).upload("remessa", NAME, CONTENT)
        assert 0.3 <= time.monotonic() - start < 1.0

    def test_a_refused_connection_did_nothing(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        transport = HttpCra(f"http://127.0.0.1:{port}/", "u", "p", lambda _: [Awaited("999", DAY)], 1.0)
        with pytest.raises(Unavailable):
            transport.upload("remessa", NAME, CONTENT)
        with pytest.raises(Unavailable):
            transport.fetch()

    def test_nothing_is_ready_on_the_first_day(self, sandbox: Sandbox) -> None:
        transport = gateway(sandbox)
        transport.upload("remessa", NAME, CONTENT)
        assert transport.fetch() == []

    def test_confirmations_and_returns_come_back_whole_until_they_are_done(self, sandbox: Sandbox) -> None:
        transport = gateway(sandbox)
        transport.upload("remessa", NAME, CONTENT)
        set_day(sandbox, date(2026, 12, 1))
        files = fetched(transport, "CMR")
        assert [name[0] for name, _ in files] == ["C", "M", "R"]
        for name, content in files:
            assert content.endswith(b"\r\n")
            assert cra.read(content, name).name == name
        transport.done(files[0][0])
        assert [name for name, _ in transport.fetch()] == [name for name, _ in files[1:]]

    def test_days_long_over_are_asked_for_once_more_and_then_no_more(self, sandbox: Sandbox) -> None:
        class Asking(HttpCra):
            """Remembers the names that it asked for."""

            asked: list[str]

            def _download(self, name: str) -> bytes | None:
                self.asked.append(name)
                return super()._download(name)

        days = [Awaited(PRESENTER.code, DAY + timedelta(days=n)) for n in range(10)]
        transport = Asking(sandbox.cra_url, CRA_USER, CRA_PASSWORD, lambda _: days, 5.0)
        transport.asked = []
        assert transport.fetch() == []
        assert len(transport.asked) == 20, "returns and progress of ten days"
        transport.asked.clear()
        transport.fetch()
        assert {name[4:8] for name in transport.asked} == {"2911", "3011", "0112", "0212"}, "the last days"

    def test_a_gap_before_a_confirmation_does_not_hide_it(self, sandbox: Sandbox) -> None:
        transport = gateway(sandbox)
        third = cra.remittance(PRESENTER, [GOODS], DAY, 3, lambda _: 3)
        transport.upload("remessa", *cra.write(third))
        set_day(sandbox, DAY + timedelta(days=1))
        assert [name for name, _ in fetched(transport, "C")] == ["C9992311.263"]

    def test_an_order_for_an_unknown_title_is_left_out_and_the_others_taken(self, sandbox: Sandbox) -> None:
        transport = gateway(sandbox)
        transport.upload("remessa", NAME, CONTENT)
        set_day(sandbox, DAY + timedelta(days=1))
        name, content = fetched(transport, "C")[0]
        (first, *_) = cra.confirmations(cra.read(content, name))
        known = cra.WithdrawalOrder(
            first.protocol or "", DAY + timedelta(days=1), ORDER.title_number, "Devedora", ORDER.amount, "01", "3550308"
        )
        day = DAY + timedelta(days=1)
        both = cra.withdrawals(PRESENTER, [known, ORDER], day, 1)
        receipt = transport.upload("desistencia", *cra.write(both))
        assert [(part.where, part.code) for part in receipt.refused] == [(ORDER.title_number, "2012")]
        with pytest.raises(Permanent) as caught:
            transport.upload("desistencia", *cra.write(cra.withdrawals(PRESENTER, [ORDER], day, 2)))
        assert caught.value.code == "2012"

    def test_a_document_with_entities_is_not_read(self) -> None:
        bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=_answer_once, args=(server, bomb))
            thread.start()
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            with pytest.raises(Unknown):
                HttpCra(url, "u", "p", lambda _: [Awaited("999", DAY)], 5.0).upload("remessa", NAME, CONTENT)
            thread.join()


def _answer_once(server: socket.socket, body: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        received = b""
        while b"</soap:Envelope>" not in received:
            received += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
