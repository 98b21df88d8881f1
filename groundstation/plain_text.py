"""Text for a terminal: what a file says of itself must not move the cursor, recolour the screen or name its window."""

from __future__ import annotations

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""C0 and C1 control characters (ECMA-48) and DEL, and how they are shown; lines and tabs stay."""


def plain(text: str) -> str:
    """Text with its control characters shown, not obeyed."""
    return text.translate(_CONTROLS)
