"""Similarity of sentence embeddings (Sentence-BERT, Reimers and Gurevych 2019), the first half of FENSE.

Reads a folder of the sentence-transformers library (`paraphrase-TinyBERT-L6-v2` in FENSE) without that library: the
transformer, the pooling that its `1_Pooling` names, and the length that `sentence_bert_config.json` cuts at.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.captions.outside import texts
from benchbed.nesting import json_of

if TYPE_CHECKING:
    import torch

NAME = "sentences"
TITLE = "a sentence-embedding model"
WHAT = "a sentence-embedding model in a local folder (FENSE: paraphrase-TinyBERT-L6-v2)"
RULE = "sbert-sim:mean-over-references"

fault = texts.fault


def scores(path: Path, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Mean cosine of each caption to its references `[clip]`.

    Raises
    ------
    CannotMeasure
        The model does not load.
    """
    return texts.similarity(_embedder(path), candidates, references)


@lru_cache(maxsize=2)
def _embedder(path: Path) -> texts.Embedder:
    with texts.loading(path):
        from transformers import AutoModel, AutoTokenizer

        pooling = _pooling(path)
        cut = _json(path / "sentence_bert_config.json")
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        model = AutoModel.from_pretrained(path, local_files_only=True, weights_only=True).eval()
        longest = cut.get("max_seq_length") or min(tokenizer.model_max_length, 512)
        lower = bool(cut.get("do_lower_case"))

    def embed(batch: Sequence[str]) -> torch.Tensor:
        given = [text.strip().lower() if lower else text.strip() for text in batch]
        tokens = tokenizer(given, padding=True, truncation=True, max_length=longest, return_tensors="pt")
        states = model(**tokens).last_hidden_state
        if pooling == "cls":
            return states[:, 0]
        mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
        if pooling == "max":
            return states.masked_fill(mask == 0, -1e9).max(dim=1).values
        return (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)

    return texts.Embedder(embed)


def _pooling(path: Path) -> str:
    """How the folder says that words become a sentence: by default their mean."""
    modules = json_of((path / "modules.json").read_text("utf-8")) if (path / "modules.json").is_file() else []
    kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
    strange = [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]
    if strange:
        raise CannotMeasure(f"it has a layer {strange[0]}, which is not known here")
    folder = next((module["path"] for module, kind in zip(modules, kinds) if kind == "Pooling"), "1_Pooling")
    config = _json(path / folder / "config.json")
    modes = [
        name
        for name, key in (("cls", "cls_token"), ("max", "max_tokens"), ("mean", "mean_tokens"))
        if config.get(f"pooling_mode_{key}")
    ]
    others = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    if len(others) > 1 or (others and not modes):
        raise CannotMeasure(f"its pooling is {', '.join(others)}; mean, cls or max alone is known here")
    mode = config.get("pooling_mode")
    return modes[0] if modes else str(mode) if mode in ("cls", "max", "mean") else "mean"


def _json(path: Path) -> dict:
    return json_of(path.read_text("utf-8")) if path.is_file() else {}
