"""A program as a model: anything that reads audio and writes scores, in another interpreter or language.

    benchbed run suites/esc50.yaml --model adapters/command.py --set command="Rscript model.R" \\
        --set labels=labels.txt --set sample_rate=16000

With `protocol=pipe` (the default) the program is started once. For every batch it reads from standard input one line of
JSON, `{"clips": N, "channels": C, "samples": S, "sample_rate": R, "lengths": [...]}`, and after it N·C·S little-endian
float32 numbers, clip after clip; it answers with one line of JSON on standard output, `{"scores": [[...], ...]}`, and
flushes. It ends when its input ends. A whole program in Python:

    import json, sys
    import numpy as np
    while line := sys.stdin.buffer.readline():
        head = json.loads(line)
        size = head["clips"] * head["channels"] * head["samples"]
        audio = np.frombuffer(sys.stdin.buffer.read(4 * size), "<f4").reshape(head["clips"], -1)
        loud = np.abs(audio).mean(1)
        print(json.dumps({"scores": [[1 - x, x] for x in loud.tolist()]}), flush=True)

With `protocol=files` it is started for every batch. In the command, `{input}` becomes a text file with the path of one
wav file per line, `{output}` the file to write: csv without a header or JSON lines, a row of scores per wav in order.

    --set protocol=files --set command="perl model.pl {input} {output}"

A program that is told more than the audio, such as the recording device, says so with `side_information=device`: the
line of JSON then has `"side": {"device": [...]}`, the text file one column per name after the path, separated by tabs.
"""

import contextlib
import json
import os
import queue
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.adapter import Adapter, Card
from benchbed.adapter.labelmap import read_label_map
from benchbed.adapter.labels import read_labels
from benchbed.errors import AdapterError, ConfigError


