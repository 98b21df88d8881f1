"""A quick-look as Markdown: all that it says, without the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from groundstation.quicklook.page import Page, Picture, Table


def markdown(page: Page) -> str:
    """The page as text; tables in the form GitHub and most wikis know."""
    lines = [f"# {_plain(page.title)}", "", *(f"{_marked(line)}  " for line in page.lead)]
    for section in page.sections:
        lines += ["", f"## {_plain(section.heading)}", ""]
        for part in section.parts:
            if isinstance(part, Table):
                lines += [*_table(part), ""]
            elif not isinstance(part, Picture):
                lines += [f"{_marked(part)}  "]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> Iterator[str]:
    yield ""
    yield _row(table.columns)
    yield "| " + " | ".join("---" for _ in table.columns) + " |"
    for row in table.rows:
        yield _row(row)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_marked(each) for each in cells) + " |"


def _marked(text: str) -> str:
    return f"**{_plain(text[1:])}**" if text.startswith("!") else _plain(text)


def _plain(text: str) -> str:
    """Text that Markdown takes for nothing but text."""
    for sign in "\\`*_<>|[]#":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")
