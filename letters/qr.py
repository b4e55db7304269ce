"""A payment code as a QR image, in SVG for documents and PNG for mail.

Error correction M and the quiet zone of four modules, as the BR Code manual of the Banco Central and ISO/IEC 18004 ask.
The same code gives the same bytes.
"""

from __future__ import annotations

import io
from typing import Any

import segno

_QUIET_ZONE = 4
"""Modules of white around the image (ISO/IEC 18004 6.3.8)."""


def svg(code: str) -> str:
    """The code as an SVG image, one unit a module, dark on white."""
    return _saved(code, kind="svg", xmldecl=False, nl=False, light="#fff").decode()


def png(code: str, pixels: int = 6) -> bytes:
    """The code as a PNG image, so many pixels a module."""
    return _saved(code, kind="png", scale=pixels)


def _saved(code: str, **options: Any) -> bytes:
    image = io.BytesIO()
    segno.make_qr(code, error="m", boost_error=False).save(image, border=_QUIET_ZONE, **options)
    return image.getvalue()
