"""The first answer of a model in a fresh process: import, load, first call, and the memory of the whole process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from benchbed.errors import CannotMeasure
from benchbed.profile.counts import figure, milliseconds, missing


def cold_start(
    locator: str,
    options: Mapping[str, Any],
    *,
    device: str = "cpu",
    seconds: float | None = None,
    threads: int = 1,
    timeout: float = 300.0,
) -> dict[str, Any]:
    """Load a model in a new process and ask it once.

    Parameters
    ----------
    locator : str
        Adapter, as `load_adapter` takes it.
    options : mapping
        Its options.
    device, seconds, threads
        As for `latency`.
    timeout : float
        Seconds after which the process is ended.

    Returns
    -------
    dict
        `import`, `load`, `first_call`, `second_call` in milliseconds; `peak_memory` of the process in bytes, and how
        much of it was there before the model was loaded.
    """
    from benchbed.adapter.checkpoint import TRUST_VARIABLE, trusted

    asked = json.dumps(
        {"locator": locator, "options": dict(options), "device": device, "seconds": seconds, "threads": threads}
    )
    environment = dict(os.environ) | {"OMP_NUM_THREADS": str(threads)} | ({TRUST_VARIABLE: "1"} if trusted() else {})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchbed.profile.coldstart"],
            input=asked,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
            check=True,
        )
        told = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"reason": f"no answer from a fresh process within {timeout:g} s"}
    except (subprocess.CalledProcessError, ValueError, IndexError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        return {"reason": f"the model does not start in a fresh process: {said[-1] if said else error}"}
    method = "fresh process, file cache as it was"
    figures = {name: milliseconds(told[name], method) for name in ("import", "load", "first_call", "second_call")}
    for name, what in (
        ("peak_memory", "largest resident size of the process (VmHWM)"),
        ("memory_before_model", "resident size after the imports, before the model"),
    ):
        figures[name] = (
            figure(told[name], "bytes", what) if told[name] else missing("bytes", "/proc tells no VmHWM here")
        )
    return figures


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    begun = time.perf_counter()
    import torch

    from benchbed.adapter.load import load_adapter, start
    from benchbed.adapter.surroundings import if_any
    from benchbed.profile.calls import silence_free
    from benchbed.profile.counts import clip_seconds

    torch.set_num_threads(asked["threads"])
    imported, before = time.perf_counter(), _resident("VmRSS")
    adapter = start(load_adapter(asked["locator"], asked["options"]), asked["device"])
    loaded = time.perf_counter()
    batch = silence_free(adapter, asked["seconds"] or clip_seconds(adapter))
    calls = []
    for _ in range(2):
        first = time.perf_counter()
        with if_any(adapter):
            adapter.predict(batch)
        calls.append(time.perf_counter() - first)
    adapter.close()
    return {
        "import": imported - begun,
        "load": loaded - imported,
        "first_call": calls[0],
        "second_call": calls[1],
        "peak_memory": _resident("VmHWM"),
        "memory_before_model": before,
    }


def _resident(field: str) -> int | None:
    """A size of this process in bytes, as Linux tells it."""
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith(f"{field}:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None  # not Linux
    return None


def _main() -> None:
    from benchbed.errors import BenchbedError

    try:
        told = _answer(json.loads(sys.stdin.read()))
    except BenchbedError as error:
        raise SystemExit(f"{CannotMeasure.__name__}: {error.what}") from error
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    _main()
