"""A Whisper-style captioner of `transformers` from a folder on this machine: an encoder of log-mel spectrograms, and a
decoder of word pieces that begins with a prompt.

    benchbed run suites/dcase_task6_captioning.yaml --model adapters/hf_captioner.py \\
        --set model=checkpoints/whisper-captions --set prompt="clotho > caption:"

The folder is what `save_pretrained` writes for model, feature extractor and tokeniser. Nothing is downloaded and no
code from the folder is run. The spectrogram is computed in torch, equal to the extractor's, so that attacks have a
gradient. Word pieces that the generation configuration suppresses are never said.
"""

from pathlib import Path
from typing import Literal

import torch

from benchbed.adapter import Card
from benchbed.adapter.captioner import Captioner
from benchbed.adapter.checkpoint import trusted
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.hugging import read_pretrained, transformers
from benchbed.errors import CheckpointError, ConfigError


class HuggingFaceCaptioner(Captioner):
    """A captioning checkpoint of transformers with Whisper's front end.

    Parameters
    ----------
    model : Path
        The folder.
    prompt : str
        What the decoder is told first, after its own start: special pieces such as `<|en|><|transcribe|>`, or a text.
        By default what the generation configuration forces.
    decode : str
        `greedy`, or `beam` search.
    beam : int
        Sentences that a beam follows.
    longest : int
        Most word pieces of a caption.
    licence, trained_on : card
        Fields of the card.
    """

    def __init__(
        self,
        *,
        model: Path,
        prompt: str = "",
        decode: Literal["greedy", "beam"] = "greedy",
        beam: int = 3,
        longest: int = 60,
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        self.folder = Path(model)
        if not (self.folder / "config.json").is_file():
            raise CheckpointError(
                "there is no transformers checkpoint in this folder",
                where=str(self.folder),
                hint="give a local folder with config.json, preprocessor_config.json, the tokeniser and "
                "model.safetensors; nothing is downloaded",
            )
        config = read_pretrained(transformers.AutoConfig, self.folder, "the configuration")
        self.extractor = read_pretrained(transformers.AutoFeatureExtractor, self.folder, "the feature extractor")
        if not isinstance(self.extractor, transformers.WhisperFeatureExtractor):
            raise ConfigError(
                f"the front end {type(self.extractor).__name__} is not Whisper's",
                where=str(self.folder),
                hint="this adapter takes captioners that were made from Whisper; classifiers are for adapters/hf.py",
            )
        self.tokeniser = read_pretrained(transformers.AutoTokenizer, self.folder, "the tokeniser")
        generation = transformers.GenerationConfig.from_model_config(config)
        if (self.folder / "generation_config.json").is_file():
            generation = read_pretrained(transformers.GenerationConfig, self.folder, "the generation configuration")
        self.start = int(config.decoder_start_token_id)
        self.end = int(generation.eos_token_id if isinstance(generation.eos_token_id, int) else config.eos_token_id)
        self.never = tuple(getattr(generation, "suppress_tokens", None) or ())
        self.not_first = tuple(getattr(generation, "begin_suppress_tokens", None) or ())
        forced = [
            int(piece) for _, piece in (getattr(generation, "forced_decoder_ids", None) or []) if piece is not None
        ]
        told = self.tokeniser(prompt, add_special_tokens=False).input_ids if prompt else forced
        self.prompt = [self.start, *told]
        self.places = int(config.max_target_positions)
        self.search(decode, beam, longest)
        if len(self.prompt) + longest > self.places:
            raise ConfigError(
                f"a prompt of {len(self.prompt)} pieces and a caption of {longest} do not fit into {self.places}",
                where="longest",
                hint=f"--set longest={max(1, self.places - len(self.prompt))}",
            )
        self.card = Card(
            name=self.folder.resolve().name,
            family="transformer",
            output="caption",
            labels=(),
            sample_rate=self.extractor.sampling_rate,
            clip_seconds=self.extractor.n_samples / self.extractor.sampling_rate,
            crop="start",
            licence=licence,
            description=f"transformers {config.model_type}, prompt {self.tokeniser.decode(self.prompt)!r}, "
            + ("greedy" if self.width == 1 else f"beam of {beam}"),
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
        network, report = read_pretrained(
            transformers.AutoModelForSpeechSeq2Seq,
            self.folder,
            "the model",
            use_safetensors=safe,
            output_loading_info=True,
        )
        # transformers fills what is missing with random numbers, which would be scored as if trained.
        if report["missing_keys"]:
            missing = sorted(report["missing_keys"])
            raise CheckpointError(
                f"{len(missing)} weights are not in the checkpoint: {', '.join(missing[:4])}", where=str(self.folder)
            )
        it = self.extractor
        self.frontend = LogMel(
            it.sampling_rate,
            it.feature_size,
            n_fft=it.n_fft,
            hop_length=it.hop_length,
            fmax=8000.0,
            mel_scale="slaney",
            norm="slaney",
            log="log10",
            floor=1e-10,
        )
        return network.float()

    def load(self, device: str = "cpu") -> None:
        super().load(device)
        self.frontend = self.frontend.to(self.device)

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Spectrograms [shape=(clip, band, frame)] as the extractor of the folder makes them."""
        mono = waveforms.mean(1)
        wanted = self.extractor.n_samples
        mono = torch.nn.functional.pad(mono[:, :wanted], (0, max(0, wanted - mono.shape[1])))
        mel = self.frontend(mono)[..., :-1]
        mel = torch.maximum(mel, mel.amax((1, 2), keepdim=True) - 8.0)
        return (mel + 4.0) / 4.0

    def hear(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.model.get_encoder()(self.features(waveforms)).last_hidden_state

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        # The decoder's own start is the first of the prompt.
        prompt = torch.tensor(self.prompt, device=words.device).expand(len(words), -1)
        given = torch.cat([prompt, words[:, 1:]], 1)
        said = self.model(encoder_outputs=(memory,), decoder_input_ids=given, use_cache=False).logits
        return said[:, len(self.prompt) - 1 :]

    def spell(self, text: str) -> list[int]:
        """Word pieces of a caption, which begins with a space as they do inside a text."""
        return list(self.tokeniser(" " + text.strip(), add_special_tokens=False).input_ids)

    def say(self, words) -> str:
        return self.tokeniser.decode([word for word in words if word != self.end], skip_special_tokens=True).strip()

    def weights(self) -> list[Path]:
        patterns = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")
        return sorted(path for pattern in patterns for path in self.folder.glob(pattern))
