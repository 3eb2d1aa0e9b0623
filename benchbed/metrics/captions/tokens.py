"""Captions as tokens, by the conventions of the Penn Treebank as the field's reference scorer uses them.

The reference (`PTBTokenizer` of pycocoevalcap: CoreNLP 3.4.1 with `-preserveLines -lowerCase`, then seventeen tokens of
punctuation deleted) is a Java program; this is a tokeniser of our own that gives the same tokens for captions. What
decides in that convention: clitics stand alone (`do n't`, `it 's`), abbreviations keep their full stop (`mr.`, `etc.`,
`u.s.`), numbers keep their marks (`3,000`, `1/2`), hyphenated words stay whole, brackets become `-lrb-` and are kept,
other punctuation goes.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: Tokens that the reference scorer deletes after tokenising. It also lists the brackets, in capitals, which no
#: lower-cased token ever is: they stay.
DELETED = frozenset(("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"))

# Words that keep a full stop wherever they stand.
_TITLES = (
    "adm|attys?|brig|capt|cmdr|col|cpl|det|drs?|gen|gov|hon|lieut|lt|maj|messrs|mr|mrs|ms|mmes?|pfc|pres|profs?|pvt|"
    "reps?|revs?|sens?|sgt|spc|st|supt|jr|sr|bros|esq"
)
_MONTHS = "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
_DAYS = "mon|tues?|wed|thu(?:rs)?|fri"
_STATES = (
    "ala|ariz|calif|colo|conn|dak|fla|ga|kans?|ky|md|mich|minn|mo|mont|neb|nev|okla|penn|tenn|va|vt|wisc?|wyo|"
    # Also words of their own, and abbreviations with a capital only.
    "(?-i:Az|Ark|Del|Ill|La|Mass|Miss|Ore|Pa|Tex|Wash)"
)
_FIRMS = "inc|cos?|corp|ltd|plc|rt|bancorp|bhd|assn|univ|intl|sys|invt|elec|natl|m[ft]g|dept"
_OTHERS = "vs|etc|ft|mt|bldg|ph|al|seq|ave|blvd|rd|tel|est|ext|sq"
_APOS = "['’\u0092]"
_LETTERS = r"[^\W\d_]"
_PART = rf"(?:{_LETTERS}|\d)+"

#: Kinds of tokens, each a pattern; of several that match at a place the longest wins, of equally long ones the first.
_PATTERNS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"https?://[^\s\"<>|()]+[^\s\"<>|.!?(){},-]",
        r"(?:www\.(?:[^\s\"<>|.!?(){},]+\.)+[a-z]{2,4}|(?:[^\s\"<>|.!?(){},]+\.)+(?:com|net|org|edu))"
        r"(?:/[^\s\"<>|()]+[^\s\"<>|.!?(){},-])?",
        r"[a-z0-9][^\s\"<>|()\u00a0]*@(?:[^\s\"<>|().\u00a0]+\.)+[a-z]{2,4}",
        r"[@#][a-z_][a-z_0-9]*",
        r"</?[a-z!][^\s<>]*>",
        # Abbreviations, single letters with a full stop, and letters with full stops between them.
        rf"(?:{_TITLES}|{_MONTHS}|{_DAYS}|{_STATES}|{_FIRMS}|{_OTHERS})\.",
        r"(?:ca|figs?|prop|nos?|arts?|pp|op)\.(?=\s*\d)",
        r"(?:ph|ed)\.d\.?",
        r"[a-z](?:\.[a-z])+\.?(?![a-z0-9])",
        r"[a-z]\.(?![a-z0-9])",
        # Numbers: dates, times, decimals, thousands, fractions.
        r"[-+]?\d*(?:[.,:\u066b\u066c]\d+)+",
        r"[-+]?\d+(?:[.,:]\d+)*",
        r"\d{1,4}[-/]\d{1,4}(?:[-/]\d{1,4})?",
        r"(?:\d{1,4}-)?\d{1,4}\\?/\d{1,4}",
        rf"{_APOS}\d\ds?",
        # Words, with hyphens, slashes, ampersands between capitals, apostrophes of elision.
        rf"(?:[dol]{_APOS}(?={_LETTERS}))?{_PART}(?:-(?:[dol]{_APOS}(?={_LETTERS}))?{_PART})*",
        rf"{_PART}(?:_{_PART})+_?|_+{_PART}",
        r"[a-z0-9]+(?:-[a-z]+){0,2}(?:\\?/[a-z0-9]+(?:-[a-z]+){0,2}){1,2}",
        r"(?-i:[A-Z]+(?:[+&][A-Z]+)+)",
        rf"{_APOS}n{_APOS}?|{_APOS}em\b|{_APOS}till?\b|{_APOS}cause\b|c{_APOS}mon\b|ol{_APOS}|o{_APOS}er\b",
        rf"{_LETTERS}{_APOS}(?!(?:re|ve|ll)(?![^\W_])){_LETTERS}{{2,}}|ma{_APOS}am",
        rf"{_APOS}(?:s|m|d|re|ve|ll)(?![^\W_])",
        rf"{_APOS}t(?:is|was)\b",
        # A full stop without a space behind it joins two words.
        rf"{_LETTERS}+(?:\.{_LETTERS}+)+",
        # A full stop before a comma ends an abbreviation.
        rf"{_LETTERS}+\.(?=,)",
        # Letters around a question mark: an apostrophe that was lost on the way.
        rf"{_LETTERS}+\?{_LETTERS}+",
        # Punctuation.
        r"\.{2,}|…",
        r"-{2,}|[–—\u2012\u2015]",
        r"[?!]{2,}",
        r"''|``",
        r":[-']?\)",
        r"\S",
    )
]
#: What the reference writes another way.
_WRITTEN = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
    "“": "``",
    "”": "''",
    '"': "''",
    "‘": "`",
    "’": "'",
    "«": "``",
    "»": "''",
    "…": "...",
    "–": "--",
    "—": "--",
    "€": "$",
    "£": "#",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "⅓": "1/3",
    "⅔": "2/3",
    ":)": ":-rrb-",
}
#: What follows a word without being part of it.
_CLITIC = re.compile(rf"{_APOS}(?:s|m|d|re|ve|ll)(?![^\W_])|(?<=n){_APOS}t(?![^\W_])", re.IGNORECASE)
#: Words that are two.
_TWO = {
    "cannot": ("can", "not"),
    "gonna": ("gon", "na"),
    "wanna": ("wan", "na"),
    "gotta": ("got", "ta"),
    "gimme": ("gim", "me"),
    "lemme": ("lem", "me"),
    "'tis": ("'t", "is"),
    "'twas": ("'t", "was"),
    "y'all": ("y'", "all"),
}
#: Plain words need no lexer; one mark of punctuation behind them is deleted anyway.
_PLAIN = re.compile(r"([a-z]{2,})[,;!?]?")
_SPACE = re.compile(r"[\s\u0085\u00a0\u001c-\u001f]+")


def tokenise(caption: str) -> tuple[str, ...]:
    """Tokens of a caption.

    Line breaks inside a caption are space, as in the reference for `\\n`; for the other ends of lines that Java knows
    (`\\r`, U+2028, …) the reference shifts every caption after them to the wrong clip, and this does not.

    Parameters
    ----------
    caption : str

    Returns
    -------
    tuple of str
        Lower-cased, without punctuation; empty if nothing is left.

    Examples
    --------
    >>> tokenise("A dog (barking loudly) isn't near Mr. Smith's house.")
    ('a', 'dog', '-lrb-', 'barking', 'loudly', '-rrb-', 'is', "n't", 'near', 'mr.', 'smith', "'s", 'house')
    """
    tokens: list[str] = []
    chunks = _SPACE.split(caption.replace("\u00ad", "").strip())
    for place, chunk in enumerate(chunks):
        plain = _PLAIN.fullmatch(chunk)
        if plain is not None and plain[1] not in _TWO:
            tokens.append(plain[1])
        elif chunk:
            following = chunks[place + 1] if place + 1 < len(chunks) else ""
            tokens += _lexed(chunk, following[:1].isdigit())
    return tuple(tokens)


@lru_cache(maxsize=65536)
def _lexed(chunk: str, before_number: bool) -> tuple[str, ...]:
    """Tokens of a piece of text without space."""
    text = f"{chunk} 1" if before_number else chunk
    end, start = len(chunk), 0
    tokens: list[str] = []
    while start < end:
        length = 0
        for pattern in _PATTERNS:
            match = pattern.match(text, start, end + 2 if before_number else end)
            if match is not None and match.end() - start > length and match.end() <= end:
                length = match.end() - start
        word = text[start : start + length]
        clitic = _CLITIC.match(text, start + length, end)
        if clitic is not None and word[-1:].isalnum():
            if clitic[0][1:].lower() == "t":
                word, length = word[:-1], length - 1
                rest = text[start + length : clitic.end()]
            else:
                rest = clitic[0]
            tokens += [*_split(word), *_split(rest)]
            start = clitic.end()
            continue
        tokens += _split(word)
        start += length
    return tuple(token for token in tokens if token and token not in DELETED)


def _split(word: str) -> tuple[str, ...]:
    lower = word.lower().replace("’", "'").replace("\u0092", "'")
    if lower.strip(".") == "":
        return ()
    if len(word) == 1 and ord(word) > 0xFFFF:
        return ()  # outside of what the reference can read, and deleted there
    return _TWO.get(lower) or (_WRITTEN.get(lower, lower),)
