"""Captions against references as the field's scorers count them: in Python, and with programs and models by path.

BLEU, ROUGE-L, CIDEr-D and METEOR's stages of equal words and of stems need nothing but this package. What needs a jar
or a model of somebody else (METEOR's synonyms and paraphrases, SPICE and so SPIDEr, sentence embeddings, the detector
of errors and so FENSE and SPIDEr-FL, CLAP) runs where an option or the environment names it; where it does not run, the
figure is undefined and says why, and no other figure is touched.

CIDEr-D takes its weights from all clips that are scored together (`context`); a bootstrap keeps them, as they belong to
the corpus and not to the draw. Of a corpus of one clip every weight is the logarithm of one: CIDEr-D is then undefined,
where the scorer gives 0. BLEU and METEOR pool counts over clips; the others are means over clips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from benchbed.errors import BenchbedError, ConfigError
from benchbed.metrics.captions import bleu, ngrams
from benchbed.metrics.captions.cider import SCALE, cider_d
from benchbed.metrics.captions.figures import Training, bigrams, captions_of, training
from benchbed.metrics.captions.meteor import scoring as meteor
from benchbed.metrics.captions.meteor.choice import StageChoice, choose
from benchbed.metrics.captions.ngrams import ORDER, Tokens
from benchbed.metrics.captions.outside import clap, fluency, sentences, spice
from benchbed.metrics.captions.outside.places import OUTSIDE, PartPlace, place
from benchbed.metrics.captions.rouge import rouge_l
from benchbed.metrics.captions.tokens import tokenise
from benchbed.metrics.captions.vocabulary import Vocabulary
from benchbed.metrics.contract import Family, MetricInfo
from benchbed.types import Direction

TOKENS = "ptb-3.4.1-tokens"

#: Means over clips that are not there in every run.
_OPTIONAL = ("spice", "sbert_sim", "fer", "fense", "spider_fl", "clap_sim", "novel")
#: Sums over clips besides those of BLEU and METEOR, in the order of their columns; clips that have a figure at the end.
_SUMS = (
    *("rouge_l", "cider_d", "words", "empty", "clips"),
    *("repeated_bigrams", "bigrams", "new_grams", "grams"),
    *_OPTIONAL,
    *(f"with_{name}" for name in ("meteor", *_OPTIONAL)),
)
_COLUMN = {name: bleu.WIDTH + number for number, name in enumerate(_SUMS)}
_METEOR = slice(bleu.WIDTH + len(_SUMS), bleu.WIDTH + len(_SUMS) + meteor.WIDTH)
WIDTH = _METEOR.stop

#: Metrics that a single clip has by itself, those to tell clips apart by first.
CLIP = (
    "cider_d",
    "meteor",
    "rouge_l",
    "bleu_1",
    "bleu_4",
    "spice",
    "spider",
    "spider_fl",
    "fense",
    "sbert_sim",
    "clap_sim",
    "fer",
)

#: Part from outside → figures that need it.
NEEDS = {
    "spice": ("spice", "spider", "spider_fl"),
    "sentences": ("sbert_sim", "fense"),
    "fluency": ("fer", "fense", "spider_fl"),
    "clap": ("clap_sim",),
}

_DRAWN = "its vocabulary is that of all clips: a draw leaves a third of them out, and has fewer words"
_FIXED = "the weights of its n-grams are those of all clips scored together, in every draw of the interval as well"


def family(
    labels: Sequence[str] = (),
    *,
    meteor: str | None = None,
    stages: str | None = None,
    spice: str | None = None,
    sentences: str | None = None,
    fluency: str | None = None,
    clap: str | None = None,
    training: str | None = None,
) -> Captions:
    """The family; captions have no classes.

    Parameters
    ----------
    meteor : path, optional
        METEOR's jar; else `BENCHBED_METEOR`, else that of the package pycocoevalcap where it is installed.
    stages : str, optional
        METEOR's stages, `exact+stem`, `exact+stem+synonym`, …; by default all that can run.
    spice, sentences, fluency, clap : path, optional
        Folder of SPICE, of a sentence-embedding model, of FENSE's error detector, of a CLAP model; else the variables
        `BENCHBED_SPICE`, ….
    training : path, optional
        Table of the captions that the model was trained on, for novelty.

    Examples
    --------
    >>> said = np.array(["a dog barks", "rain falls"], object)
    >>> truth = np.empty(2, object)
    >>> truth[:] = [("a dog barks",), ("rain falls on a roof", "it rains")]
    >>> made = family().context(said, truth)
    >>> round(float(made.values(made.statistics(said, truth).sum(axis=0))["rouge_l"]), 3)
    0.765
    """
    given = {"spice": spice, "sentences": sentences, "fluency": fluency, "clap": clap}
    try:
        chosen = choose(meteor, stages)
    except ConfigError as error:
        # Sums of an earlier run are read without its jar; `check` refuses what a new run names.
        chosen = StageChoice((), why=str(error.what))
    return Captions(chosen, {name: place(name, path) for name, path in given.items()}, training)


def check(
    *, meteor: str | None = None, stages: str | None = None, training: str | None = None, **given: str | None
) -> None:
    """Refuse options that name what is not there, before anything is computed.

    Raises
    ------
    ConfigError
        A path that is none, stages that cannot run.
    DataError
        No table of training captions, or one without any.
    """
    choose(meteor, stages)
    for name, path in given.items():
        if path is not None and name in OUTSIDE and (why := place(name, path).why):
            raise ConfigError(f"{name}: {why}", where=str(path), hint=f"give {OUTSIDE[name].WHAT}")
    if training is not None:
        captions_of(Path(training).expanduser())


def example(generator: np.random.Generator, clips: int) -> tuple[Family, np.ndarray, np.ndarray]:
    """A family with made-up captions that fit it, told all of them."""
    words = np.array(["a", "dog", "barks", "rain", "falls", "softly", "on", "the", "roof", "car"])

    def caption() -> str:
        return " ".join(generator.choice(words, generator.integers(3, 9)))

    said, truth = np.empty(clips, object), np.empty(clips, object)
    for clip in range(clips):
        said[clip] = caption()
        truth[clip] = tuple(caption() for _ in range(generator.integers(1, 4)))
    return family(stages="exact+stem").context(said, truth), said, truth


class Captions(Family):
    """Metrics of captions, from texts `[clip]` and a tuple of reference texts for each `[clip]`.

    Parameters
    ----------
    chosen : StageChoice
        METEOR's stages.
    places : mapping of str to PartPlace
        What is given from outside, by its name.
    trained_on : str, optional
        Table of training captions.
    gallery : sequence of sequences of tokens, optional
        References of all clips that are scored together.
    """

    output = "caption"
    primary = "cider_d"
    ranked = frozenset(("vocabulary", "vocabulary_ratio"))

    def __init__(
        self,
        chosen: StageChoice,
        places: Mapping[str, PartPlace],
        trained_on: str | None = None,
        gallery: Sequence[Sequence[Tokens]] | None = None,
    ) -> None:
        self._chosen, self._places, self._trained_on, self._gallery = chosen, places, trained_on, gallery
        self.metrics = _infos(chosen.rule, {name: held.identity for name, held in places.items()})
        self._why: dict[str, str] = {}
        for part, held in places.items():
            for name in NEEDS[part] if held.why else ():
                self._why[name] = f"{self._why[name]}; {held.why}" if name in self._why else held.why
        if not chosen.stages:
            self._why["meteor"] = chosen.why
        if trained_on is None:
            lacking = "needs the captions of training: option training"
            self._why |= dict.fromkeys(("novel", "novel_4grams"), lacking)

    def context(self, scores: np.ndarray, target: np.ndarray) -> Captions:
        """The family with the weights of these clips."""
        gallery = [[_tokens(text) for text in clip] for clip in target]
        return Captions(self._chosen, self._places, self._trained_on, gallery)

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Sums of each clip `[clip, WIDTH]`: counts, scores, one; 0 and no clip where a figure could not be had."""
        said = [_tokens(text) for text in scores]
        truth = [[_tokens(text) for text in clip] for clip in target]
        if not said:
            return np.zeros((0, WIDTH))
        corpus = ngrams.corpus(said, truth, self._gallery)
        rows = np.zeros((len(said), WIDTH))
        rows[:, : bleu.WIDTH] = bleu.statistics(corpus)
        if (counts := self._had(("meteor",), lambda: self._chosen.statistics(said, truth))) is not None:
            rows[:, _METEOR], rows[:, _COLUMN["with_meteor"]] = counts, 1
        figures = {
            "rouge_l": np.array([rouge_l(one, references) for one, references in zip(said, truth)]),
            "cider_d": cider_d(corpus) if corpus.documents > 1 else np.full(len(said), np.nan),
            "words": corpus.candidate_length,
            "empty": corpus.candidate_length == 0,
            "clips": np.ones(len(said)),
        }
        figures["repeated_bigrams"], figures["bigrams"] = np.array([bigrams(one) for one in said]).T
        optional = self._outside(said, truth, figures["cider_d"])
        if (new := self._had(("novel", "novel_4grams"), lambda: _novelty(self._trained_on, said))) is not None:
            optional["novel"], figures["new_grams"], figures["grams"] = new.T
        figures |= optional | {f"with_{name}": np.ones(len(said)) for name in optional}
        for name, values in figures.items():
            rows[:, _COLUMN[name]] = values
        return rows

    def _outside(
        self, said: Sequence[Tokens], truth: Sequence[Sequence[Tokens]], cider: np.ndarray
    ) -> dict[str, np.ndarray]:
        """What programs and models of others say of each clip."""
        texts, references = _joined(said), [_joined(clip) for clip in truth]
        asked: dict[str, Callable[[Path], np.ndarray]] = {
            "spice": lambda path: spice.scores(path, said, truth),
            "sentences": lambda path: sentences.scores(path, texts, references),
            "fluency": lambda path: fluency.scores(path, texts) > fluency.THRESHOLD,
            "clap": lambda path: clap.scores(path, texts, references),
        }
        given: dict[str, np.ndarray] = {}
        for part, scores in asked.items():
            path = self._places[part].path
            had = None if path is None else self._had(NEEDS[part], partial(scores, path))
            if had is not None:
                given[part] = np.asarray(had, float)
        figures = {NEEDS[part][0]: scores for part, scores in given.items()}
        if np.isnan(given.get("spice", 0.0)).any():
            clip = int(np.isnan(given["spice"]).argmax())
            why = f"SPICE is undefined for '{texts[clip]}': nothing in it or its references was understood"
            self._why = {**dict.fromkeys(NEEDS["spice"], why), **self._why}
        if "fluency" in given:
            kept = 1 - fluency.PENALTY * given["fluency"]
            if "sentences" in given:
                figures["fense"] = given["sentences"] * kept
            if "spice" in given:
                figures["spider_fl"] = (cider + given["spice"]) / 2 * kept
        return figures

    def _had(self, names: Sequence[str], scores: Callable[[], np.ndarray]) -> np.ndarray | None:
        """What is computed, or None with the reason kept for the figures that need it."""
        if self._why.get(names[0]):
            return None
        try:
            return scores()
        except BenchbedError as error:
            self._why = {**dict.fromkeys(names, str(error).splitlines()[0]), **self._why}
            return None

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without clips."""
        held = {name: sums[..., column] for name, column in _COLUMN.items()}
        with np.errstate(invalid="ignore", divide="ignore"):
            clips = held["clips"]
            made = {name: held[name] / clips for name in ("rouge_l", "cider_d", "words", "empty")}
            made |= {name: held[name] / held[f"with_{name}"] for name in _OPTIONAL}
            made["spider"] = (made["cider_d"] + made["spice"]) / 2
            made["repetition"] = held["repeated_bigrams"] / held["bigrams"]
            made["novel_4grams"] = held["new_grams"] / held["grams"]
            score = np.where(clips[..., None] > 0, bleu.values(sums[..., : bleu.WIDTH]), np.nan)
            made["meteor"] = np.where(held["with_meteor"] > 0, meteor.values(sums[..., _METEOR]), np.nan)
        made |= {f"bleu_{order + 1}": score[..., order] for order in range(ORDER)}
        return made | {name: np.full(clips.shape, np.nan) for name in self.ranked}

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Vocabulary:
        """The words of all clips."""
        return Vocabulary(
            [_tokens(text) for text in scores], [[_tokens(text) for text in clip] for clip in target], row, rows
        )

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined."""
        if not sums[_COLUMN["clips"]]:
            return dict.fromkeys(self.metrics, "no clips")
        why = {"repetition": "no caption has two words", "novel_4grams": f"no caption has {ORDER} words"}
        why |= dict.fromkeys(self.ranked, "no caption has a word")
        if np.isnan(sums[_COLUMN["cider_d"]]):
            alone = "one clip alone: every n-gram is in every clip, and weighs nothing"
            why |= dict.fromkeys(("cider_d", "spider", "spider_fl"), alone)
        undefined = {name for name, value in self.values(sums).items() if np.isnan(value)}
        return {name: text for name, text in {**why, **self._why}.items() if name in undefined}

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """Which stages of METEOR ran, and where CIDEr-D's weights come from."""
        stages = ", ".join(self._chosen.stages)
        ran = f"stages that ran: {stages}" + (f" ({self._chosen.why})" if self._chosen.why else "")
        return {"meteor": ran, "cider_d": _FIXED, "spider": _FIXED, "spider_fl": _FIXED}


