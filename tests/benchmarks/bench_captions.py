"""BLEU, ROUGE-L and CIDEr-D with tokenising beside pycocoevalcap: CPU time in one run, and equal figures.

Then METEOR's stages in Python beside the jar with the same stages, and a bootstrap of 1,000 draws of every figure of
the family beside one evaluation without draws.

    python tests/benchmarks/bench_captions.py [CSV]

CSV has the columns `youtube_id` and `caption`, as AudioCaps' `test.csv`; without it captions are made of a small
vocabulary. Needs pycocoevalcap 1.2 and Java. Exit status 1 where the ratio is below the mark of 5, the bootstrap costs
twice an evaluation or more, or figures differ.
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchbed.metrics.captions import bleu, ngrams
from benchbed.metrics.captions.cider import cider_d
from benchbed.metrics.captions.meteor import choice
from benchbed.metrics.captions.meteor import scoring as meteor
from benchbed.metrics.captions.meteor.choice import choose
from benchbed.metrics.captions.rouge import rouge_l
from benchbed.metrics.captions.tokens import tokenise
from benchbed.metrics.cell import score_cell
from benchbed.metrics.families import captions as captions_family
from benchbed.stats.bootstrap import Bootstrap

MARK, CLIPS, REFERENCES = 5.0, 1045, 5
#: What a bootstrap of so many draws may cost, in evaluations.
MOST, DRAWS = 2.0, 1000


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
    apart = max(apart, beside_the_jar(mine, others))
    return int((ratio < MARK) | (apart > 1e-9) | (draws(candidates, references) >= MOST))


def beside_the_jar(candidates: list[tuple[str, ...]], references: list[list[tuple[str, ...]]]) -> float:
    """METEOR without its paraphrases: CPU time of both, and the largest difference of a clip's score."""
    import pycocoevalcap

    path = Path(pycocoevalcap.__path__[0]) / "meteor" / "meteor-1.5.jar"
    lines = [
        " ||| ".join(["SCORE", *(" ".join(text) for text in held), " ".join(one)])
        for one, held in zip(candidates, references)
    ]
    command = ["java", "-Xmx2G", "-jar", str(path), "-", "-", "-stdio", "-l", "en", "-norm", "-m", "exact stem synonym"]
    began = cpu()
    said = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    theirs = meteor.values(np.stack([meteor.read(line) for line in said.splitlines()]))
    middle = cpu()
    ours = meteor.values(choose(path, "exact+stem+synonym").statistics(candidates, references))
    end = cpu()
    apart = float(np.abs(ours - theirs).max())
    print(f"METEOR exact+stem+synonym: {middle - began:.2f} s of CPU against {end - middle:.2f}, apart {apart:.2e}")
    return apart


def draws(candidates: list[str], references: list[list[str]]) -> float:
    """Evaluations that a bootstrap costs, over all figures that need nothing from outside."""
    said, truth = np.array(candidates, object), np.empty(len(references), object)
    truth[:] = [tuple(held) for held in references]
    group = np.arange(len(said))

    def seconds(bootstrap: Bootstrap | None) -> float:
        for held in (captions_family._tokens, choice._row):
            held.cache_clear()  # what an evaluation has read before is read again
        began = cpu()
        told = captions_family.family(stages="exact+stem").context(said, truth)
        score_cell(told, said, truth, group, (), bootstrap, tables=False)
        return cpu() - began

    seconds(None)
    once = min(seconds(None) for _ in range(3))
    both = min(seconds(Bootstrap(len(said), DRAWS, name="captions", seed=seed)) for seed in range(3))
    cost = (both - once) / once
    print(f"evaluation {once:.2f} s, with {DRAWS} draws {both:.2f} s: the bootstrap costs {cost:.2f} of it")
    return cost


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
