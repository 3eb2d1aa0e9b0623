"""BLEU, ROUGE-L and CIDEr-D with tokenising beside pycocoevalcap: CPU time in one run, and equal figures.

    python tests/benchmarks/bench_captions.py [CSV]

CSV has the columns `youtube_id` and `caption`, as AudioCaps' `test.csv`; without it captions are made of a small
vocabulary. Needs pycocoevalcap 1.2 and Java. Exit status 1 where the ratio is below the mark of 5, or figures differ.
"""

from __future__ import annotations

import csv
import random
import resource
import sys
from pathlib import Path

import numpy as np

from benchbed.metrics.captions import bleu, ngrams
from benchbed.metrics.captions.cider import cider_d
from benchbed.metrics.captions.rouge import rouge_l
from benchbed.metrics.captions.tokens import tokenise

MARK, CLIPS, REFERENCES = 5.0, 1045, 5


def main() -> int:
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    candidates, references = captions(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    began = cpu()
    tokenizer = PTBTokenizer()
    truth = tokenizer.tokenize({i: [{"caption": text} for text in held] for i, held in enumerate(references)})
    given = tokenizer.tokenize({i: [{"caption": text}] for i, text in enumerate(candidates)})
    theirs = [
        *Bleu(4).compute_score(truth, given, verbose=0)[0],
        *(s.compute_score(truth, given)[0] for s in (Rouge(), Cider())),
    ]
    middle = cpu()
    mine = [tokenise(text) for text in candidates]
    others = [[tokenise(text) for text in held] for held in references]
    corpus = ngrams.corpus(mine, others)
    rouge = [rouge_l(one, held) for one, held in zip(mine, others)]
    ours = [*bleu.values(bleu.statistics(corpus).sum(0)), np.mean(rouge), cider_d(corpus).mean()]
    end = cpu()
    ratio = (middle - began) / (end - middle)
    apart = float(np.abs(np.array(ours) - np.array(theirs)).max())
    print(
        f"{len(candidates)} clips x {REFERENCES}: {middle - began:.2f} s of CPU against {end - middle:.2f}, "
        f"ratio {ratio:.1f}"
    )
    print(f"largest difference of six figures: {apart:.2e}")
    return int(ratio < MARK or apart > 1e-9)


def captions(path: Path | None) -> tuple[list[str], list[list[str]]]:
    draw = random.Random(0)
    if path is not None:
        held: dict[str, list[str]] = {}
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                held.setdefault(row["youtube_id"], []).append(row["caption"])
        references = [texts[:REFERENCES] for texts in held.values()]
    else:
        words = ["a", "the", "dog", "cat", "car", "rain", "barks", "passes", "falls", "loudly", "near", "while", "and"]
        references = [
            [" ".join(draw.choices(words, k=draw.randint(5, 14))) for _ in range(REFERENCES)] for _ in range(CLIPS)
        ]
    references = (references * (1 + CLIPS // len(references)))[:CLIPS]
    return [draw.choice(references[(i + draw.randint(0, 1)) % CLIPS]) for i in range(CLIPS)], references


def cpu() -> float:
    """CPU seconds of this process and its children, which Java is one of."""
    return sum(
        use.ru_utime + use.ru_stime
        for use in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    sys.exit(main())
