#!/usr/bin/env bash
# torchmetrics 1.9.0 (torch 2.13.0, numpy 2.2.6)
# Guess:     `RetrievalMAP(top_k=10)` is the mAP@10 of audio-text retrieval: precisions at the relevant items among the
#            first ten, summed and divided by how many could be there, min(relevant, 10). To find more is never worse.
# Behaviour: the sum is divided by how many were found. What was missed costs nothing, and one more found late costs.
# Seen:      five captions a clip, of which the first ten hold the one at rank 1: 1.0 (0.2 by the definition); those at
#            1 and 10: 0.6 (0.24); those at 1, 5 and 10: 0.5667 (0.34); all five at 1 to 5: 1.0 (1.0)
# Matters:   clips with five captions each (Clotho, AudioCaps) are the common case of audio-to-text retrieval. A system
#            that finds one caption is as good as one that finds all five, one that finds two is worse, and figures
#            beside papers' are far too high. With one relevant item a query both rules agree, so a test on
#            text-to-audio passes.
# Source:    https://github.com/Lightning-AI/torchmetrics (functional/retrieval/average_precision.py);
#            https://github.com/pyg-team/pytorch_geometric/issues/9989 meets the difference; Manning, Raghavan and
#            Schuetze, Introduction to Information Retrieval (2008), 8.4: relevant items that are not retrieved have a
#            precision of 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6 torchmetrics==1.9.0
"$folder/venv/bin/python" -W ignore - <<'P'
import torch
from torchmetrics.retrieval import RetrievalMAP

CAPTIONS, RELEVANT, CUT = 40, 5, 10
similarity = torch.linspace(0.9, 0.1, CAPTIONS)


def asked(*ranks: int) -> tuple[float, float]:
    """By torchmetrics and by the definition, of one clip: ranks of captions within the cut; the others come last."""
    relevant = torch.zeros(CAPTIONS, dtype=torch.bool)
    relevant[[rank - 1 for rank in ranks]] = True
    relevant[CAPTIONS - (RELEVANT - len(ranks)) :] = True
    assert int(relevant.sum()) == RELEVANT
    metric = RetrievalMAP(top_k=CUT)
    metric.update(similarity, relevant, indexes=torch.zeros(CAPTIONS, dtype=torch.long))
    precisions = [(found + 1) / rank for found, rank in enumerate(ranks)]
    return round(float(metric.compute()), 4), round(sum(precisions) / min(RELEVANT, CUT), 4)


cases = [(1,), (1, 10), (1, 5, 10), (1, 2, 3, 4, 5)]
seen = [asked(*ranks) for ranks in cases]
for ranks, (returned, defined) in zip(cases, seen):
    print("found at", *ranks, "| torchmetrics", returned, "| definition", defined)
assert [defined for _, defined in seen] == [0.2, 0.24, 0.34, 1.0], "the example is wrong"
assert [returned for returned, _ in seen] == [1.0, 0.6, 0.5667, 1.0], "the sum is divided by another number now"
P
