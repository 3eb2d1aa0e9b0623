"""Learn emotions of one or several corpora by functionals and an SVM, or adapt a network to another corpus.

    python adapters/training/emotions.py --judge svm --source emodb --out adapters/weights/ser_svm.safetensors
    python adapters/training/emotions.py --judge wda --source emodb --towards ravdess \
        --out adapters/weights/ser_wda.safetensors
    python adapters/training/emotions.py --matrix emodb,enterface05,ravdess,fesc --out matrix.csv

Corpora are read from `--data NAME=PATH`, or are the synthetic stand-ins. Features of each corpus are standardised over
that corpus. The SVM searches C and γ by five folds of speakers for the best unweighted average recall. Adaptation has
two stages (MARVEL D3.1, 7.6): first the labels of the source; then a critic estimates the Wasserstein distance between
both corpora, and the features are trained to lessen it while the labels are kept, the classes of the other corpus
unseen. `--matrix` is every corpus, and all of them but the one that is tested, against every corpus: N × M recalls with
their intervals.
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchbed import audio
from benchbed import rng as random
from benchbed.data import LAYOUTS, synthetic
from benchbed.errors import BenchbedError, ConfigError, did_you_mean

sys.path.insert(0, str(Path(__file__).parent))
import weights_file
from adapter_file import adapter_module

CORPORA = ("emodb", "enterface05", "ravdess", "fesc")


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="safetensors with a card .md beside it, or a csv")
    parser.add_argument("--judge", choices=("svm", "wda"), default="svm")
    parser.add_argument("--source", default="emodb", help="corpora to learn from, with commas")
    parser.add_argument("--towards", default="ravdess", help="of wda: the corpus to adapt to, without its labels")
    parser.add_argument("--matrix", default="", help="corpora to hold against each other, with commas")
    parser.add_argument("--target", choices=("arousal", "valence"), default="arousal")
    parser.add_argument("--data", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--width", type=float, default=0.125, help="of wda: over the published sizes")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--adapt", type=int, default=40, help="epochs of adaptation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="default", choices=("small", "default"), help="of synthetic sets")
    return parser.parse_args(argv)


class Heard:
    """A corpus as numbers: functionals, their mean and spread, classes and speakers."""

    def __init__(self, name: str, args: argparse.Namespace, module: Any) -> None:
        if name not in CORPORA:
            raise ConfigError(f"there is no corpus '{name}'", hint=did_you_mean(name, CORPORA) or ", ".join(CORPORA))
        given = dict(one.split("=", 1) for one in args.data if "=" in one)
        root = Path(given[name]) if name in given else synthetic.ensure(name, size=args.size)
        data = LAYOUTS.get(name).read(root, target=args.target)
        self.data, self.labels = data, data.labels
        speech = module.Speech(nn.Identity())
        rows = []
        with torch.inference_mode():
            for path in data.clips["path"]:
                waveform, own = audio.read(data.root / path)
                mono = audio.resample(np.ascontiguousarray(waveform.mean(0, keepdims=True)), own, module.RATE)
                rows.append(speech.numbers(torch.from_numpy(mono.astype(np.float32))[None])[0])
        plain = torch.stack(rows)
        self.centre, self.spread = plain.mean(0), plain.std(0).clamp_min(1e-4)
        self.x = ((plain - self.centre) / self.spread).numpy()
        self.y = np.array([data.labels.index(label) for label in data.clips["label"]])
        self.speaker = data.clips["speaker"].to_numpy()


def uar(truth: np.ndarray, said: np.ndarray) -> float:
    """Mean of the recalls of the classes that are there."""
    return float(np.mean([(said[truth == one] == one).mean() for one in np.unique(truth)]))


def interval(
    truth: np.ndarray, said: np.ndarray, speaker: np.ndarray, seed: int, draws: int = 1000
) -> tuple[float, float]:
    """Ends of the bootstrap interval of 95 %, whole speakers drawn."""
    draw = random.stream("uar interval", seed)
    names = np.unique(speaker)
    found = []
    for _ in range(draws):
        rows = np.concatenate([np.flatnonzero(speaker == one) for one in draw.choice(names, len(names))])
        found.append(uar(truth[rows], said[rows]))
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def fitted_svm(x: np.ndarray, y: np.ndarray, speaker: np.ndarray):
    """The SVM of the best C and γ over five folds of speakers."""
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.svm import SVC

    folds = GroupKFold(min(5, len(np.unique(speaker))))
    grid = {"C": [0.3, 1.0, 3.0, 10.0], "gamma": [0.3 / x.shape[1], 1.0 / x.shape[1]]}
    search = GridSearchCV(SVC(class_weight="balanced"), grid, scoring="balanced_accuracy", cv=folds)
    return search.fit(x, y, groups=speaker).best_estimator_


def as_network(module: Any, svm: Any, classes: int) -> nn.Module:
    """A fitted SVM of two classes as the adapter has it."""
    if classes != 2:
        raise ConfigError(f"{classes} classes", hint="--target arousal or valence, which corpora share")
    judge = module.RadialSvm(2, len(svm.support_vectors_))
    judge.vectors.copy_(torch.from_numpy(svm.support_vectors_))
    # scikit-learn's margin is positive for the second class.
    judge.weights.copy_(-torch.from_numpy(svm.dual_coef_).float())
    judge.offsets.copy_(-torch.from_numpy(svm.intercept_).float())
    judge.gamma.fill_(float(svm._gamma))
    return judge


def adapted(module: Any, source: Heard, other: Heard, args: argparse.Namespace) -> tuple[nn.Module, list[float]]:
    """A network that knows the labels of the source and hears the other corpus alike; UAR there before and after."""
    with random.preserved_global_state(args.seed):
        extractor = module.Extractor(args.width)
        labeller, critic = module.Labeller(extractor.width, len(source.labels)), module.Critic(extractor.width)
        weight = torch.tensor(len(source.y) / (len(source.labels) * np.bincount(source.y)), dtype=torch.float32)
        x, y, far = torch.from_numpy(source.x), torch.from_numpy(source.y), torch.from_numpy(other.x)
        both = nn.Sequential(extractor, labeller)

        def score() -> float:
            both.eval()
            with torch.inference_mode():
                said = both(far).argmax(1).numpy()
            both.train()
            return uar(other.y, said)

        optimiser = torch.optim.Adam(both.parameters(), lr=1e-3)
        both.train()
        for epoch in range(args.epochs):
            order = random.stream("training emotions", args.seed, epoch).permutation(len(x))
            for rows in np.array_split(order, max(1, len(order) // 64)):
                loss = nn.functional.cross_entropy(both(x[rows]), y[rows], weight=weight)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        found = [score()]
        follow = torch.optim.Adam(both.parameters(), lr=2e-4)
        judge = torch.optim.RMSprop(critic.parameters(), lr=5e-4)
        for epoch in range(args.adapt):
            draw = random.stream("adapting emotions", args.seed, epoch)
            order, apart = draw.permutation(len(x)), draw.permutation(len(far))
            parts = max(1, min(len(x), len(far)) // 64)
            for rows, others in zip(np.array_split(order, parts), np.array_split(apart, parts)):
                near, away = extractor(x[rows]), extractor(far[others])
                for _ in range(3):
                    distance = critic(near.detach()).mean() - critic(away.detach()).mean()
                    judge.zero_grad()
                    (-distance).backward()
                    judge.step()
                    with torch.no_grad():
                        # The critic's slope is bounded by its weights (Arjovsky et al., 2017).
                        for one in critic.parameters():
                            one.clamp_(-0.05, 0.05)
                distance = critic(near).mean() - critic(away).mean()
                loss = nn.functional.cross_entropy(labeller(near), y[rows], weight=weight) + distance
                follow.zero_grad()
                loss.backward()
                follow.step()
        found.append(score())
    return both.eval(), found


def matrix(args: argparse.Namespace, module: Any) -> Path:
    """A table of recalls: learnt from, tested on, UAR and its interval."""
    heard = {name: Heard(name, args, module) for name in args.matrix.split(",")}
    rows = []
    for tested, other in heard.items():
        several = [name for name in heard if name != tested]
        for source in [(name,) for name in heard] + ([tuple(several)] if len(several) > 1 else []):
            x, y = (np.concatenate([getattr(heard[name], what) for name in source]) for what in ("x", "y"))
            speaker = np.concatenate([heard[name].speaker for name in source])
            if source == (tested,):
                # Of a corpus on itself each speaker is judged by what the others taught.
                said = np.empty_like(other.y)
                for one in np.unique(speaker):
                    mine = speaker == one
                    said[mine] = fitted_svm(x[~mine], y[~mine], speaker[~mine]).predict(x[mine])
            else:
                speaker = np.concatenate([[f"{n}/{s}" for s in heard[n].speaker] for n in source])
                said = fitted_svm(x, y, speaker).predict(other.x)
            low, high = interval(other.y, said, other.speaker, args.seed)
            rows.append(("+".join(source), tested, f"{uar(other.y, said):.4f}", f"{low:.4f}", f"{high:.4f}", len(said)))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", newline="") as file:
        csv.writer(file).writerows([("source", "tested", "uar", "low", "high", "utterances"), *rows])
    print(args.out)
    return args.out


def main(argv: list[str]) -> Path:
    """Learn, and write weights and card, or the matrix."""
    args = arguments(argv)
    torch.set_num_threads(1)
    module = adapter_module("ser")
    if args.matrix:
        return matrix(args, module)
    names = args.source.split(",")
    sources = [Heard(name, args, module) for name in names]
    about: dict[str, str] = {"format": "pt", "adapter": "ser.py", "judge": args.judge}
    seen = [f"{one.data.name}/all" for one in sources]
    if args.judge == "svm":
        x, y = (np.concatenate([getattr(one, what) for one in sources]) for what in "xy")
        speaker = np.concatenate([[f"{n}/{s}" for s in one.speaker] for n, one in zip(names, sources)])
        svm = fitted_svm(x, y, speaker)
        speech = module.Speech(as_network(module, svm, len(sources[0].labels)))
        heard_by = sources[0]
        about |= {"vectors": str(len(svm.support_vectors_)), "corpora": args.source, "c": str(svm.C)}
    else:
        if len(sources) > 1:
            raise ConfigError(
                "a network is adapted from one corpus to another", hint="--source emodb --towards ravdess"
            )
        heard_by = Heard(args.towards, args, module)
        network, found = adapted(module, sources[0], heard_by, args)
        speech = module.Speech(network)
        about |= {"width": str(args.width), "corpora": f"{args.source},{args.towards}"}
        about |= {"uar_before": f"{found[0]:.4f}", "uar_after": f"{found[1]:.4f}"}
        seen.append(f"{heard_by.data.name}/all, without labels")
    speech.centre.copy_(heard_by.centre)
    speech.spread.copy_(heard_by.spread)
    about |= {
        "labels": json.dumps(list(sources[0].labels)),
        "trained_on": json.dumps(seen),
        "target": args.target,
        "command": f"python adapters/training/emotions.py {shlex.join(argv)}",
        "seed": str(args.seed),
        "weight_bits": "16",
    }
    tensors = {
        key: (value.half() if value.is_floating_point() and value.ndim > 1 else value).contiguous()
        for key, value in speech.state_dict().items()
    }
    return weights_file.write(args.out, tensors, about)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
