#!/usr/bin/env bash
# torchmetrics 1.9.0 (torch 2.13.0, numpy 2.2.6)
# Guess:     figures of retrieval depend on the order of scores alone: logits and the probabilities made of them have
#            the same, and with one relevant clip a query recall at 10 is the hit rate at 10.
# Behaviour: `RetrievalMAP`, `RetrievalMRR`, `RetrievalRecall` and `RetrievalPrecision` take a relevant item with a
#            score of 0 or below for irrelevant, whatever its rank; `RetrievalHitRate` and `RetrievalNormalizedDCG` do
#            not.
# Seen:      300 queries, each with one relevant clip of 300, by probabilities: mAP 0.9065, recall and hit rate at 10
#            0.9967; by the logits below them: 0.5717, 0.5733 and 0.9967; by negative distances: 0.0, 0.0 and 0.9967
# Matters:   of pairs of audio and text nearly all do not match, so logits of matching are negative for many pairs that
#            are ranked first; cosines fall below 0 for hard queries, distances and log likelihoods always. The figure
#            then follows a model's offset, not its ranking, and two figures of one table contradict each other.
# Source:    https://github.com/Lightning-AI/torchmetrics (functional/retrieval/average_precision.py,
#            reciprocal_rank.py, recall.py and precision.py, `preds > 0`; pull request 3104 thinks of a probability of
#            0); the pages of these metrics ask for "float predictions from a model output".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6 torchmetrics==1.9.0
"$folder/venv/bin/python" -W ignore - <<'P'
import torch
from torchmetrics.retrieval import RetrievalHitRate, RetrievalMAP, RetrievalRecall

CLIPS, CUT = 300, 10
draw = torch.Generator().manual_seed(0)
audio, noise = (torch.nn.functional.normalize(torch.randn(CLIPS, 32, generator=draw), dim=1) for _ in range(2))
text = torch.nn.functional.normalize(audio + 1.3 * noise, dim=1)
cosines = text @ audio.T
logits = 20 * cosines - 12
relevant = torch.eye(CLIPS, dtype=torch.bool)
queries = torch.arange(CLIPS)[:, None].expand(-1, CLIPS)
ranks = 1 + (cosines > cosines.diagonal()[:, None]).sum(1)
counted = round(float((1 / ranks).mean()), 4), round(float((ranks <= CUT).double().mean()), 4)
print("counted: mean of 1 / rank, share within", CUT, counted)
seen = {}
for name, scores in (("probabilities", logits.sigmoid()), ("logits", logits), ("distances", 2 * cosines - 2)):
    found = []
    for metric in (RetrievalMAP(), RetrievalRecall(top_k=CUT), RetrievalHitRate(top_k=CUT)):
        metric.update(scores, relevant, indexes=queries)
        found.append(round(float(metric.compute()), 4))
    seen[name] = found
    print(f"{name}: mAP, recall and hit rate", found)
assert seen["probabilities"] == [counted[0], counted[1], counted[1]], "the example is wrong"
assert all(found[2] == counted[1] for found in seen.values()), "the example is wrong: the order differs"
assert seen["logits"][0] < counted[0] - 0.2 and seen["logits"][1] < counted[1] - 0.2, "negative scores are ranked now"
assert seen["distances"][:2] == [0.0, 0.0], "distances are ranked now"
P
