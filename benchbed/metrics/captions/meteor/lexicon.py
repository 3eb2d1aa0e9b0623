"""What METEOR 1.5 knows of English: words of function, synonyms, abbreviations. Read from its jar; none is shipped."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from benchbed.errors import ConfigError

#: Endings that WordNet's morphology exchanges, in its order.
_ENDINGS = (
    *(
        ("s", ""),
        ("ses", "s"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    *(("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    *(("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
)


@dataclass(frozen=True)
class Lexicon:
    """Words with a role.

    Attributes
    ----------
    function_words : frozenset of str
        Words that weigh less; empty where no jar was given, and then every word is one of content.
    prefixes : mapping of str to bool
        Abbreviations that keep their full stop; True where only before a number.
    synsets : mapping of str to frozenset of int
        Sets of synonyms that each word is in.
    bases : mapping of str to tuple of str
        Irregular form → base forms.
    """

    function_words: frozenset[str] = frozenset()
    prefixes: dict[str, bool] = field(default_factory=dict)
    synsets: dict[str, frozenset[int]] = field(default_factory=dict)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def senses(self, word: str) -> frozenset[int]:
        """Sets of synonyms of a word and of its base form.

        Examples
        --------
        >>> Lexicon(synsets={"bark": frozenset((1,)), "bay": frozenset((1, 2))}).senses("barks")
        frozenset({1})
        """
        own = self.synsets.get(word, frozenset())
        if word in self.bases:
            return own.union(*(self.synsets.get(base, frozenset()) for base in self.bases[word]))
        return own | self.synsets.get(self._base(word), frozenset())

    def _base(self, word: str) -> str:
        if word.endswith("ss") or len(word) <= 2:
            return word
        for old, new in _ENDINGS:
            base = word[: len(word) - len(old)] + new
            if word.endswith(old) and base in self.synsets:
                # The scorer puts the ending back that it never took off.
                return base + "ful" if word.endswith("ful") else base
        return ""


@lru_cache(maxsize=4)
def lexicon(path: Path) -> Lexicon:
    """The words in METEOR's jar, or in a folder that it was unpacked to.

    Parameters
    ----------
    path : Path
        `meteor-1.5.jar`, or a folder with `function`, `nonbreaking` and `synonym`.

    Raises
    ------
    ConfigError
        No such file, or one without these words.
    """
    functions, prefixes, synsets, bases = (
        _lines(path, name)
        for name in (
            "function/english.words",
            "nonbreaking/english.prefixes",
            "synonym/english.synsets",
            "synonym/english.exceptions",
        )
    )
    forms: dict[str, list[str]] = {}
    for base, line in zip(bases[::2], bases[1::2]):
        for form in line.split():
            forms.setdefault(form, []).append(base)
    numeric = {}
    for line in prefixes:
        parts = line.split()
        if parts and not parts[0].startswith("#"):
            numeric[parts[0]] = parts[1:2] == ["#NUMERIC_ONLY#"]
    return Lexicon(
        frozenset(functions),
        numeric,
        {word: frozenset(map(int, line.split())) for word, line in zip(synsets[::2], synsets[1::2])},
        {form: tuple(entries) for form, entries in forms.items()},
    )


def check(path: Path) -> None:
    """Refuse a path that is not METEOR's jar, without reading its dictionary.

    Raises
    ------
    ConfigError
        As `lexicon`.
    """
    _lines(path, "function/english.words")


def _lines(path: Path, name: str) -> list[str]:
    try:
        if path.is_dir():
            data = (path / name).read_bytes()
        else:
            with zipfile.ZipFile(path) as jar:
                data = jar.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"this is not METEOR's jar: {name} cannot be read from it ({error})",
            where=str(path),
            hint="give meteor-1.5.jar, e.g. the one in the package pycocoevalcap",
        ) from error
    return data.decode("utf-8", "replace").splitlines()
