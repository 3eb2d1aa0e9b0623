"""Stems of English words by the Snowball project's English algorithm ("Porter2"), which METEOR 1.5 matches words by.

The rules are those of https://snowballstem.org/algorithms/english/stemmer.html in the version of 2005, which the scorer
carries; later ones know more exceptions.
"""

from __future__ import annotations

from functools import lru_cache

_VOWELS = frozenset("aeiouy")
_DOUBLES = frozenset(("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt"))
_LI = frozenset("cdeghkmnrt")

#: Words whose stem is listed.
_LISTED = {
    **{word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")},
    **{"skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl"},
    **{"gently": "gentl", "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl"},
}
#: Words that stay as they are once their plural is gone.
_KEPT = frozenset(("inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"))
#: Beginnings that the first region starts behind, against its rule.
_BEGINNINGS = ("gener", "commun", "arsen")

#: Ending → what it becomes in the first region; `None` marks a rule with a condition.
_SECOND = {
    **{"anci": "ance", "enci": "ence", "ogi": None, "li": None, "bli": "ble", "abli": "able", "alli": "al"},
    **{"fulli": "ful", "lessli": "less", "ousli": "ous", "entli": "ent", "aliti": "al", "biliti": "ble"},
    **{"iviti": "ive", "tional": "tion", "ational": "ate", "alism": "al", "ation": "ate", "ization": "ize"},
    **{"izer": "ize", "ator": "ate", "iveness": "ive", "fulness": "ful", "ousness": "ous"},
}
_THIRD = {
    **{"icate": "ic", "ative": None, "alize": "al", "iciti": "ic", "ical": "ic", "tional": "tion"},
    **{"ational": "ate", "ful": "", "ness": ""},
}
_FOURTH = (
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ism", "ate", "iti", "ous"),
    *("ive", "ize", "ion"),
)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Stem of a lower-cased word.

    Examples
    --------
    >>> [stem(word) for word in ("barking", "barks", "happily", "nationalities", "skies", "dog's")]
    ['bark', 'bark', 'happili', 'nation', 'sky', 'dog']
    """
    if word in _LISTED:
        return _LISTED[word]
    if len(word) < 3:
        return word
    if word.startswith("'"):
        word = word[1:]
    word = _marked(word)
    first, second = _regions(word)
    word = _plural(word)
    if word not in _KEPT:
        word = _past(word, first)
        if len(word) > 2 and word[-1] in "yY" and word[-2] not in _VOWELS:
            word = word[:-1] + "i"
        word = _replaced(word, _SECOND, first, second)
        word = _replaced(word, _THIRD, first, second)
        word = _dropped(word, second)
        word = _last(word, first, second)
    return word.replace("Y", "y")


def _marked(word: str) -> str:
    """The word with every `y` that is a consonant as `Y`."""
    letters = list(word)
    for place, letter in enumerate(letters):
        if letter == "y" and (place == 0 or letters[place - 1] in _VOWELS):
            letters[place] = "Y"
    return "".join(letters)


def _regions(word: str) -> tuple[int, int]:
    """Where the two regions of the algorithm begin."""
    first = next((len(part) for part in _BEGINNINGS if word.startswith(part)), None)
    if first is None:
        first = _behind(word, 0)
    return first, _behind(word, first)


def _behind(word: str, start: int) -> int:
    """The place after the first consonant that follows a vowel."""
    for place in range(start + 1, len(word)):
        if word[place] not in _VOWELS and word[place - 1] in _VOWELS:
            return place + 1
    return len(word)


def _ending(word: str, endings: object) -> str:
    """The longest of the endings that the word has."""
    return next((word[-n:] for n in range(min(len(word), 8), 0, -1) if word[-n:] in endings), "")  # type: ignore[operator]


def _plural(word: str) -> str:
    for ending in ("'s'", "'s", "'"):
        if word.endswith(ending):
            word = word[: -len(ending)]
            break
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith(("us", "ss")) or not word.endswith("s"):
        return word
    return word[:-1] if any(letter in _VOWELS for letter in word[:-2]) else word


def _past(word: str, first: int) -> str:
    ending = _ending(word, ("eed", "eedly", "ed", "edly", "ing", "ingly"))
    if not ending:
        return word
    rest = word[: -len(ending)]
    if ending in ("eed", "eedly"):
        return rest + "ee" if len(rest) >= first else word
    if not any(letter in _VOWELS for letter in rest):
        return word
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    if rest[-2:] in _DOUBLES:
        return rest[:-1]
    if len(rest) <= first and _short(rest):
        return rest + "e"
    return rest


def _short(word: str) -> bool:
    """Whether the word ends in a short syllable."""
    if len(word) == 2:
        return word[0] in _VOWELS and word[1] not in _VOWELS
    if len(word) < 3:
        return False
    return word[-3] not in _VOWELS and word[-2] in _VOWELS and word[-1] not in _VOWELS and word[-1] not in "wxY"


def _replaced(word: str, rules: dict[str, str | None], first: int, second: int) -> str:
    ending = _ending(word, rules)
    start = len(word) - len(ending)
    if not ending or start < first:
        return word
    new = rules[ending]
    if new is not None:
        return word[:start] + new
    if ending == "ogi":
        return word[:-1] if word[:start].endswith("l") else word
    if ending == "li":
        return word[:start] if start and word[start - 1] in _LI else word
    return word[:start] if start >= second else word


def _dropped(word: str, second: int) -> str:
    ending = _ending(word, _FOURTH)
    start = len(word) - len(ending)
    if not ending or start < second:
        return word
    if ending == "ion" and word[start - 1 : start] not in ("s", "t"):
        return word
    return word[:start]


def _last(word: str, first: int, second: int) -> str:
    rest = word[:-1]
    if word.endswith("e") and (len(rest) >= second or (len(rest) >= first and not _short(rest))):
        return rest
    if word.endswith("l") and len(rest) >= second and rest.endswith("l"):
        return rest
    return word