def _infos(rule_of_meteor: str, model: Mapping[str, str]) -> dict[str, MetricInfo]:
    """What each metric means, those that need nothing from outside first."""

    def info(
        title: str,
        rule: str,
        unit: str = "score",
        direction: Direction = "higher",
        low: float = 0.0,
        high: float | None = 1.0,
    ) -> MetricInfo:
        return MetricInfo(title, f"{rule}:{TOKENS}", unit, direction, low=low, high=high)

    penalised = f"penalty={fluency.PENALTY:g}:threshold={fluency.THRESHOLD:g}"
    detected = f"{fluency.RULE}:{model['fluency']}:threshold={fluency.THRESHOLD:g}"
    return {
        "cider_d": info("CIDEr-D", "cider-d:corpus-idf", high=SCALE),
        "rouge_l": info("ROUGE-L", "rouge-l:beta=1.2"),
        **{f"bleu_{order}": info(f"BLEU-{order}", "bleu:closest-length") for order in range(1, ORDER + 1)},
        "meteor": info("METEOR", rule_of_meteor),
        "spice": info("SPICE", spice.RULE),
        "spider": info("SPIDEr", "spider:mean-of-cider-d-and-spice-1.0", high=(SCALE + 1) / 2),
        "spider_fl": info("SPIDEr-FL", f"spider-fl:{model['fluency']}:{penalised}", high=(SCALE + 1) / 2),
        "fense": info("FENSE", f"fense:{model['sentences']}:{model['fluency']}:{penalised}", low=-1.0),
        "sbert_sim": info("Sentence-BERT similarity", f"{sentences.RULE}:{model['sentences']}", low=-1.0),
        "clap_sim": info("CLAP similarity", f"{clap.RULE}:{model['clap']}", low=-1.0),
        "fer": info("Fluency error rate", detected, "fraction", "lower"),
        "words": info("Words per caption", "mean-length", "words", high=None),
        "empty": info("Captions without a word", "share", "fraction", "lower"),
        "repetition": info("Repeated bigrams", "share-within-captions", "fraction", "lower"),
        "novel": info("Captions not in training", "share", "fraction"),
        "novel_4grams": info("4-grams not in training", "share", "fraction"),
        "vocabulary": MetricInfo(
            "Different words", f"distinct-words:{TOKENS}", "words", "higher", low=0.0, no_interval=_DRAWN
        ),
        "vocabulary_ratio": MetricInfo(
            "Different words, against references",
            f"distinct-words-ratio:{TOKENS}",
            "ratio",
            "higher",
            low=0.0,
            no_interval=_DRAWN,
        ),
    }


def _novelty(path: str | None, said: Sequence[Tokens]) -> np.ndarray:
    assert path is not None
    known: Training = training(Path(path).expanduser())
    return np.array([known.novelty(one) for one in said], float)


def _joined(captions: Sequence[Tokens]) -> list[str]:
    return [" ".join(words) for words in captions]


@lru_cache(maxsize=65536)
def _tokens(text: str) -> Tokens:
    # References are scored under every condition; their tokens are the same.
    return tokenise(text)
