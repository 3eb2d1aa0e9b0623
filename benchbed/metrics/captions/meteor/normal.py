"""The form that METEOR 1.5 brings a sentence into before it compares words (its option `-norm`, English).

Marks of punctuation become words, hyphenated words fall apart, so do those with apostrophes (`dog 's` is three), and
full stops stay with abbreviations only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_ALPHA = "A-Za-zŠŽšžŸÀ-ÖØ-öø-žЀ-ӿԀ-ԧꙀ-ꙮ꙾-ꚗᴀ-ᵿ"
_ALNUM = f"0-9{_ALPHA}"
_SPACE = " \\t\\n\\x0b\\f\\r"

_APART = re.compile(rf"([^{_ALNUM}{_SPACE}.'`,\-‘’])")
_COMMAS = tuple(re.compile(pattern) for pattern in ("([^0-9]),([^0-9])", "([0-9]),([^0-9])", "([^0-9]),([0-9])"))
_QUOTE, _DOUBLE = re.compile("[`‘’]"), re.compile("[“”]|''")
_HYPHEN = re.compile(rf"([{_ALNUM}.])-([{_ALNUM}])")
_APOSTROPHES = (
    (re.compile(rf"([^{_ALPHA}])'([^{_ALPHA}])"), r"\1 ' \2"),
    (re.compile(rf"([^{_ALPHA}0-9])'([{_ALPHA}])"), r"\1 ' \2"),
    (re.compile(rf"([{_ALPHA}])'([^{_ALPHA}])"), r"\1 ' \2"),
    (re.compile(rf"([{_ALPHA}])'([{_ALPHA}])"), r"\1 '\2"),
    (re.compile(r"([0-9])'(s)"), r"\1 '\2"),
)
_DOTS = re.compile(r"\.{2,}")
_LETTER = re.compile(f"[{_ALPHA}]")
_PLAIN = re.compile(r"[a-z0-9 ]*")
#: Stands for the full stops of an ellipsis while single ones are looked at; no caption has it.
_ELLIPSIS = "\ue000"


def normal(text: str, prefixes: Mapping[str, bool] = MappingProxyType({})) -> tuple[str, ...]:
    """Words of a sentence.

    Parameters
    ----------
    text : str
    prefixes : mapping of str to bool
        Abbreviations that keep their full stop, without it; True where only before a number.

    Examples
    --------
    >>> normal("a high-pitched dog 's bark, 3,000 times ( loud )")
    ('a', 'high', 'pitched', 'dog', "'", 's', 'bark', ',', '3,000', 'times', '(', 'loud', ')')
    """
    if _PLAIN.fullmatch(text):
        return tuple(text.split())
    line = _APART.sub(r" \1 ", f" {text} ")
    line = _DOTS.sub(lambda match: f" {_ELLIPSIS * len(match[0])} ", line)
    for comma in _COMMAS:
        line = comma.sub(r"\1 , \2", line)
    line = _DOUBLE.sub(' " ', _QUOTE.sub("'", line))
    line = line.replace("–", "-").replace("--", "-")
    line = _HYPHEN.sub(r"\1 \2", line)
    for apostrophe, apart in _APOSTROPHES:
        line = apostrophe.sub(apart, line)
    words = re.split(r"[ \t\n\r\f]+", line.strip(" \t\n\r\f"))
    tokens: list[str] = []
    for place, word in enumerate(words):
        before = word[:-1]
        if len(word) < 2 or not word.endswith("."):
            tokens.append(word)
        elif "." in before and _LETTER.search(before):
            tokens.append(word.replace(".", ""))
        else:
            following = words[place + 1] if place + 1 < len(words) else ""
            numbered = prefixes.get(before)
            kept = numbered is False or re.match("[a-z]", following) or (numbered and re.match("[0-9]", following))
            tokens += [word] if kept else [before, "."]
    return tuple(word.replace(_ELLIPSIS, ".").lower() for word in tokens if word)
