"""Descriptions that people typed into web forms, as plain text: no mark-up, no links, sentences."""

import html
import re

_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
_LINK = re.compile(r"(?:https?|ftp)://\S+|\bwww\.\S+", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]|<(?:br|/p|/div|/li)\b[^<>]*>", re.I)
_SENTENCE_END = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s+[^\sa-z])")


def plain(text: str) -> str:
    """`text` without tags, links and character references, one space between words."""
    while (cleaned := _cleaned(text)) != text:
        text = cleaned
    return text


def first_sentence(text: str) -> str:
    """The first sentence of the first line that says anything, plain; "" when none does.

    A full stop ends a sentence unless a lower-case letter follows, so "e.g. rain" stays whole.
    """
    for line in map(plain, _LINE_END.split(text)):
        said = next((at for at, letter in enumerate(line) if letter.isalnum()), None)
        if said is not None:
            end = _SENTENCE_END.search(line, said)
            return line[: end.end()] if end else line
    return ""


def _cleaned(text: str) -> str:
    without = _LINK.sub(" ", _TAG.sub(" ", html.unescape(text)))
    return " ".join(without.split())
