"""Commands without the seconds that imports take: one process imports everything, and forks for each command.

Run as a script it takes lines of JSON, `{"words": [...], "first": "python code", "out": "file"}`, and answers each with
the number of the process, and with its wait status when it has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes
    ----------
    code : int
        Exit code, or minus the signal that ended it.
    said : str
        What it wrote to both streams.
    seconds : float
    """

    code: int
    said: str
    seconds: float


class Forks:
    """A process that forks for each command."""

    def __init__(self, place: Path) -> None:
        self.place, self._count = place, 0
        own = {"BENCHBED_ISOLATE": "0", "BENCHBED_CONFIG": "", "BENCHBED_DATA": "", "OMP_NUM_THREADS": "1"}
        env = {**os.environ, **own, "BENCHBED_CACHE": str(place / "cache")}
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=place
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def run(
        self,
        *words: object,
        first: str = "",
        after: float | None = None,
        number: int = signal.SIGKILL,
        once: Path | None = None,
    ) -> Ended:
        """Run `benchbed` with some words, after some code; end it by a signal after so many seconds, once a file is
        there if one is named."""
        self._count += 1
        out = self.place / f"said-{self._count}.txt"
        asked = {"words": [str(word) for word in words], "first": first, "out": str(out)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        process, began = int(self._line()), time.monotonic()
        if after is not None:
            while once is not None and not once.exists() and time.monotonic() - began < 120:
                time.sleep(0.05)
            time.sleep(after)
            with contextlib.suppress(ProcessLookupError):  # not reaped yet, or over already
                os.kill(process, number)
        code = os.waitstatus_to_exitcode(int(self._line()))
        return Ended(code, out.read_text(errors="replace"), time.monotonic() - began)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


@contextlib.contextmanager
def forks(place: Path) -> Iterator[Forks]:
    """A process that forks, for as long as the block lasts."""
    made = Forks(place)
    try:
        yield made
    finally:
        made.close()


def _serve() -> None:
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import soundfile  # noqa: F401
    import torch

    import benchbed.api.one
    import benchbed.report.page
    import benchbed.run.attacking.unit
    import benchbed.run.session  # noqa: F401
    from benchbed.cli import main

    torch.set_num_threads(1)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            _one(asked, main)
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)


def _one(asked: dict, main) -> None:
    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1)
    os.dup2(out, 2)
    code = 99
    try:
        exec(asked["first"], {})
        main(asked["words"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 98
    except BaseException:
        import traceback

        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve()
