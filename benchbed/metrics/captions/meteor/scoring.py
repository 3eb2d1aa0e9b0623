"""METEOR 1.5 from alignments (Denkowski and Lavie 2014), with the parameters for English of its ranking task.

Statistics of a clip are those of its best reference, and they add up: the score of a corpus is that of summed counts,
not the mean of its clips.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.metrics.captions.meteor.alignment import Words, align, pairs
from benchbed.metrics.captions.meteor.lexicon import Lexicon

#: Weight of recall, exponent and weight of the penalty for pieces, weight of content words.
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
#: Credit of a match by stage: exact, stem, synonym, paraphrase.
WEIGHTS = (1.0, 0.6, 0.8, 0.6)

#: Statistics: lengths of both sides, words of function of both, for each stage matches of content on both and of
#: function on both, pieces, matched words of both.
WIDTH = 4 + 4 * len(WEIGHTS) + 3


def statistics(candidate: Words, references: Sequence[Words], stages: Sequence[str], lexicon: Lexicon) -> np.ndarray:
    """Statistics of a clip against its best reference, `[WIDTH]`.

    Parameters
    ----------
    candidate, references : tuple of str, sequence of these
        Words from `normal`.
    stages : sequence of str
        Beginning of `exact`, `stem`, `synonym`.
    lexicon : Lexicon
        From `lexicon`, or an empty one.

    Examples
    --------
    >>> row = statistics(("a", "dog", "barks"), [("a", "dog", "barked")], ("exact", "stem"), Lexicon())
    >>> round(float(values(row)), 4)
    0.8667
    """
    best, score = np.zeros(WIDTH), -1.0
    for reference in references:
        row = _row(candidate, reference, stages, lexicon)
        found = float(values(row))
        if found > score:
            best, score = row, found
    return best


def _row(candidate: Words, reference: Words, stages: Sequence[str], lexicon: Lexicon) -> np.ndarray:
    chosen, chunks = align(pairs(candidate, reference, stages, lexicon), len(candidate))
    light = lexicon.function_words
    counts = [0] * WIDTH
    counts[0], counts[1] = len(candidate), len(reference)
    counts[2], counts[3] = sum(word in light for word in candidate), sum(word in light for word in reference)
    matched = 0
    for word, pair in zip(reference, chosen):
        if pair is not None:
            first = 4 + 4 * pair.stage
            counts[first + 2 * (candidate[pair.candidate] in light)] += 1
            counts[first + 1 + 2 * (word in light)] += 1
            matched += 1
    whole = matched == len(candidate) == len(reference) and chunks == 1
    counts[-3:] = 0 if whole else chunks, matched, matched
    return np.array(counts, float)


def read(line: str) -> np.ndarray:
    """Statistics `[WIDTH]` as the jar prints them, a perfect match without a piece.

    Examples
    --------
    >>> read("2.0 2.0 1.0 1.0 1.0 1.0 1.0 1.0 " + 12 * "0.0 " + "1.0 2.0 2.0")[-3:].tolist()
    [0.0, 2.0, 2.0]
    """
    row = np.array(line.split(), float)
    if row.shape != (WIDTH,):
        raise ValueError(f"METEOR answered '{line[:200]}'")
    matches = row[4:-3].reshape(len(WEIGHTS), 2, 2).sum(axis=(0, 1))
    if matches[0] == row[0] and matches[1] == row[1] and row[-3] == 1:
        row[-3] = 0
    return row


def values(sums: np.ndarray) -> np.ndarray:
    """METEOR `[...]` from statistics `[..., WIDTH]`, of one clip or summed over clips.

    Examples
    --------
    >>> float(values(np.zeros(WIDTH)))
    0.0
    """
    stages = sums[..., 4:-3].reshape(*sums.shape[:-1], len(WEIGHTS), 2, 2)
    credit = np.zeros((*sums.shape[:-1], 2))
    for kind, part in enumerate((DELTA, 1.0 - DELTA)):
        for stage, weight in enumerate(WEIGHTS):
            credit += stages[..., stage, kind, :] * weight * part
    light = sums[..., 2:4]
    length = DELTA * (sums[..., :2] - light) + (1.0 - DELTA) * light
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = np.moveaxis(credit / length, -1, 0)
        mean = 1.0 / ((1.0 - ALPHA) / precision + ALPHA / recall)
        pieces = sums[..., -3] / ((sums[..., -2] + sums[..., -1]) / 2)
        score = mean * (1.0 - GAMMA * np.where(sums[..., -3] == 0, 0.0, pieces) ** BETA)
    return np.maximum(np.nan_to_num(score, nan=0.0), 0.0)
