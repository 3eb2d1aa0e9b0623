"""Errors of fluency in captions, by the detector of FENSE (Zhou et al. 2022), which also decides in SPIDEr-FL.

Reads a folder with the detector's checkpoint (`echecker_clotho_audiocaps_base.ckpt`, or the same weights as
safetensors) beside the `config.json` and the tokenizer of the BERT that it was trained from: the checkpoint names that
BERT and does not hold its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.metrics.captions.outside import texts

if TYPE_CHECKING:
    import torch

NAME = "fluency"
TITLE = "FENSE's error detector"
WHAT = "FENSE's error detector (echecker) in a local folder, with the config and the tokenizer of its BERT"
RULE = "fer:any-error"
#: Tokens that the detector reads of a caption.
LONGEST = 64
#: Place of "any error" among the detector's six answers.
ANY = 5
#: Probability above which a caption has an error, and the share of a score that it then loses.
THRESHOLD, PENALTY = 0.9, 0.9


def fault(path: Path) -> str:
    """Why a folder cannot be the detector; empty where it can."""
    if not path.is_dir():
        return f"{path} is no folder"
    if not (path / "config.json").is_file():
        return f"{path} has no config.json, which is that of the detector's BERT"
    return "" if _checkpoint(path) else f"{path} has no checkpoint (*.ckpt or *.safetensors)"


def _checkpoint(path: Path) -> Path | None:
    return next((held for end in ("*.safetensors", "*.ckpt") for held in sorted(path.glob(end))), None)


def scores(path: Path, candidates: Sequence[str]) -> np.ndarray:
    """Probability that each caption has an error `[clip]`.

    Raises
    ------
    CannotMeasure
        The model does not load.
    """
    given = [re.sub(r"[^\w\s]", "", text).lower() for text in candidates]
    return _detector(path)(given)[:, 0]


@lru_cache(maxsize=2)
def _detector(path: Path) -> texts.Embedder:
    with texts.loading(path):
        import torch
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        state = _weights(path)
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        encoder = AutoModel.from_config(AutoConfig.from_pretrained(path, local_files_only=True))
        last = torch.nn.Linear(encoder.config.hidden_size, len(state["clf.weight"]))
        # Older versions of the library kept the numbers of the places among the weights.
        weights = {k: v for k, v in state.items() if not k.endswith("position_ids")}
        encoder.load_state_dict({k.removeprefix("encoder."): v for k, v in weights.items() if k.startswith("encoder.")})
        last.load_state_dict({k.removeprefix("clf."): v for k, v in weights.items() if k.startswith("clf.")})
        if last.out_features <= ANY:
            raise ValueError(f"it has {last.out_features} answers, and the sixth is 'any error'")
        encoder.eval()

    def probability(batch: Sequence[str]) -> torch.Tensor:
        tokens = tokenizer(list(batch), padding="max_length", truncation=True, max_length=LONGEST, return_tensors="pt")
        return torch.sigmoid(last(encoder(**tokens).last_hidden_state[:, 0])[:, ANY : ANY + 1])

    return texts.Embedder(probability)


def _weights(path: Path) -> dict[str, torch.Tensor]:
    import torch

    file = _checkpoint(path)
    assert file is not None
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(file))
    held = torch.load(file, map_location="cpu", weights_only=True)
    return dict(held.get("state_dict", held))
