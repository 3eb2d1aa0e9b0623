"""Similarity of captions in the text space of CLAP (Wu et al. 2023): candidate against references.

Reads a CLAP model that the transformers library has written (`laion/clap-htsat-unfused`, …). Metrics never hear audio,
so that the text half alone is used; published figures of `msclap` come from another model and are not comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from benchbed.metrics.captions.outside import texts

if TYPE_CHECKING:
    import torch

NAME = "clap"
TITLE = "a CLAP model"
WHAT = "a CLAP model in a local folder"
RULE = "clap-sim:text:mean-over-references"

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
        from transformers import AutoTokenizer, ClapTextModelWithProjection

        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        loaded = ClapTextModelWithProjection.from_pretrained(
            path, local_files_only=True, weights_only=True, output_loading_info=True
        )
        model, report = cast(tuple[ClapTextModelWithProjection, dict[str, list[str]]], loaded)
        missing = sorted(report["missing_keys"])
        if missing:
            raise ValueError(f"it is no CLAP model: {missing[0]} is missing")
        model.eval()
        longest = min(tokenizer.model_max_length, model.config.max_position_embeddings - 2)

    def embed(batch: Sequence[str]) -> torch.Tensor:
        held = tokenizer(list(batch), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        return model(input_ids=held["input_ids"], attention_mask=held["attention_mask"]).text_embeds

    return texts.Embedder(embed)
