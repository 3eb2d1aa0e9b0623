#!/usr/bin/env bash
# torchattacks 3.5.1 (torch 2.13.0, numpy 2.2.6, scipy 1.15.3)
# Guess:     the loss of Carlini and Wagner is the distance from the true class to the best other one, so it is the same
#            for logits and for their logarithms of softmax, which subtract one number per clip: the attack breaks both
#            alike.
# Behaviour: the other classes are found by a product with zeros and ones and a maximum, and so is the true one: where
#            all outputs are below 0 both read 0, the loss has no gradient, and the clean clip is returned.
# Seen:      one linear model on 32 clips of 16 x 16: robust accuracy under CW 0 % with logits, 100 % with log_softmax
#            as its last step and 100 % with 20 taken from each logit, where nothing is changed; under PGD 0 % thrice
# Matters:   models that end in log_softmax, and taggers whose logits are negative for what is absent, read as robust.
#            The gradient is masked by the attack and not by the model, and a clip that is returned unchanged counts as
#            a defence that held.
# Source:    https://github.com/Harry24k/adversarial-attacks-pytorch (attacks/cw.py, `f`; issue 184); Carlini and
#            Wagner, IEEE S&P 2017, equation f6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6 scipy==1.15.3 requests==2.32.5 tqdm==4.67.1
"$folder/venv/bin/pip" install --quiet --no-deps torchattacks==3.5.1
"$folder/venv/bin/python" -W ignore - <<'P'
import torch
import torchattacks

torch.manual_seed(0)
linear = torch.nn.Linear(256, 10)
logits = torch.nn.Sequential(torch.nn.Flatten(), linear).eval()
logarithms = torch.nn.Sequential(torch.nn.Flatten(), linear, torch.nn.LogSoftmax(dim=1)).eval()
lowered = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 10)).eval()
lowered[1].load_state_dict({"weight": linear.weight, "bias": linear.bias - 20})
clips = torch.rand(32, 1, 16, 16)
labels = logits(clips).argmax(1)
for model in (logarithms, lowered):
    assert torch.equal(model(clips).argmax(1), labels), "the example is wrong: the models answer differently"


def broken(model: torch.nn.Module) -> tuple[float, float, float]:
    """Robust accuracy under CW, the largest change that CW made, and robust accuracy under PGD."""
    cw = torchattacks.CW(model, c=10, steps=100, lr=0.01)(clips, labels)
    pgd = torchattacks.PGD(model, eps=0.1, alpha=0.02, steps=10)(clips, labels)
    held = [float((model(attacked).argmax(1) == labels).float().mean()) for attacked in (cw, pgd)]
    return held[0], round(float((cw - clips).abs().max()), 4), held[1]


seen = [broken(model) for model in (logits, logarithms, lowered)]
for name, (cw, change, pgd) in zip(("logits", "log_softmax", "logits - 20"), seen):
    print(f"{name}: robust under CW {cw:.0%} (largest change {change}), under PGD {pgd:.0%}")
assert seen[0][0] == 0.0 and all(pgd == 0.0 for _, _, pgd in seen), "the example is wrong: a linear model holds"
assert all(cw == 1.0 and change < 1e-4 for cw, change, _ in seen[1:]), "negative outputs are attacked now"
P