class Command(Adapter):
    """Speaks to a program over a pipe or over files.

    Parameters
    ----------
    command : str
        The command line, split as a shell would split it but run without a shell.
    labels : str
        Class names in the order of the scores: a file (`.txt`, `.csv`, `.yaml`, `.json`) or names separated by commas.
    sample_rate : int
        Samples per second the program wants.
    protocol : str
        `pipe` or `files`.
    clip_seconds, channels : float, int
        Length of a clip in seconds (None for any) and channels the program wants.
    output : str
        `scene`, `tags` or `frames` (then a row of scores is a list of frames; over files as JSON lines).
    scores : str
        What the scores are: `logits`, `probabilities` or `log_probabilities`.
    wav : str
        Over files: `float` (32 bit) or `pcm16`, which clips and rounds.
    timeout : float
        Seconds the program may take for one batch.
    files : str
        Weights and scripts of the program, separated by commas: they belong to what the cache must tell apart.
    side_information : tuple of str
        Metadata columns the program is told, if the suite allows them.
    label_map : Path, optional
        File that says which of the program's classes mean which label of the dataset.
    name, family, frame_seconds, window_hop, window_join, licence, trained_on : card
        Fields of the card.
    """

    def __init__(
        self,
        *,
        command: str | list[str],
        labels: str,
        sample_rate: int,
        protocol: Literal["pipe", "files"] = "pipe",
        clip_seconds: float | None = None,
        channels: int = 1,
        output: Literal["scene", "tags", "frames"] = "scene",
        scores: Literal["logits", "probabilities", "log_probabilities"] = "probabilities",
        wav: Literal["float", "pcm16"] = "float",
        timeout: float = 600.0,
        files: str = "",
        side_information: tuple[str, ...] = (),
        label_map: Path | None = None,
        name: str = "",
        family: str = "other",
        frame_seconds: float | None = None,
        window_hop: float | None = None,
        window_join: Literal["mean", "max"] = "mean",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        try:
            self.words = shlex.split(command) if isinstance(command, str) else list(command)
        except ValueError as error:
            raise ConfigError(f"the command cannot be split into words: {error}", where=str(command)) from error
        if not self.words or shutil.which(self.words[0]) is None:
            raise ConfigError(
                f"there is no program '{self.words[0] if self.words else ''}'",
                where="command",
                hint="give a program on PATH or the path of an executable file",
            )
        self._line = shlex.join(self.words)
        if protocol == "files" and not all(
            any(mark in word for word in self.words) for mark in ("{input}", "{output}")
        ):
            raise ConfigError(
                "over files the command must say where {input} and {output} go",
                where=self._line,
                hint='e.g. command="perl model.pl {input} {output}"',
            )
        if sample_rate <= 0:
            raise ConfigError(f"sample_rate={sample_rate} is not a sample rate", hint="e.g. sample_rate=16000")
        self._protocol, self._wav, self._timeout = protocol, wav, timeout
        self._files = [Path(part.strip()) for part in files.split(",") if part.strip()]
        # Scripts named on the command line are part of the model, too.
        self._files += [Path(word) for word in self.words if Path(word).suffix and Path(word).is_file()]
        missing = [str(path) for path in self._files if not path.is_file()]
        if missing:
            raise ConfigError(f"there is no file {missing[0]}", where="files")
        self._process: subprocess.Popen | None = None
        self._sender: threading.Thread | None = None
        names = read_labels(labels)
        self.card = Card(
            name=name or Path(self.words[0]).stem,
            family=family,
            output=output,
            labels=names,
            sample_rate=sample_rate,
            channels=channels,
            scores=scores,
            clip_seconds=clip_seconds,
            side_information=side_information,
            frame_seconds=frame_seconds,
            window_hop=window_hop,
            window_join=window_join,
            label_map=read_label_map(label_map, names) if label_map else {},
            licence=licence,
            description=f"command over {protocol}: {self._line}",
            trained_on=trained_on,
        )

    def load(self, device: str = "cpu") -> None:
        """Start the program, if it is spoken to over a pipe; which device it uses is its own affair."""
        if self._protocol == "pipe" and self._process is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="benchbed_")
            self._log = Path(self._scratch.name) / "stderr"
            pipe = subprocess.PIPE
            try:
                with self._log.open("wb") as log:
                    # A group of its own, so that what a wrapper script has started ends with it.
                    self._process = subprocess.Popen(
                        self.words, stdin=pipe, stdout=pipe, stderr=log, start_new_session=True
                    )
            except OSError as error:
                raise AdapterError(f"the program cannot be started: {error}", where=self._line) from error
            self._answers: queue.Queue = queue.Queue()
            # A blocking read cannot be given up after a time; a thread that is waited for can.
            threading.Thread(target=_pump, args=(self._process.stdout, self._answers), daemon=True).start()

    def predict(self, batch) -> np.ndarray:
        """Scores `[clip, class]`, or `[clip, frame, class]` for frames."""
        try:
            return self._over_files(batch) if self._protocol == "files" else self._over_pipe(batch)
        except AdapterError:
            # What else the program may still say belongs to no batch; the next batch finds a fresh one.
            self._end(kill=True)
            raise

    def weights(self) -> list[Path]:
        return list(self._files)

    def close(self) -> None:
        """End the program: its input is closed, and if that does not end it, it is stopped."""
        # Closing a pipe into which a thread still writes would wait for the program to read.
        self._end(kill=self._sender is not None and self._sender.is_alive())

    def _end(self, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            _kill(process)
        with contextlib.suppress(OSError):  # the program may have gone first
            process.stdin.close()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()
        self._scratch.cleanup()

    def _checked(self, rows: list, clips: int) -> np.ndarray:
        if len(rows) != clips:
            raise self._fault(f"{len(rows)} rows of scores came for {clips} clips")
        try:
            scores = np.array(rows, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise self._fault(f"the scores are not a table of numbers: {error}") from error
        rank = 3 if self.card.output == "frames" else 2
        if scores.ndim != rank or scores.shape[-1] != len(self.card.labels):
            raise self._fault(f"scores of shape {list(scores.shape)} came for {len(self.card.labels)} labels")
        return scores

    def _over_pipe(self, batch) -> np.ndarray:
        self.load()
        clips, channels, samples = batch.waveforms.shape
        head = {
            "clips": clips,
            "channels": channels,
            "samples": samples,
            "sample_rate": batch.sample_rate,
            "lengths": [int(length) for length in batch.lengths],
        }
        if batch.side:
            head["side"] = {column: [str(value) for value in values] for column, values in batch.side.items()}
        message = json.dumps(head).encode() + b"\n" + np.ascontiguousarray(batch.waveforms, "<f4").tobytes()
        # Written beside the wait, so that a program that never reads is a timeout and not a full pipe for ever.
        self._sender = threading.Thread(target=_send, args=(self._process.stdin, message), daemon=True)
        self._sender.start()
        try:
            line = self._answers.get(timeout=self._timeout)
        except queue.Empty:
            raise self._fault(f"no answer came within {self._timeout:g} s") from None
        if not line:
            with contextlib.suppress(subprocess.TimeoutExpired):  # one that only closed its output has no exit code
                self._process.wait(timeout=2)
            raise self._fault(f"the program ended with exit code {self._process.returncode} before it answered")
        try:
            rows = list(json.loads(line)["scores"])
        except (ValueError, TypeError, KeyError) as error:
            shown = line[:80].decode("utf-8", "replace").strip()
            raise self._fault(f'the answer is not a line of JSON with "scores": {shown!r}') from error
        return self._checked(rows, len(batch))

    def _over_files(self, batch) -> np.ndarray:
        import soundfile

        with tempfile.TemporaryDirectory(prefix="benchbed_") as folder:
            root = Path(folder)
            listing, answer, self._log = root / "input.txt", root / "output", root / "stderr"
            paths = [root / f"{number:05d}.wav" for number in range(len(batch))]
            for path, waveform, length in zip(paths, batch.waveforms, batch.lengths):
                subtype = "FLOAT" if self._wav == "float" else "PCM_16"
                soundfile.write(path, waveform[:, :length].T, batch.sample_rate, subtype)
            columns = zip(paths, *(batch.side[column] for column in self.card.side_information))
            listing.write_text("".join("\t".join(map(str, row)) + "\n" for row in columns))
            words = [word.replace("{input}", str(listing)).replace("{output}", str(answer)) for word in self.words]
            try:
                with self._log.open("wb") as log:
                    done = subprocess.run(
                        words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=self._timeout
                    )
            except OSError as error:
                raise AdapterError(f"the program cannot be started: {error}", where=self._line) from error
            except subprocess.TimeoutExpired:
                raise self._fault(f"no answer came within {self._timeout:g} s") from None
            if done.returncode:
                raise self._fault(f"the program ended with exit code {done.returncode}")
            if not answer.is_file():
                raise self._fault("the program ended without writing {output}")
            try:
                rows = [_row(line) for line in answer.read_text().splitlines() if line.strip()]
            except ValueError as error:
                raise self._fault(f"a row of the output is not a list of numbers: {error}") from error
            return self._checked(rows, len(batch))

    def _fault(self, what: str) -> AdapterError:
        """The fault with the last words of the program, which most often say why."""
        said = self._log.read_text(errors="replace").strip().splitlines()[-8:]
        hint = "the program said:\n" + "\n".join(f"    {line}" for line in said)
        return AdapterError(what, where=self._line, hint=hint if said else "it wrote nothing on standard error")


def _pump(stream, answers: queue.Queue) -> None:
    # A stream that is closed meanwhile ends like one that is read to its end: with an empty answer.
    with contextlib.suppress(OSError, ValueError):
        for line in iter(stream.readline, b""):
            answers.put(line)
        stream.close()
    answers.put(b"")


def _kill(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
        os.killpg(process.pid, signal.SIGKILL)


def _send(stream, message: bytes) -> None:
    # If the program is gone its answers end too, and that is what is reported.
    with contextlib.suppress(OSError, ValueError):
        stream.write(message)
        stream.flush()


def _row(line: str) -> list:
    if line.lstrip().startswith(("[", "{")):
        row = json.loads(line)
        return row["scores"] if isinstance(row, dict) and "scores" in row else row
    return [float(cell) for cell in line.replace(";", ",").replace("\t", ",").split(",")]
