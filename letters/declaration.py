"""The letter that tells somebody everything that is held of him (LGPD art. 18 and 19), as a page and as PDF."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from typing import Any, cast

import typst

from letters import pt
from letters.documents import printable
from letters.pdf import DIRECTORY

TITLE = "Declaração de dados pessoais"
_STYLE = (
    "@page{size:A4;margin:18mm 15mm}body{font:10pt/1.4 Arial,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25em .5em;"
    "border-bottom:1px solid #ddd;overflow-wrap:anywhere;white-space:pre-line}h2{font-size:12pt;break-after:avoid}"
)


@dataclass(frozen=True)
class Section:
    """A table of the letter: title, remark, headings, rows."""

    title: str
    remark: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class DeclarationData:
    """What the letter says. `controller` is who answers for the data (LGPD art. 5 VI)."""

    controller: str
    person: list[tuple[str, str]]
    on: date
    purpose: str
    rights: str
    sections: list[Section]
    shared: list[str]
    kept: Section


def declaration_html(data: DeclarationData) -> str:
    """The letter as a page that stands alone; every value is escaped."""
    return "".join(_page(data))


def _page(data: DeclarationData) -> Iterator[str]:
    told = html.escape
    yield f'<!doctype html>\n<html lang="pt-BR"><head><meta charset="utf-8"><title>{TITLE}</title>'
    yield f"<style>{_STYLE}</style></head><body>\n<h1>{TITLE}</h1>\n"
    yield f"<p>Controlador: {told(data.controller)}<br>Em {pt.day(data.on)} (Lei 13.709/2018, arts. 18 e 19)</p>\n<p>"
    yield "<br>".join(f"<strong>{told(name)}</strong>: {told(value)}" for name, value in data.person if value)
    yield f"</p>\n<p>{told(data.purpose)}</p>\n"
    for section in data.sections:
        yield _table(section)
    shared = "".join(f"<li>{told(who)}</li>" for who in data.shared)
    yield f"<h2>Com quem se compartilha</h2>\n<ul>{shared}</ul>\n{_table(data.kept)}"
    yield f"<p>{told(data.rights)}</p>\n</body></html>\n"


def _table(section: Section) -> str:
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in section.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in section.rows
    )
    remark = f"<p>{html.escape(section.remark)}</p>" if section.remark else ""
    title = html.escape(section.title)
    return f"<h2>{title}</h2>{remark}\n<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>\n"


def declaration_pdf(data: DeclarationData) -> bytes:
    """The letter as PDF/A-2b. The same data give the same bytes."""
    values = _printable(asdict(data) | {"title": TITLE, "on": pt.day(data.on)})
    pdf = typst.Compiler(root=str(DIRECTORY), ignore_system_fonts=True).compile(
        input=str(DIRECTORY / "declaration.typ"), format="pdf", sys_inputs={"data": json.dumps(values)},
        pdf_standards=["a-2b"], timestamp=datetime.combine(data.on, time(), UTC),
    )  # fmt: skip
    return cast(bytes, pdf)


def _printable(value: Any) -> Any:
    """Only what the typeface has: PDF/A refuses a character without a glyph."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {name: _printable(inner) for name, inner in value.items()}
    return [_printable(inner) for inner in value] if isinstance(value, Sequence) else value
