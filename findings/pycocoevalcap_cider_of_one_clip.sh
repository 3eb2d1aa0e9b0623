#!/usr/bin/env bash
# pycocoevalcap 1.2 (numpy 2.2.6)
# Guess:     a caption that equals its only reference has the highest CIDEr-D, 10, whichever clips are scored with it.
# Behaviour: the weights of words come from the references that are scored together. Of one clip alone every weight is the
#            logarithm of one, and the perfect caption scores 0; with a second clip it scores 10 (four words and more), and
#            a word that occurs in every clip weighs nothing again.
# Seen:      one clip 0.0; the same clip beside another 10.0; two clips that share all words 0.0 and 0.0
# Matters:   per-clip and per-subset figures, cross-validation folds, a smoke test on one file or a demo on one clip read
#            "worst possible" for a perfect answer, and CIDEr-D of a subset says nothing about the whole.
# Source:    https://github.com/salaniz/pycocoevalcap (cider/cider_scorer.py); Vedantam et al., CVPR 2015.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --no-deps pycocoevalcap==1.2
"$folder/venv/bin/python" - <<'P'
from pycocoevalcap.cider.cider import Cider


def score(*captions: str) -> list[float]:
    corpus = {number: [caption] for number, caption in enumerate(captions)}
    return Cider().compute_score(corpus, corpus)[1].tolist()


one = score("a dog barks loudly")
two = score("a dog barks loudly", "rain falls on roofs")
same = score("a dog barks loudly", "a dog barks loudly")
print("one clip", one, "two clips", two, "two clips of the same words", same)
assert one == [0.0], "one clip has a score now"
assert abs(two[0] - 10) < 1e-9 and abs(two[1] - 10) < 1e-9, "a perfect caption has another score now"
assert same == [0.0, 0.0], "words of every clip weigh something now"
P
