"""Texts of users made safe: what may stay in a query or a chunk, and how long it is."""

from __future__ import annotations

import re
import unicodedata

from bench.path.wire import encode

# C0 and C1 controls except tab, LF and CR; bidirectional overrides; byte order marks;
# lone surrogates, which are no text and cannot be encoded.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_BLANKS = " \t\n\r"


def sanitise(text: str) -> str:
    """``text`` in NFC without unsafe characters and without blanks at its ends."""
    return unicodedata.normalize("NFC", _UNSAFE.sub("", text)).strip(_BLANKS)


def tokens(text: str) -> int:
    """About how many tokens ``text`` has: one for four bytes of UTF-8.

    OpenAI's rule of thumb for English; bytes give the same number in every language.
    It only decides when a conversation is summarised.
    """
    return (len(encode(text)) + 3) // 4
