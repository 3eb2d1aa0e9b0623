#!/usr/bin/env bash
# xares 0.1.3 (torch 2.13.0, pytorch-ignite 0.5.5)
# Guess:     the nearest neighbours of a clip are those with the highest cosine to it: both sides are normalised, and the
#            length of an embedding says nothing.
# Behaviour: clips of the test are normalised each by itself, those of the training set feature by feature over all
#            clips. "Similarities" go beyond 1, and clips with long embeddings are everybody's neighbours.
# Seen:      of (1, 0) and (10, 10) the second is the neighbour of (1, 0.2), at 1.17, where cosines are 0.98 and 0.83;
#            ten classes 37 degrees apart, embeddings of each class of a length of its own (20 dB): 100 % by cosine, 41.5 %
#            here
# Matters:   an encoder whose embeddings are not of one length (no last normalisation) is ranked by how its lengths
#            fall on the classes, and the same embeddings divided by their lengths get another accuracy.
# Source:    https://github.com/jimbozhang/xares (src/xares/trainer.py, class KNN; the same at 161f0ef).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6 pytorch-ignite==0.5.5 loguru==0.7.3 tqdm==4.67.1
"$folder/venv/bin/pip" install --quiet --no-deps xares==0.1.3
"$folder/venv/bin/python" - <<'P'
import torch
from xares.trainer import KNN

train, label = torch.tensor([[1.0, 0.0], [10.0, 10.0]]), torch.tensor([0, 1])
asked = torch.tensor([[1.0, 0.2]])
knn = KNN(train, label, nb_knn=1, num_classes=2)
cosines = torch.nn.functional.cosine_similarity(asked, train)
similarity, neighbour = knn.compute_neighbors(torch.nn.functional.normalize(asked, dim=1))
print("cosines", cosines.tolist(), "neighbour", neighbour.item(), "at", similarity.item())
assert cosines.argmax() == 0, "the example is wrong"
assert neighbour.item() == 1 and similarity.item() > 1, "the neighbour is the one by cosine now"

torch.manual_seed(0)
# Embeddings of networks share a direction: those of two classes lie about 37 degrees apart.
own, shared = (torch.nn.functional.normalize(torch.randn(rows, 32), dim=1) for rows in (10, 1))
directions = torch.nn.functional.normalize(own + 2 * shared, dim=1)
lengths = 10 ** torch.rand(10, 1)


def clips(each: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings near the direction of their class, with the length of their class, which differ by 20 dB at most."""
    classes = torch.arange(10).repeat_interleave(each)
    return lengths[classes] * (directions[classes] + 0.05 * torch.randn(len(classes), 32)), classes


train, label = clips(20)
test, truth = clips(20)
said = KNN(train, label, nb_knn=10, num_classes=10)(test).argmax(1)
unit = torch.nn.functional.normalize
by_cosine = label[(unit(test, dim=1) @ unit(train, dim=1).T).topk(10).indices].mode(1).values
shares = [round(100 * (one == truth).float().mean().item(), 1) for one in (by_cosine, said)]
print("by cosine", shares[0], "% here", shares[1], "%")
assert shares[0] == 100.0, "the example is wrong"
assert shares[1] < 60.0, "neighbours are no longer ruled by the lengths of embeddings"
P
