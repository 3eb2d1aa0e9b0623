"""Any audio classifier of `transformers` (AST, wav2vec 2.0, HuBERT, WavLM, Whisper, …) from a folder on this machine.

    benchbed run suites/esc50.yaml --model adapters/hf.py --set model=checkpoints/ast-esc50
    benchbed run suites/dcase_task6_retrieval.yaml --model adapters/hf.py --set model=checkpoints/clap

The folder is what `save_pretrained` writes: `config.json`, `preprocessor_config.json`, `model.safetensors`. Nothing is
downloaded and no code from the folder is run. Labels and sample rate come from the folder. Models that take the
waveform itself also get a differentiable `forward`, which opens white-box attacks; features of the others (AST,
Whisper) are computed in numpy.

A CLAP model is a pair of encoders: it gives similarities to texts, or with `output=moments` where in a recording they
are heard. Its feature extractor takes ten seconds at random of a longer clip, and of fused models marks a clip at
random as longer; here a clip is heard to its end, ten seconds after ten seconds, whose embeddings are averaged, and
none is marked.
"""

import contextlib
import inspect
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from benchbed.adapter import Adapter, Card
from benchbed.adapter.checkpoint import trusted
from benchbed.adapter.dual import DualEncoder
from benchbed.adapter.labelmap import read_label_map
from benchbed.adapter.labels import read_labels
from benchbed.errors import CheckpointError, ConfigError


@contextlib.contextmanager
def _hidden(*names: str):
    kept = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(kept)


# Builds of torchvision and torchaudio that do not match torch raise on import, in the middle of transformers. Audio
# models need neither, and without them features come from the same code on every machine.
with _hidden("torchvision", "torchaudio"):
    import transformers
    from transformers.utils import import_utils

    for available in (import_utils.is_torchvision_available, import_utils.is_torchaudio_available):
        getattr(available, "cache_clear", available)()
        available()

transformers.utils.logging.disable_progress_bar()

#: Feature extractors that hand the waveform on, scaled to zero mean and unit variance if they say so.
WAVEFORM_EXTRACTORS = ("Wav2Vec2FeatureExtractor",)
#: Model types trained on speech without labels first.
SELF_SUPERVISED = ("wav2vec2", "hubert", "wavlm", "unispeech", "data2vec", "sew")


#: Outputs of a model; those of a pair of encoders stand last.
Output = Literal["infer", "scene", "tags", "similarity", "moments"]


