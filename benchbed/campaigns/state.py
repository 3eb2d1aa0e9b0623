"""How far a campaign is: which runs are finished, and whether what they rest on is still what it was.

Beside the runs lies one sealed file. A run counts as finished if its record is the one that was noted, what was asked
of it is the same, and every file that its model was made of, and the data it was heard on, are unchanged. That is asked
without loading the model, so that a campaign that grew by one model costs that one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchbed.adapter.digests import unchanged
from benchbed.errors import BenchbedError, DamagedError
from benchbed.predictions.store import storage_error
from benchbed.results.store import read
from benchbed.seal import seal, unseal

#: Version of the file layout.
FORMAT = 1


@dataclass(frozen=True)
class NotedRun:
    """A run of a campaign, as its file remembers it.

    Attributes
    ----------
    asked : str
        Digest of suite, model, options and settings.
    record : str
        Its `result.json`.
    digest : str
        Of the record.
    base : str
        Folder that the model's files are named from.
    files : dict of str to str
        Each with its digest.
    data : str
        Digest of the clips.
    below : str
        Digest of benchbed's code and of the versions of packages.
    error : str
        Why there is no record.
    """

    asked: str
    record: str = ""
    digest: str = ""
    base: str = ""
    files: dict[str, str] = field(default_factory=dict)
    data: str = ""
    below: str = ""
    error: str = ""

    def holds(self, asked: str, data: str, below: str) -> bool:
        """Whether nothing has changed that the record rests on."""
        if not self.record or self.error or (self.asked, self.data, self.below) != (asked, data, below):
            return False
        try:
            if read(Path(self.record)).digest != self.digest:
                return False
        except BenchbedError:
            return False
        return unchanged(self.files, Path(self.base))


@dataclass
class CampaignState:
    """The file of a campaign.

    Parameters
    ----------
    path : Path
        `<out>/<name>.campaign.json`.
    """

    path: Path
    runs: dict[str, NotedRun] = field(default_factory=dict)

    @classmethod
    def opened(cls, path: Path) -> CampaignState:
        """What a file says; empty where there is none, or a damaged one, after which everything is looked at anew."""
        try:
            content, _ = unseal(path.read_bytes(), path)
            if content.get("format") != FORMAT:
                return cls(path)
            return cls(path, {name: NotedRun(**run) for name, run in content["runs"].items()})
        except (OSError, DamagedError, TypeError, KeyError, AttributeError):
            return cls(path)

    def note(self, name: str, run: NotedRun) -> None:
        """Take in a run, and write the file whole or not at all.

        Raises
        ------
        CannotMeasure
            It cannot be written.
        """
        self.runs[name] = run
        content: Mapping[str, object] = {
            "format": FORMAT,
            "runs": {each: asdict(one) for each, one in sorted(self.runs.items())},
        }
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(seal(json.dumps(content, indent=0)), encoding="utf-8")
            os.replace(partial, self.path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise storage_error(error, self.path) from error
