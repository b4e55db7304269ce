"""A damaged CRA file is refused whole, with every fault and where it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cra_samples import (
    SHARED,
    every_kind,
    put,
)

from domain import cra
from domain.errors import BadFile

JUDGE = SHARED / "tools" / "check_cra.py"
FILES = every_kind()


def swapped(content: bytes, one: int, other: int) -> bytes:
    lines = content.split(b"\r\n")
    lines[one - 1], lines[other - 1] = lines[other - 1], lines[one - 1]
    return b"\r\n".join(lines)


def without(content: bytes, line: int) -> bytes:
    lines = content.split(b"\r\n")
    del lines[line - 1]
    return b"\r\n".join(lines)


DAMAGE: list[tuple[str, str, Callable[[bytes], bytes], tuple[str, ...]]] = [
    ("a cut line", "B", lambda c: c[:500] + c[501:], (":1: 599 positions; a file B has 600",)),
    ("the end is missing", "B", lambda c: c[:1500], (":3: 296 positions",)),
    ("no trailer", "B", lambda c: without(c, 5), (":4: the last record is of type '1'; a file ends with a 9",)),
    ("wrong sum", "B", lambda c: put(c, 5, 75, "7"), (":5: trailer.06 somatorio_valor [58-75]", "1834.56 is right")),
    ("wrong quantity", "B", lambda c: put(c, 5, 57, "8"), ("trailer.05 somatorio_quantidade [53-57]", "7 is right")),
    ("wrong count", "B", lambda c: put(c, 1, 71, "4"), ("header.09 qtd_registros [68-71] is '4'; 3 is right",)),
    ("wrong titles", "B", lambda c: put(c, 1, 75, "3"), ("header.10 qtd_titulos [72-75] is '3'; 2 is right",)),
    ("swapped records", "B", lambda c: swapped(c, 2, 3), (":2: transacao.52", "2 is right", ":3: transacao.52")),
    ("header inside", "B", lambda c: swapped(c, 1, 2), (":1: record type '1' at the beginning; here stands 0",)),
    ("unknown record", "B", lambda c: put(c, 3, 1, "7"), (":3: record type '7' after '1'; here stands 1 or 9",)),
    ("not ASCII", "B", lambda c: put(c, 2, 20, "Ç"), (":2: byte 0xC7 in position 20; plain ASCII only",)),
    ("a tab", "B", lambda c: put(c, 2, 20, "\t"), (":2: byte 0x09 in position 20",)),
    ("lower case", "B", lambda c: put(c, 2, 177, "sao paulo"), ("transacao.09 cidade_sacador", "upper case")),
    ("letters in an amount", "B", lambda c: put(c, 2, 270, "O"), ("transacao.18 saldo_titulo", "digits only")),
    (
        "31 September",
        "B",
        lambda c: put(c, 2, 228, "31092026"),
        ("data_emissao", "'31092026'", "a real date as DDMMAAAA"),
    ),
    ("no due date", "B", lambda c: put(c, 2, 236, "0" * 8), ("data_vencimento", "the date is mandatory")),
    (
        "no debtor",
        "B",
        lambda c: put(c, 2, 298, " " * 45),
        ("nome_devedor [298-342] is blank; the field is mandatory",),
    ),
    ("the wrong direction", "B", lambda c: put(c, 1, 53, "SDT"), ("transacao_remetente", "always BFO")),
    ("foreign money", "B", lambda c: put(c, 2, 244, "002"), ("tipo_moeda", "always 001")),
    ("the notary's field", "B", lambda c: put(c, 2, 448, "123"), ("numero_protocolo_cartorio", "reserved")),
    ("another presenter", "B", lambda c: put(c, 3, 2, "998"), (":3: transacao.02 codigo_portador", "999 is right")),
    ("another day", "B", lambda c: put(c, 1, 45, "22112026"), (":1: header.04 data_movimento", "2026-11-23 is right")),
    ("no municipality", "B", lambda c: put(c, 1, 93, "0000000"), (":1: municipality '0000000'; an IBGE code of 7",)),
    ("no key", "R", lambda c: put(c, 2, 199, " " * 15), (":2: field 11 (our number) is blank",)),
    ("no protocol", "R", lambda c: put(c, 2, 448, "0" * 10), (":2: field 32 (protocol) is blank or zeros",)),
    ("no reason", "R", lambda c: put(c, 2, 458, "5"), (":2: occurrence '5' without an irregularity",)),
    ("progress in a return", "R", lambda c: put(c, 2, 458, "0"), ("occurrence '0'", "does not belong in a file R")),
    ("no outcome", "R", lambda c: put(c, 2, 458, " "), ("occurrence '' (field 33)", "does not belong in a file R")),
    ("no day", "R", lambda c: put(c, 2, 478, "0" * 8), (":2: field 37 (day of the occurrence) is zeros",)),
    ("letters in what was paid", "R", lambda c: put(c, 2, 261, "X"), ("transacao.18 saldo_titulo", "digits only")),
    ("letters in costs", "R", lambda c: put(c, 2, 467, "X"), ("valor_custas_cartorio", "digits only")),
    ("a sum that is not so", "R", lambda c: put(c, 3, 75, "0"), ("somatorio_valor", "1234.56 is right")),
    ("accepted for nothing", "C", lambda c: put(c, 2, 448, " " * 10), (":2: field 32 (protocol) is blank or zeros",)),
    ("accepted on no day", "C", lambda c: put(c, 2, 459, "0" * 8), (":2: field 34 (protocol date) is zeros",)),
    ("sent back without why", "C", lambda c: put(c, 3, 486, "  "), (":3: occurrence '5' without an irregularity",)),
    ("no progress", "M", lambda c: put(c, 2, 486, "  "), (":2: field 38 (progress) is blank",)),
    ("ten is not twenty", "DP", lambda c: put(c, 4, 8, "4"), (":4: trailer_cartorio.03", "2 is right")),
    ("a sum of orders", "DP", lambda c: put(c, 5, 76, "0"), (":5: trailer_apresentante.06", "1234.56 is right")),
    ("a wrong order", "DP", lambda c: put(c, 3, 90, "C"), (":3: transacao.07 solicitacao [90-90] is 'C'; always S",)),
    ("a wrong cancellation", "CP", lambda c: put(c, 3, 90, "S"), ("transacao.07", "always C")),
    ("an order outside", "DP", lambda c: swapped(c, 2, 3), (":2: record type '2' after '0'; here stands 1",)),
    (
        "more after the end",
        "DP",
        lambda c: c + c,
        (":6: record type '0' after '9'; here stands nothing, the file ends",),
    ),
    ("empty", "B", lambda c: c[:0], ("empty; a file has at least",)),
]


@pytest.mark.parametrize(("kind", "harm", "said"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE])
def test_a_damaged_file_is_refused_and_the_message_says_where(
    kind: str, harm: Callable[[bytes], bytes], said: tuple[str, ...]
) -> None:
    name, content = cra.write(FILES[kind])
    assert harm(content) != content

    with pytest.raises(BadFile) as refusal:
        cra.read(harm(content), name)

    for words in said:
        assert words in str(refusal.value)
    assert all(fault.where.startswith(name) for fault in refusal.value.faults)


def test_all_faults_of_a_file_are_told_at_once() -> None:
    name, content = cra.write(FILES["B"])
    broken = put(put(content, 2, 270, "O"), 4, 228, "99999999")

    with pytest.raises(BadFile) as refusal:
        cra.read(broken, name)

    assert [fault.where for fault in refusal.value.faults] == [f"{name}:2", f"{name}:4"]


def test_a_fault_shows_the_shape_of_a_document_never_the_document() -> None:
    name, content = cra.write(FILES["B"])

    with pytest.raises(BadFile) as refusal:
        cra.read(put(content, 2, 346, "12ABC34501DE35"), name)

    assert "numero_identificacao_devedor [346-359] is '99AAA99999AA99'; digits only" in str(refusal.value)
    assert "12ABC34501DE35" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["B9992311.260", "B9992311.261.txt", "b9992311.261", "B9993111.26", "B9993113.261", "X9992311.261", ""]
)
def test_a_file_without_a_proper_name_is_refused(name: str) -> None:
    _, content = cra.write(FILES["B"])

    with pytest.raises(BadFile, match=r"as in B9992311\.261"):
        cra.read(content, name)


AGREED = {
    "a cut line",
    "no trailer",
    "wrong sum",
    "wrong count",
    "swapped records",
    "letters in an amount",
    "not ASCII",
}


@pytest.mark.skipif(not JUDGE.exists(), reason="the independent check (../shared/tools/check_cra.py) is not here")
@pytest.mark.parametrize("harm", [pytest.param(case[2], id=case[0]) for case in DAMAGE if case[0] in AGREED])
def test_the_independent_check_refuses_what_we_refuse(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    name, content = cra.write(FILES["B"])
    (tmp_path / name).write_bytes(harm(content))

    verdict = subprocess.run([sys.executable, str(JUDGE), str(tmp_path / name)], capture_output=True, check=False)

    assert verdict.returncode == 1