class HuggingFace(Adapter):
    """An audio classification checkpoint of transformers, or a pair of encoders (CLAP).

    Parameters
    ----------
    model : Path
        The folder.
    output : str
        `scene` (one class) or `tags` (several); `infer` takes tags where the configuration says multi-label. Of CLAP
        `similarity`, which is inferred, or `moments`.
    labels : str
        Class names in place of those in `config.json`: a file or names separated by commas.
    label_map : Path, optional
        File that says which of the model's classes mean which label of the dataset.
    clip_seconds : float, optional
        Length the model was trained on, in seconds; None for any.
    window_hop, window_join : float, str
        Longer clips are heard in windows of that length so many seconds apart, and their answers joined; see `Card`.
    window_seconds, hop_seconds : float
        For moments: windows that slide over a recording.
    licence, trained_on : card
        Fields of the card.
    """

    def __new__(cls, *, model: Path, **options: object) -> "HuggingFace":
        """Of a folder with a pair of encoders that pair; of any other a classifier."""
        folder = Path(model)
        if (folder / "config.json").is_file() and _read(
            transformers.AutoConfig, folder, "the configuration"
        ).model_type == "clap":
            return _Clap(folder, **options)  # type: ignore[return-value, arg-type]
        return super().__new__(cls)

    def __init__(
        self,
        *,
        model: Path,
        output: Output = "infer",
        labels: str = "",
        label_map: Path | None = None,
        clip_seconds: float | None = None,
        window_hop: float | None = None,
        window_join: Literal["mean", "max"] = "mean",
        window_seconds: float = 4.0,
        hop_seconds: float = 1.0,
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        if output in ("similarity", "moments"):
            raise ConfigError(f"a classifier gives no {output}", where="output", hint="give the folder of a CLAP model")
        self.folder = Path(model)
        if not (self.folder / "config.json").is_file():
            raise CheckpointError(
                "there is no transformers checkpoint in this folder",
                where=str(self.folder),
                hint="give a local folder with config.json, preprocessor_config.json and model.safetensors; nothing is "
                "downloaded, so fetch it first, e.g. with `hf download NAME --local-dir FOLDER`",
            )
        self._config = self._read(transformers.AutoConfig, "the configuration")
        self._extractor = self._read(transformers.AutoFeatureExtractor, "the feature extractor")
        kind = self._config.model_type
        made_for = (self._config.architectures or [""])[0]
        if made_for.endswith("ForConditionalGeneration"):
            raise ConfigError(
                f"{made_for} says sentences and has no classes",
                where=str(self.folder),
                hint="a captioner that was made from Whisper is for adapters/hf_captioner.py",
            )
        if output == "infer":
            output = "tags" if self._config.problem_type == "multi_label_classification" else "scene"
        named = [self._config.id2label[index] for index in sorted(self._config.id2label)]
        names = read_labels(labels or named)
        if len(names) != len(named):
            raise ConfigError(f"{len(names)} labels are given for a model of {len(named)} classes", where="labels")
        self.card = Card(
            name=self.folder.resolve().name,
            family="ssl" if kind.startswith(SELF_SUPERVISED) else "transformer",
            output=output,
            labels=names,
            sample_rate=self._extractor.sampling_rate,
            clip_seconds=clip_seconds,
            window_hop=window_hop,
            window_join=window_join,
            min_seconds=0.025,  # one analysis window; the convolutions of wav2vec 2.0 span the same
            label_map=read_label_map(label_map, names) if label_map else {},
            licence=licence,
            description=f"transformers {kind}",
            trained_on=trained_on,
        )
        if type(self._extractor).__name__ in WAVEFORM_EXTRACTORS:
            self.forward = self._forward

    def load(self, device: str = "cpu") -> None:
        """Read the weights; every one of them must be in the file."""
        safe = any(self.folder.glob("*.safetensors"))
        if not safe and not trusted():
            raise CheckpointError(
                "the folder has no weights in safetensors format",
                where=str(self.folder),
                hint="convert pytorch_model.bin with save_pretrained, or give --trust-checkpoint if you trust it",
            )
        self.device = torch.device(device)
        network, report = self._read(
            transformers.AutoModelForAudioClassification,
            "the model",
            use_safetensors=safe,
            output_loading_info=True,
        )
        # transformers fills what is missing with random numbers, which would be scored as if trained.
        if report["missing_keys"]:
            missing = sorted(report["missing_keys"])
            raise CheckpointError(
                f"{len(missing)} weights are not in the checkpoint: {', '.join(missing[:4])}",
                where=str(self.folder),
                hint="the checkpoint was not fine-tuned for classification" if "classif" in str(missing) else None,
            )
        self.model = network.float().to(self.device).eval()

    def predict(self, batch) -> np.ndarray:
        """Logits `[clip, class]`; clips of one length run together, so that padding is never heard."""
        scores = np.zeros((len(batch), len(self.card.labels)), np.float32)
        for length in np.unique(batch.lengths):
            rows = np.flatnonzero(batch.lengths == length)
            waveforms = np.ascontiguousarray(batch.waveforms[rows, :, : int(length)])
            with torch.inference_mode():
                if self.forward is not None:
                    logits = self._forward(torch.from_numpy(waveforms).to(self.device))
                else:
                    clips = list(waveforms.mean(1))
                    inputs = self._extractor(clips, sampling_rate=self.card.sample_rate, return_tensors="pt")
                    logits = self.model(**inputs.to(self.device)).logits
            scores[rows] = logits.float().cpu().numpy()
        return scores

    def weights(self) -> list[Path]:
        patterns = ("*.safetensors", "*.bin", "config.json", "preprocessor_config.json")
        return sorted(path for pattern in patterns for path in self.folder.glob(pattern))

    def _forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Differentiable logits of waveforms `[clip, channel, sample]`."""
        audio = waveforms.mean(1)
        if self._extractor.do_normalize:
            variance, mean = torch.var_mean(audio, dim=-1, correction=0, keepdim=True)
            audio = (audio - mean) / torch.sqrt(variance + 1e-7)
        return self.model(audio).logits

    def _read(self, kind: type, what: str, **options):
        return _read(kind, self.folder, what, **options)


# What `__new__` passes on is declared by `__init__`: options are read off the signature.
_DECLARED = inspect.signature(HuggingFace.__init__)
HuggingFace.__signature__ = _DECLARED.replace(parameters=list(_DECLARED.parameters.values())[1:])


def _read(kind: type, folder: Path, what: str, **options):
    try:
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:  # transformers raises many types; the first line says which file or key
        reason = " ".join(str(error).split()) or repr(error)
        raise CheckpointError(f"transformers cannot read {what}: {reason[:300]}", where=str(folder)) from error


class _Clap(DualEncoder):
    """A CLAP model: both towers, features in numpy."""

    #: Features are computed in numpy: nothing differentiates through them.
    forward = None  # type: ignore[assignment]

    def __init__(
        self,
        folder: Path,
        *,
        output: Output = "infer",
        window_seconds: float = 4.0,
        hop_seconds: float = 1.0,
        licence: str = "",
        trained_on: tuple[str, ...] = (),
        **strange: object,
    ) -> None:
        if strange or output in ("scene", "tags"):
            named = next(iter(strange), "output")
            raise ConfigError(
                f"the option '{named}' is about classifiers, and {folder.name} is a pair of encoders",
                where=named,
                hint="output: similarity or moments",
            )
        self.folder, self.slides = folder, output == "moments"
        self.window_seconds, self.hop_seconds = window_seconds, hop_seconds
        self._extractor = _read(transformers.AutoFeatureExtractor, folder, "the feature extractor")
        self._tokenizer = _read(transformers.AutoTokenizer, folder, "the tokenizer")
        self.card = Card(
            name=folder.resolve().name,
            family="transformer",
            output="moments" if self.slides else "similarity",
            labels=(),
            sample_rate=self._extractor.sampling_rate,
            min_seconds=0.025,
            licence=licence,
            description="transformers clap",
            trained_on=trained_on,
        )

    def build(self) -> torch.nn.Module:
        safe = any(self.folder.glob("*.safetensors"))
        if not safe and not trusted():
            raise CheckpointError(
                "the folder has no weights in safetensors format",
                where=str(self.folder),
                hint="convert pytorch_model.bin with save_pretrained, or give --trust-checkpoint if you trust it",
            )
        network, report = _read(
            transformers.ClapModel, self.folder, "the model", use_safetensors=safe, output_loading_info=True
        )
        if report["missing_keys"]:
            missing = sorted(report["missing_keys"])
            raise CheckpointError(
                f"{len(missing)} weights are not in the checkpoint: {', '.join(missing[:4])}", where=str(self.folder)
            )
        return network.float()

    def sound(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Mean of the embeddings of the pieces of each clip, each of unit length and weighed by its own length."""
        rate, longest = self._extractor.sampling_rate, self._extractor.nb_max_samples
        pieces = torch.split(waveforms.mean(1), longest, dim=1)
        # A remainder too short for one analysis window says nothing.
        pieces = tuple(p for p in pieces if p.shape[1] >= self._extractor.fft_window_size) or pieces[:1]
        total = torch.zeros(())
        for piece in pieces:
            inputs = self._extractor(list(piece.cpu().numpy()), sampling_rate=rate, return_tensors="pt")
            inputs["is_longer"] = torch.zeros_like(torch.as_tensor(inputs["is_longer"]), dtype=torch.bool)
            found = self.model.get_audio_features(**inputs.to(self.device))
            total = total + piece.shape[1] * torch.nn.functional.normalize(_pooled(found), dim=-1)
        return total

    def text(self, texts) -> torch.Tensor:
        inputs = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        return _pooled(self.model.get_text_features(**inputs.to(self.device)))

    def weights(self) -> list[Path]:
        patterns = ("*.safetensors", "*.bin", "*.json", "merges.txt")
        return sorted(path for pattern in patterns for path in self.folder.glob(pattern))


def _pooled(found) -> torch.Tensor:
    """An embedding, which newer releases wrap."""
    return getattr(found, "pooler_output", found)
