"""Retrieval of clips by text and of texts by clip: recall at k, mean average precision, median rank.

Every caption is a query, and counts in the row of the clip that it was written about, so that a bootstrap over
recordings draws queries with their recording. The gallery is fixed in that: all clips of the cell are ranked in every
draw, and all texts of the split. In the DCASE challenge text to audio ranks by mAP@10 with one relevant clip (2022 to
2024), by mAP@16 with all clips that annotators found relevant in 2025.

With one relevant item AP is the reciprocal rank, and all divisors agree. With several the default divides by their
number, as the challenge's evaluators do; `cut` by no more than k of them; `first` counts the first alone. The option
`official` has the rules of published code: `xieh97` of the baseline of 2022 and 2023 (recall is the share of relevant
items), `dcase2025` of the baseline of that year and its forks (recall of any; audio to text by the first relevant
caption). Both break ties in the order of a sorting function, here that of the gallery.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from benchbed.errors import ConfigError, did_you_mean
from benchbed.metrics.contract import Family, MetricInfo, Sample
from benchbed.metrics.retrieval.gallery import Gallery, Ranked
from benchbed.metrics.retrieval.medians import Medians
from benchbed.metrics.retrieval.ranks import (
    DIVISORS,
    RECALLS,
    TIES,
    Divisor,
    Recall,
    Ties,
    average_precision,
    recall,
)
from benchbed.outputs.similarity.wanted import WantedQueries, numbered

#: Lengths of lists.
RECALL_AT = (1, 5, 10)
PRECISION_AT = (10, 16)
#: Rules of published evaluators: ties, what recall is, divisor of text to audio and of audio to text.
OFFICIAL: dict[str, tuple[Ties, Recall, Divisor, Divisor]] = {
    "xieh97": ("order", "share", "relevant", "relevant"),
    "dcase2025": ("order", "any", "relevant", "first"),
}
#: Statistics of one direction: items counted, recalls, precisions, reciprocal rank, and lists shorter than each length.
_WIDTH = 1 + len(RECALL_AT) + len(PRECISION_AT) + 1 + 1 + len({*RECALL_AT, *PRECISION_AT})
_LENGTHS = tuple(sorted({*RECALL_AT, *PRECISION_AT}))
_RECALL, _PRECISION = 1, 1 + len(RECALL_AT)
_RECIPROCAL = _PRECISION + len(PRECISION_AT)
_PARTIAL = _RECIPROCAL + 1
_SHORT = _PARTIAL + 1
#: Queries that no clip of the gallery answers stand last.
_LOST = 2 * _WIDTH
DIRECTIONS = {"t2a": "text→audio", "a2t": "audio→text"}


def family(
    labels: Sequence[str] = (),
    *,
    ties: str = "behind",
    recall_rule: str = "any",
    divisor: str = "relevant",
    official: str = "",
) -> Retrieval:
    """The family; retrieval has no classes.

    Parameters
    ----------
    labels : sequence of str
        None.
    ties : {"behind", "ahead", "order"}
        Where a relevant item stands among others of its score.
    recall_rule : {"any", "share"}
        Whether one relevant item among the first k is a hit, or their share counts.
    divisor : {"relevant", "cut", "first"}
        What average precision is divided by.
    official : {"", "xieh97", "dcase2025"}
        The rules of a published evaluator, in the place of the others.

    Raises
    ------
    ConfigError
        An unknown rule.

    Examples
    --------
    >>> from benchbed.outputs.similarity import vectors
    >>> queries, own, relevant = numbered([["rain"], ["a dog"]])
    >>> truth = np.empty(2, object)
    >>> truth[:] = [WantedQueries(str(n), queries, np.array(own[n]), np.array(relevant[n])) for n in range(2)]
    >>> said = vectors(np.array([[0.9, 0.8], [0.1, 0.7]], np.float32))
    >>> made = family().context(said, truth)
    >>> values = made.values(made.statistics(said, truth).sum(axis=0))
    >>> float(values["t2a_recall_at_1"]), float(values["t2a_map_at_10"]), float(values["a2t_recall_at_1"])
    (0.5, 0.75, 1.0)
    """
    for name, given, known in (
        ("ties", ties, TIES),
        ("recall_rule", recall_rule, RECALLS),
        ("divisor", divisor, DIVISORS),
    ):
        if given not in known:
            raise ConfigError(
                f"retrieval: {name} is '{given}'", hint=did_you_mean(given, known) or f"one of {', '.join(known)}"
            )
    if official:
        if official not in OFFICIAL:
            hint = did_you_mean(official, OFFICIAL) or f"one of {', '.join(OFFICIAL)}"
            raise ConfigError(f"retrieval: no official rule '{official}'", hint=hint)
        return Retrieval(*OFFICIAL[official], official)
    rule = cast(Divisor, divisor)
    return Retrieval(cast(Ties, ties), cast(Recall, recall_rule), rule, rule)


def example(generator: np.random.Generator, clips: int) -> tuple[Family, np.ndarray, np.ndarray]:
    """A family with a made-up gallery that fits it, told all of it: queries with one and several relevant clips."""
    captions = [[f"{clip}.{n}" for n in range(1 + clip % 3)] for clip in range(clips)]
    relevant = [[*texts, *captions[(clip + 7) % clips][:1]] for clip, texts in enumerate(captions)]
    queries, own, answered = numbered(captions, relevant)
    said, truth = np.empty(clips, object), np.empty(clips, object)
    for clip in range(clips):
        # Coarse, so that there are ties.
        said[clip] = generator.integers(0, 50, len(queries)).astype(np.float32) / 50
        said[clip][list(answered[clip])] += np.float32(0.5)
        truth[clip] = WantedQueries(f"clip{clip}", queries, np.array(own[clip]), np.array(answered[clip]))
    return family().context(said, truth), said, truth


class Retrieval(Family):
    """Metrics of both directions, from similarities `[clip]` of `[query]` and a `WantedQueries` for each clip."""

    output = "similarity"
    primary = "t2a_map_at_10"
    ranked = frozenset({"t2a_median_rank", "a2t_median_rank"})

    def __init__(
        self,
        ties: Ties,
        recalled: Recall,
        text_divisor: Divisor,
        sound_divisor: Divisor,
        official: str = "",
        gallery: Gallery | None = None,
    ) -> None:
        self._rules = (ties, recalled, text_divisor, sound_divisor, official)
        self.ties, self.recalled = ties, recalled
        self.divisors = {"t2a": text_divisor, "a2t": sound_divisor}
        self.gallery = gallery
        self.metrics = {}
        by = f":{official}" if official else ""
        for key, what in DIRECTIONS.items():
            divisor = self.divisors[key]
            for k in PRECISION_AT:
                rule = f"map@{k}:divisor={divisor}:ties={ties}:gallery=fixed{by}"
                self.metrics[f"{key}_map_at_{k}"] = MetricInfo(
                    f"mAP@{k} {what}", rule, "fraction", "higher", low=0.0, high=1.0
                )
            for k in RECALL_AT:
                rule = f"recall@{k}:{recalled}:ties={ties}:gallery=fixed{by}"
                self.metrics[f"{key}_recall_at_{k}"] = MetricInfo(
                    f"R@{k} {what}", rule, "fraction", "higher", low=0.0, high=1.0
                )
            rule = f"mrr:first-relevant:ties={ties}:gallery=fixed{by}"
            self.metrics[f"{key}_mrr"] = MetricInfo(f"MRR {what}", rule, "fraction", "higher", low=0.0, high=1.0)
            rule = f"median-rank:first-relevant:ties={ties}:gallery=fixed{by}"
            self.metrics[f"{key}_median_rank"] = MetricInfo(f"Median rank {what}", rule, "rank", "lower", low=1.0)

    def context(self, scores: np.ndarray, target: np.ndarray) -> Retrieval:
        """The family with these clips as its gallery."""
        return Retrieval(*self._rules, Gallery(scores, list(target), self.ties))

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Sums over a clip's own queries, and over the clip as a query, in the gallery that was told."""
        rows = np.zeros((len(scores), _LOST + 1))
        for row, found in enumerate(self._ranked(scores, target)):
            for ranks, listed in zip(found.texts, found.listed):
                rows[row, :_WIDTH] += self._counted("t2a", ranks, listed)
            if found.sound is not None:
                rows[row, _WIDTH:_LOST] += self._counted("a2t", found.sound, len(self._gallery(scores, target)))
            rows[row, _LOST] = len(target[row].own) - len(found.texts)
        return rows

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; median ranks are no sums."""
        made: dict[str, np.ndarray] = {}
        for key, part in zip(DIRECTIONS, (sums[..., :_WIDTH], sums[..., _WIDTH:_LOST])):
            with np.errstate(invalid="ignore", divide="ignore"):
                means = part / part[..., :1]
            for position, k in enumerate(PRECISION_AT):
                whole = part[..., _SHORT + _LENGTHS.index(k)] == 0
                made[f"{key}_map_at_{k}"] = np.where(whole, means[..., _PRECISION + position], np.nan)
            for position, k in enumerate(RECALL_AT):
                whole = part[..., _SHORT + _LENGTHS.index(k)] == 0
                made[f"{key}_recall_at_{k}"] = np.where(whole, means[..., _RECALL + position], np.nan)
            made[f"{key}_mrr"] = np.where(part[..., _PARTIAL] == 0, means[..., _RECIPROCAL], np.nan)
            made[f"{key}_median_rank"] = np.full(sums.shape[:-1], np.nan)
        return made

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample:
        """The ranks of first relevant items, whose median no sum gives."""
        found = list(self._ranked(scores, target))
        texts = [(ranks[0], at) for one, at in zip(found, row) for ranks in one.texts]
        sounds = [(one.sound[0], at) for one, at in zip(found, row) if one.sound is not None]
        return Medians({"t2a_median_rank": texts, "a2t_median_rank": sounds})

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined."""
        said = {}
        for key, part in zip(DIRECTIONS, (sums[:_WIDTH], sums[_WIDTH:_LOST])):
            for name in (name for name in self.metrics if name.startswith(key)):
                if not part[0]:
                    lists = key == "a2t" and sums[0]
                    said[name] = "lists rank clips for a text, not texts for a clip" if lists else "no answered query"
                elif part[_PARTIAL] and name.endswith(("_mrr", "_median_rank")):
                    said[name] = "lists do not name every clip: ranks beyond their ends are not known"
                else:
                    short = [k for p, k in enumerate(_LENGTHS) if part[_SHORT + p] and name.endswith(f"_at_{k}")]
                    if short:
                        said[name] = f"some lists are shorter than {short[0]}"
        return said

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """Queries that are left out."""
        if not sums[_LOST]:
            return {}
        left = f"{int(sums[_LOST])} queries that no clip of the gallery answers are left out"
        return {name: left for name in self.metrics if name.startswith("t2a")}

    def _gallery(self, scores: np.ndarray, target: np.ndarray) -> Gallery:
        return self.gallery or Gallery(scores, list(target), self.ties)

    def _ranked(self, scores: np.ndarray, target: np.ndarray) -> list[Ranked]:
        gallery = self._gallery(scores, target)
        return [gallery.ranked(answer, wanted) for answer, wanted in zip(scores, target)]

    def _counted(self, key: str, ranks: np.ndarray, listed: int) -> np.ndarray:
        """One query's statistics; a list of some clips that ends before a relevant one leaves its rank open."""
        row = np.zeros(_WIDTH)
        row[0] = 1
        row[_RECALL:_PRECISION] = [recall(ranks, k, self.recalled) for k in RECALL_AT]
        row[_PRECISION:_RECIPROCAL] = [average_precision(ranks, k, self.divisors[key]) for k in PRECISION_AT]
        row[_RECIPROCAL] = 1 / ranks[0]
        size = len(self.gallery) if self.gallery is not None else listed
        if key == "t2a" and listed < size:
            row[_PARTIAL] = np.isinf(ranks[0])
            row[_SHORT:] = [listed < min(k, size) for k in _LENGTHS]
        return row
