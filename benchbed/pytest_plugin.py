"""The pytest fixture `benchbed`, so that a project can keep its gate among its tests.

    def test_no_regression(benchbed):
        run = benchbed.run("suites/esc10.yaml", "adapters/mine.py", data={"esc10": "/datasets/esc10"})
        benchbed.gate(run, "baselines/esc10", "gate.yaml")

Nothing is imported at pytest's start but pytest itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from benchbed.api.deciding import Gated


class Benchbed:
    """What the fixture gives.

    Parameters
    ----------
    out : Path
        Folder of runs; it outlives the session, so that stored predictions are reused.
    root : Path
        Folder that relative paths are taken from.
    """

    def __init__(self, out: Path, root: Path) -> None:
        self.out, self.root = out, root

    def run(
        self,
        suite: str | Path,
        model: str | Path,
        *,
        options: Mapping[str, Any] | None = None,
        data: Mapping[str, str | Path] | None = None,
        **settings: Any,
    ) -> Path:
        """Run a suite on a model and return the run's folder.

        Parameters
        ----------
        suite : str or Path
            File or name of a suite.
        model : str or Path
            Adapter, as for `benchbed run --model`.
        options : mapping, optional
            Options of the model.
        data : mapping of str to path, optional
            Where datasets lie.
        **settings
            Further arguments of `benchbed.run`, e.g. `limit`, `device`, `seed`, `out`.

        What cannot be run fails the test with the error that the command line would print.
        """
        from benchbed.api import measuring
        from benchbed.api.run import Run
        from benchbed.errors import ConfigError, did_you_mean

        known = list(inspect.signature(measuring.run).parameters)
        with _told():
            for name in settings:
                if name not in known:
                    hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
                    raise ConfigError(f"benchbed.run: unknown setting '{name}'", hint=hint)
            folders = {name: self._path(path) for name, path in (data or {}).items()}
            made = {"out": self.out, "report": False, **settings}
            ran = measuring.run(self._text(suite), self._text(model), options=options, data=folders, **made)
        assert isinstance(ran, Run)
        return ran.path

    def gate(
        self,
        run: str | Path | Sequence[str | Path],
        baseline: str | Path | Sequence[str | Path] | None = None,
        rules: str | Path | None = None,
        *,
        strict: bool = False,
    ) -> Gated:
        """Hold a run against a baseline and rules; the test fails unless the gate is passed.

        Parameters
        ----------
        run, baseline : str or Path
            Run folder, result file, or name of a baseline below `baselines/`; several of them are seeds of one model.
        rules : str or Path, optional
            File of rules, or name of shipped ones.
        strict : bool
            Inconclusive answers fail, too.
        """
        from benchbed.api import deciding
        from benchbed.results.baseline import FOLDER

        against = None if baseline is None else self._texts(baseline)
        with _told():
            judged = deciding.gate(
                self._texts(run),
                against,
                None if rules is None else self._text(rules),
                strict=strict,
                baselines=self.root / FOLDER,
            )
        if not judged.passed:
            pytest.fail(str(judged), pytrace=False)
        return judged

    def _texts(self, places: str | Path | Sequence[str | Path]) -> list[str]:
        return [self._text(place) for place in ([places] if isinstance(places, (str, Path)) else places)]

    def _path(self, path: str | Path) -> Path:
        return Path(path) if Path(path).is_absolute() else self.root / path

    def _text(self, place: str | Path) -> str:
        path = self._path(place)
        return str(path) if path.exists() else str(place)


@contextmanager
def _told() -> Iterator[None]:
    """An error of benchbed fails the test in its own words: its place is in the project, not in the traceback."""
    from benchbed.errors import BenchbedError

    try:
        yield
    except BenchbedError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture
def benchbed(request: pytest.FixtureRequest) -> Benchbed:
    """Run suites and hold runs against baselines: `benchbed.run(suite, model)`, `benchbed.gate(run, baseline)`."""
    cache = getattr(request.config, "cache", None)
    out = cache.mkdir("benchbed") if cache is not None else request.getfixturevalue("tmp_path")
    return Benchbed(Path(out), Path(request.config.rootpath))
