"""Outputs that the teams of a challenge have deposited: which files or folders in a folder are one system's each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchbed.errors import ConfigError
from benchbed.outputs.contract import Output

#: Endings of files that hold outputs.
ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".npz")
#: In the name of the file of outputs of a package, as challenges collect them (`Karasin_JKU_task1_1.output.csv`).
MARK = ".output"


def systems_in(folder: Path, output: Output, steps: Sequence[str] = ()) -> dict[str, Path]:
    """Name of each system → its outputs, in the order of names.

    A system is a file, or a folder: with the one file of outputs in it (of several the one that is called
    `*.output.csv`), or of a kind whose outputs are many files the folder itself. Other files and hidden ones are none.

    Parameters
    ----------
    folder : Path
        Holds the systems.
    output : Output
        Kind of output of the task.
    steps : sequence of str
        Of a sequence of checkpoints: a system is a folder with the outputs after each step, called like the step, and
        its path is `<folder>/{step}.csv`.

    Raises
    ------
    ConfigError
        No folder, no system in it, two of one name, or a package in which it cannot be told what its outputs are.

    Examples
    --------
    >>> import tempfile
    >>> from benchbed.outputs import output_of
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "Tan_task1_1").mkdir()
    >>> for name in ("baseline.csv", "Tan_task1_1/Tan_task1_1.output.csv", "Tan_task1_1/Tan_task1_1.meta.yaml"):
    ...     _ = (folder / name).write_text("filename,scene_label")
    >>> {name: path.name for name, path in systems_in(folder, output_of("scene")).items()}
    {'Tan_task1_1': 'Tan_task1_1.output.csv', 'baseline': 'baseline.csv'}
    """
    if not folder.is_dir():
        raise ConfigError("there is no folder of outputs", where=str(folder), hint="one file or folder for each system")
    many, single = "folder" in output.deposited, "file" in output.deposited
    outputs: list[tuple[str, Path]] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            outputs.append((entry.name, _stepwise(entry, steps) or _package(entry, many, single)))
        elif single and entry.suffix.lower() in ENDINGS:
            outputs.append((entry.stem.removesuffix(MARK), entry))
    form = " or ".join(f"one {form}" for form in sorted(output.deposited))
    if not outputs:
        raise ConfigError(
            f"no outputs of any system are here; a system of the task {output.name} is {form}", where=str(folder)
        )
    if doubled := [name for name, count in Counter(name for name, _ in outputs).items() if count > 1]:
        raise ConfigError(f"two systems are called '{doubled[0]}'", where=str(folder), hint="rename one of them")
    return dict(outputs)


def _stepwise(folder: Path, steps: Sequence[str]) -> Path | None:
    """Where the outputs after each step are, `{step}` for its name; None where no file is called like a step."""
    endings = [ending for ending in ENDINGS if any((folder / f"{step}{ending}").is_file() for step in steps)]
    if not endings:
        return None
    if missing := [step for step in steps if not (folder / f"{step}{endings[0]}").is_file()]:
        raise ConfigError(
            f"no outputs after the step {missing[0]}",
            where=str(folder / f"{missing[0]}{endings[0]}"),
            hint=f"a file for each step: {', '.join(f'{step}{endings[0]}' for step in steps)}",
        )
    return folder / f"{{step}}{endings[0]}"


def _package(folder: Path, many: bool, single: bool) -> Path:
    """What of one system's folder its outputs are."""
    if not single:
        return folder
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix.lower() in ENDINGS]
    files = [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]
    marked = [file for file in files if MARK in file.suffixes]
    chosen = marked or ([] if many else files)
    if len(chosen) == 1:
        return chosen[0]
    if many and not marked:
        return folder
    told = ", ".join(str(file.relative_to(folder)) for file in chosen[:3]) + (", …" if len(chosen) > 3 else "")
    raise ConfigError(
        f"the folder holds {len(chosen)} files that may be the outputs" + (f": {told}" if told else ""),
        where=str(folder),
        hint=f"one file, or one whose name ends in {MARK}.csv",
    )
