"""What neighbours of embeddings share: nearest-neighbour accuracy, mean average precision, nDCG, beside a random order.

Each clip is ranked against all others of its cell but those of its own recording; clips of which no other one has a
class are left out, and counted. `knn_accuracy` asks the ten nearest as X-ARES does (jimbozhang/xares 161f0ef: cosines
through a softmax at a temperature of 0.07); of a clip with several classes the class with the largest share is right if
it is one of them. `ndcg_at_100` and `map_at_100` are the figures of playlist continuation on the Melon data set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.neighbours.ranked import (
    EmbeddedGallery,
    RelevantClips,
    gain,
    precision,
    random_gain,
    random_precision,
)
from benchbed.outputs.embedding.described import DescribedClip

#: Temperature of the weights of neighbours.
TEMPERATURE = 0.07
#: Metrics in the order of their sums, behind the clips that are counted and those that are not.
NAMES = (
    *("knn_accuracy", "precision_at_1", "map", "map_at_100", "ndcg_at_100"),
    *("random_map", "random_map_at_100", "random_ndcg_at_100"),
)


def family(labels: Sequence[str], *, neighbours: int = 10) -> EmbeddingNeighbours:
    """The family.

    Parameters
    ----------
    labels : sequence of str
        Classes of the data set; references say themselves which they have.
    neighbours : int, default=10
        Of `knn_accuracy`.

    Raises
    ------
    ConfigError
        Less than one neighbour.

    Examples
    --------
    >>> truth = np.empty(4, object)
    >>> truth[:] = [DescribedClip((name,), group) for name, group in zip("aabb", "wxyz")]
    >>> said = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.6, 0.4]])
    >>> made = family(("a", "b"), neighbours=1).context(said, truth)
    >>> values = made.values(made.statistics(said, truth).sum(axis=0))
    >>> float(values["precision_at_1"]), round(float(values["map"]), 4)
    (0.75, 0.8333)
    """
    if neighbours < 1:
        raise ConfigError(f"embedding: neighbours={neighbours}", hint="one or more")
    return EmbeddingNeighbours(neighbours)


def example(generator: np.random.Generator, clips: int) -> tuple[Family, np.ndarray, np.ndarray]:
    """A family with made-up embeddings of three classes, two clips a recording, told all of them."""
    truth = np.empty(clips, object)
    truth[:] = [DescribedClip((("dog", "rain", "speech")[clip % 3],), f"r{clip // 2}") for clip in range(clips)]
    made = np.round(generator.normal(size=(clips, 5)), 1)
    made[np.arange(clips), np.arange(clips) % 3] += 1.0
    return family(()).context(made, truth), made, truth


class EmbeddingNeighbours(Family):
    """Metrics of embeddings `[clip, feature]` and a `DescribedClip` for each."""

    output = "embedding"
    primary = "map"

    def __init__(self, neighbours: int, gallery: EmbeddedGallery | None = None) -> None:
        self.neighbours, self.gallery = neighbours, gallery

        def info(title: str, rule: str) -> MetricInfo:
            return MetricInfo(title, f"{rule}:cosine:own-recording-left-out", "fraction", "higher", low=0.0, high=1.0)

        self.metrics = {
            "knn_accuracy": info("Nearest-neighbour accuracy", f"knn-{neighbours}:softmax-{TEMPERATURE:g}"),
            "precision_at_1": info("Precision at 1", "precision@1:ties-behind"),
            "map": info("mAP of neighbours", "map:all:ties-behind"),
            "map_at_100": info("mAP@100 of neighbours", "map@100:divisor=cut:ties-behind"),
            "ndcg_at_100": info("nDCG@100 of neighbours", "ndcg@100:binary:ties-behind"),
            "random_map": info("mAP in a random order", "map:all:expected"),
            "random_map_at_100": info("mAP@100 in a random order", "map@100:divisor=cut:expected"),
            "random_ndcg_at_100": info("nDCG@100 in a random order", "ndcg@100:binary:expected"),
        }

    def context(self, scores: np.ndarray, target: np.ndarray) -> EmbeddingNeighbours:
        """The family with these clips to be ranked."""
        return EmbeddingNeighbours(self.neighbours, EmbeddedGallery(scores, list(target)))

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Clips that are counted and not, and the sum of each metric."""
        rows = np.zeros((len(target), 2 + len(NAMES)))
        gallery = self.gallery or EmbeddedGallery(scores, list(target))
        for row, one in enumerate(gallery.lists(scores, list(target), self.neighbours)):
            if not len(one.ranks):
                rows[row, 1] = 1
                continue
            rows[row, 0] = 1
            ranks, relevant, listed = one.ranks, len(one.ranks), one.listed
            rows[row, 2:] = (
                self._right(gallery, one, target[row]),
                float(ranks[0] == 1),
                precision(ranks),
                precision(ranks, 100),
                gain(ranks, 100),
                random_precision(relevant, listed),
                random_precision(relevant, listed, 100),
                random_gain(relevant, listed, 100),
            )
        return rows

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Means over the clips that are counted."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums[..., 2:] / sums[..., :1]
        return {name: means[..., column] for column, name in enumerate(NAMES)}

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why nothing is defined."""
        if sums[0]:
            return {}
        return dict.fromkeys(self.metrics, "no clip has another of its class in another recording")

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """Clips that are left out."""
        if not sums[1]:
            return {}
        said = f"{int(sums[1])} clips are left out: no clip of another recording has a class of theirs"
        return dict.fromkeys(self.metrics, said)

    def _right(self, gallery: EmbeddedGallery, one: RelevantClips, truth: DescribedClip) -> float:
        weights = np.exp((one.near - one.near.max()) / TEMPERATURE)
        shares = weights @ gallery.present[one.nearest]
        return float(gallery.labels[int(shares.argmax())] in truth.labels)
