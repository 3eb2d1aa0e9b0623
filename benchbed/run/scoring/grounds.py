"""What the cells of a run are scored by, besides predictions, in whatever process that is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbed.metrics.contract import Family
from benchbed.run.job.job import Job
from benchbed.run.job.prepared import Prepared
from benchbed.run.scoring.families import metric_family
from benchbed.suite.load import LoadedSuite

if TYPE_CHECKING:
    from benchbed.data.dataset import Dataset


@dataclass(frozen=True)
class Grounds:
    """A run without its model, which scoring has no part in.

    Attributes
    ----------
    loaded : LoadedSuite
        The suite, with thresholds that were chosen.
    job : Job
        Clips, references and conditions.
    dataset : Dataset
    index_hash : str
        Of the scored clips; names the draws.
    trained_with : tuple of str
        Perturbations that the model has seen in training, by its card.
    seed : int
        Of the bootstrap.
    """

    loaded: LoadedSuite
    job: Job
    dataset: Dataset
    index_hash: str
    trained_with: tuple[str, ...]
    seed: int

    @classmethod
    def of(cls, prepared: Prepared, seed: int) -> Grounds:
        """Those of a run."""
        trained_with = tuple(prepared.adapter.card.trained_with)
        suite, source = prepared.loaded_suite, prepared.source
        return cls(suite, prepared.job, source.dataset, prepared.index_hash, trained_with, seed)

    def family(self) -> tuple[Family, str]:
        """The metrics and the one that ranks."""
        from benchbed.metrics.strong import where_timed

        family, primary = metric_family(self.loaded, self.job.asked, self.job.scope)
        if any(self.job.output.coarse(references).any() for references in self.job.references.values()):
            family = where_timed(family)
        return family, primary
