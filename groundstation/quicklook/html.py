"""A quick-look as one HTML page that needs nothing else: no network, no script, pictures within."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape

from groundstation.quicklook.page import Page, Picture, Section, Table

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1f24 }
h1 { font-size: 1.5rem; margin-bottom: .3rem } h2 { font-size: 1.15rem; margin-top: 2rem;
  border-bottom: 1px solid #ccd }
p { margin: .3rem 0 } table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid #e3e6ea; padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top }
th { font-weight: 600; color: #57606a } td.number { text-align: right } .fault { color: #b3261e; font-weight: 600 }
img { max-width: 100%; margin: .5rem 0 } summary { cursor: pointer; color: #57606a }
nav a { margin-right: 1rem } @media print { nav { display: none } details > * { display: block } }
"""


def html(page: Page) -> str:
    """The page. Whatever a recording says of itself is text in it and nothing else."""
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{escape(page.title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(page.title)}</h1>",
            *(_paragraph(line) for line in page.lead),
            "<nav>"
            + "".join(f'<a href="#{_anchor(each)}">{escape(each.heading)}</a>' for each in page.sections)
            + "</nav>",
            *(line for section in page.sections for line in _section(section)),
            "</body></html>\n",
        )
    )


def _anchor(section: Section) -> str:
    return "".join(each if each.isalnum() else "-" for each in section.heading.lower())


def _section(section: Section) -> Iterator[str]:
    yield f'<h2 id="{_anchor(section)}">{escape(section.heading)}</h2>'
    for part in section.parts:
        if isinstance(part, Picture):
            data = base64.b64encode(part.svg.encode()).decode()
            yield f'<img alt="{escape(part.words)}" src="data:image/svg+xml;base64,{data}">'
        elif isinstance(part, Table):
            yield from _table(part)
        else:
            yield _paragraph(part)


def _table(table: Table) -> Iterator[str]:
    if table.folded:
        yield f"<details><summary>{escape(table.title)}: {len(table.rows)} rows</summary>"
    yield "<table><tr>" + "".join(f"<th>{escape(each)}</th>" for each in table.columns) + "</tr>"
    for row in table.rows:
        yield "<tr>" + "".join(map(_cell, row)) + "</tr>"
    yield "</table>" + ("</details>" if table.folded else "")


def _cell(text: str) -> str:
    fault, said = (' class="fault"', text[1:]) if text.startswith("!") else ("", text)
    kind = ' class="number"' if not fault and _is_number(said) else fault
    return f"<td{kind}>{escape(said)}</td>"


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text[:2].strip("+-").isdigit()


def _paragraph(text: str) -> str:
    fault, said = (' class="fault"', text[1:]) if text.startswith("!") else ("", text)
    return f"<p{fault}>{escape(said)}</p>"
