"""A submission to DCASE 2025 Task 1, run through the inference interface that every team had to implement.

    git clone https://github.com/CPJKU/dcase2025_task1_inference
    benchbed run suites/dcase_task1.yaml --model adapters/dcase2025.py \\
        --set package=dcase2025_task1_inference/Schmid_CPJKU_task1

The interface: a package `<label>` with modules `<label>_1` … `<label>_4`, each with
`predict(file_paths, device_ids, model_file_path=None) -> (logits, class_order)`: one tensor of logits per file, and the
class names in the order of the logits. The audio of a batch is written to wav files for it, and the recording device of
every clip, which the task allows at test time, is handed on. The package is code that you chose to run; its
requirements must be installed beside benchbed. If they cannot be, wrap it with adapters/command.py in an environment of
its own.
"""

import contextlib
import importlib
import importlib.util
import inspect
import io
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile

from benchbed.adapter import Adapter, Card
from benchbed.errors import AdapterError, CheckpointError, ConfigError
from benchbed.rng import preserved_global_state

SCENES = (
    "airport",
    "bus",
    "metro",
    "metro_station",
    "park",
    "public_square",
    "shopping_mall",
    "street_pedestrian",
    "street_traffic",
    "tram",
)


class Dcase2025(Adapter):
    """One submission of one team.

    Parameters
    ----------
    package : str
        Folder of the package, path of one module in it, or the name of an installed package or module.
    index : int
        Which of the submissions in the package, 1 to 4.
    model_file_path : Path, optional
        Checkpoint in place of the packaged one.
    use_cuda : bool, optional
        Handed to `predict` if it takes it; by default whether benchbed runs on CUDA.
    keep_model : bool
        Let `load_model` work once instead of in every `predict`, as the interface has it; the same numbers, sooner,
        unless a submission changes its model while predicting.
    sample_rate : int
        Rate of the wav files in Hz; that of the official recordings by default.
    name, family, licence, trained_on : card
        Fields of the card.
    """

    def __init__(
        self,
        *,
        package: str,
        index: int = 1,
        model_file_path: Path | None = None,
        use_cuda: bool | None = None,
        keep_model: bool = False,
        sample_rate: int = 44100,
        name: str = "",
        family: str = "cnn",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        self._root, self._module = _locate(package, index)
        if model_file_path is not None and not model_file_path.is_file():
            raise CheckpointError("there is no checkpoint", where=str(model_file_path), hint="check model_file_path=")
        self._checkpoint, self._use_cuda, self._keep = model_file_path, use_cuda, keep_model
        self._api: ModuleType | None = None
        self.card = Card(
            name=name or self._module.rpartition(".")[2],
            family=family,
            output="scene",
            labels=SCENES,
            sample_rate=sample_rate,
            clip_seconds=1.0,
            side_information=("device",),
            licence=licence,
            description=f"DCASE 2025 Task 1 submission {self._module}",
            trained_on=trained_on,
        )

    def load(self, device: str = "cpu") -> None:
        """Import the submission; it reads its weights itself, in `predict`."""
        if self._use_cuda is None:
            self._use_cuda = device.startswith("cuda")
        # Submissions import themselves by their full name. Last in the search path, their folder shadows nothing.
        if self._root is not None and str(self._root) not in sys.path:
            sys.path.append(str(self._root))
        try:
            with _quiet():
                self._api = importlib.import_module(self._module)
        except Exception as error:  # anything may go wrong in foreign code, and builds of torchaudio raise OSError
            raise AdapterError(
                f"the submission cannot be imported: {type(error).__name__}: {error}",
                where=self._module,
                hint="install its requirements.txt, or wrap it with adapters/command.py in an environment of its own",
            ) from error
        found = Path(self._api.__file__ or "")
        if self._root is not None and self._root not in found.parents:
            raise AdapterError(f"another package of that name is in the way: {found}", where=str(self._root))
        if not callable(getattr(self._api, "predict", None)):
            raise AdapterError("the submission has no function predict", where=str(found))
        if self._keep and callable(getattr(self._api, "load_model", None)):
            self._api.load_model = _once(self._api.load_model)

    def predict(self, batch) -> np.ndarray:
        """Logits `[clip, scene]` in the order of the card's labels."""
        if self._api is None:
            raise AdapterError("the submission is not loaded", where=self._module, hint="call load() first")
        if "device" not in batch.side:
            raise AdapterError(
                "the submission needs the recording device of every clip, and the batch carries none",
                where=self._module,
                hint="allow it in the suite: audio.side_information: [device]",
            )
        options = {"use_cuda": self._use_cuda} if _takes(self._api.predict, "use_cuda") else {}
        checkpoint = None if self._checkpoint is None else str(self._checkpoint)
        with tempfile.TemporaryDirectory(prefix="benchbed_") as folder:
            paths = [str(Path(folder) / f"{number:05d}.wav") for number in range(len(batch))]
            for path, waveform, length in zip(paths, batch.waveforms, batch.lengths):
                soundfile.write(path, waveform[:, : int(length)].T, batch.sample_rate, "FLOAT")
            devices = [str(device) for device in batch.side["device"]]
            try:
                with _quiet(), preserved_global_state(0):
                    answer = self._api.predict(paths, devices, model_file_path=checkpoint, **options)
            except Exception as error:  # see load
                raise AdapterError(
                    f"the submission's predict failed: {type(error).__name__}: {error}", where=self._module
                ) from error
        return self._ordered(answer, len(batch))

    def weights(self) -> list[Path]:
        """Every file of the package, and the checkpoint: helpers and weights may lie anywhere in it."""
        own = [] if self._checkpoint is None else [self._checkpoint]
        folder = None if self._root is None else self._root / self._module.partition(".")[0]
        if folder is None:
            spec = importlib.util.find_spec(self._module.partition(".")[0])
            folder = Path(next(iter(spec.submodule_search_locations))) if spec else None
        inside = folder.rglob("*") if folder is not None else ()
        return own + sorted(path for path in inside if path.is_file() and "__pycache__" not in path.parts)

    def _ordered(self, answer: object, clips: int) -> np.ndarray:
        try:
            tensors, order = answer
            order = [str(label) for label in order]
            rows = np.stack([np.asarray(row.detach().float().cpu(), np.float32).reshape(-1) for row in tensors])
        except (TypeError, ValueError, AttributeError) as error:
            raise AdapterError(
                f"predict must return (list of tensors, class order): {error}", where=self._module
            ) from error
        if sorted(order) != sorted(SCENES):
            odd = sorted(set(order) ^ set(SCENES)) or order
            raise AdapterError(
                f"the class order does not name the ten scenes once each: {', '.join(odd)}", where=self._module
            )
        if rows.shape != (clips, len(SCENES)):
            raise AdapterError(
                f"predict gave logits of shape {list(rows.shape)} for {clips} clips and {len(SCENES)} scenes",
                where=self._module,
            )
        return rows[:, [order.index(scene) for scene in SCENES]]


def _locate(package: str, index: int) -> tuple[Path | None, str]:
    """Folder to import from (None for what is installed) and dotted name of the submission's module."""
    path = Path(package).expanduser()
    if path.is_file():
        return path.resolve().parents[1], f"{path.resolve().parent.name}.{path.stem}"
    if path.is_dir():
        path = path.resolve()
        module = path / f"{path.name}_{index}.py"
        if module.is_file():
            return path.parent, f"{path.name}.{module.stem}"
        # The folder of the repository, one level up, is what people have at hand.
        inner = [child for child in sorted(path.glob("*/")) if (child / f"{child.name}_{index}.py").is_file()]
        if len(inner) == 1:
            return path, f"{inner[0].name}.{inner[0].name}_{index}"
        found = ", ".join(sorted(child.stem for child in path.glob("**/*_[1-4].py"))[:6])
        raise ConfigError(
            f"the folder holds no single submission {path.name}_{index}.py",
            where=str(path),
            hint=f"submissions in it: {found}" if found else "give the folder <label> that holds <label>_1.py",
        )
    if "/" in package or package.endswith(".py"):
        raise ConfigError("there is no such package", where=str(path), hint="check package=")
    top = package.partition(".")[0]
    if importlib.util.find_spec(top) is None:
        raise ConfigError(f"no package '{top}' is installed", hint="give its folder, or install it with pip")
    return None, package if "." in package else f"{package}.{package}_{index}"


def _takes(function, name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _once(function):
    made: dict = {}

    def load_model(*arguments, **options):
        key = repr((arguments, options))
        if key not in made:
            made[key] = function(*arguments, **options)
        return made[key]

    return load_model


@contextlib.contextmanager
def _quiet():
    # Submissions print and draw progress bars, in every batch; standard output belongs to benchbed's own answer.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
