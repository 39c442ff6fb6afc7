"""Names that strangers chose, made safe to show."""

from __future__ import annotations

_LONGEST = 80
_MARKUP = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    }
)


def shown(name: object, longest: int = _LONGEST) -> str:
    """``name`` in one line of at most ``longest`` printable characters, no markup.

    What a terminal or a page could take for a command is replaced, so that a name can
    be a cell of a table or a part of a message wherever it comes from.
    """
    text = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(name)
    )
    text = text.translate(_MARKUP)
    return (
        text
        if len(text) <= longest
        else f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"
    )
