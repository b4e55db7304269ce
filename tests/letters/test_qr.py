"""A payment code survives its way through the image: what a camera reads is what was put in."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
import typst
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.pix import dynamic_code, static_code
from letters import qr

CODES = [
    static_code("12345678909", "EMPRESA EXEMPLO LTDA", "SAO PAULO"),
    dynamic_code("pix.example.com/qr/v2/cobv/9d36b84fc70b478fb95c12729b90ca25", "Credora Ficticia", "Sao Paulo"),
    dynamic_code("pix.example.com/" + "a" * 61, "N" * 25, "C" * 15),
    "34191.09008 01015.271248 80212.460002 4 25480000675787",
]


def read(image: bytes) -> str:
    """What a reader of QR codes sees in a PNG."""
    width, height, pixels = greys(image)
    (found,) = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (height, width)))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return str(found.text)


def greys(image: bytes) -> tuple[int, int, bytes]:
    """Width, height and one byte a pixel of a PNG: grey or palette of 1 bit, or colours of 8 bits (PNG, RFC 2083)."""
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, colours = struct.unpack(">IIBB", image[16:26])
    at, packed = 8, b""
    while at < len(image):
        (length,) = struct.unpack(">I", image[at : at + 4])
        if image[at + 4 : at + 8] == b"IDAT":
            packed += image[at + 8 : at + 8 + length]
        at += length + 12
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colours]
    step, line = max(channels * depth // 8, 1), -(-width * channels * depth // 8)
    data, above, rows = zlib.decompress(packed), bytes(line), bytearray()
    for y in range(height):
        start = y * (line + 1)
        above = unfiltered(data[start], data[start + 1 : start + 1 + line], above, step)
        if depth == 1:
            rows += bytes(255 * (above[x // 8] >> (7 - x % 8) & 1) for x in range(width))
        else:
            rows += above[::channels]
    return width, height, bytes(rows)


def unfiltered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """One row of a PNG before its filter."""
    made = bytearray(row)
    for x in range(len(row)):
        left, up = made[x - step] if x >= step else 0, above[x]
        corner = above[x - step] if x >= step else 0
        nearest = min((left, up, corner), key=lambda byte: abs(left + up - corner - byte))
        made[x] = row[x] + (0, left, up, (left + up) // 2, nearest)[kind] & 255
    return bytes(made)


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_read_from_the_image_in_a_mail(code: str) -> None:
    assert read(qr.png(code)) == code


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_read_from_a_printed_document(code: str, tmp_path: Path) -> None:
    (tmp_path / "code.svg").write_text(qr.svg(code), encoding="utf-8")
    page = '#set page(width: 6cm, height: 6cm, margin: 1cm)\n#image("code.svg", width: 4cm)'
    (tmp_path / "page.typ").write_text(page, encoding="utf-8")
    printed = typst.compile(str(tmp_path / "page.typ"), format="png", ppi=150.0)
    assert isinstance(printed, bytes)
    assert read(printed) == code


@given(st.text("0123456789ABCDEFabcdef./", min_size=1, max_size=200))
@settings(max_examples=20)
def test_whatever_is_put_into_an_image_is_read_from_it(text: str) -> None:
    assert read(qr.png(text, pixels=4)) == text


def test_the_same_code_gives_the_same_bytes() -> None:
    assert qr.png(CODES[0]) == qr.png(CODES[0])
    assert qr.svg(CODES[0]) == qr.svg(CODES[0])
    assert "<?xml" not in qr.svg(CODES[0])
