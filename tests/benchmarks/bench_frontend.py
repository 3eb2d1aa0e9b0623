"""What gradients through the front end cost: `python tests/benchmarks/bench_frontend.py [--plant]`.

CPU time of one thread on sixteen clips of one second, the best of several rounds in turn, for the front ends of the
shipped CNN and of PaSST. Marks: the spectrogram with its gradient costs at most 0.6 of what autograd takes through the
dense way, and the two gradients differ by at most 1e-5 of their norm. `--plant` measures the dense way as ours: the
mark must fail then. Leaves with 1 if a figure misses its mark.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import torch

from benchbed.adapter.frontend import LogMel

FRONTENDS = {
    "cnn": LogMel(32000, 64, n_fft=1024, hop_length=320, mel_scale="slaney", norm="slaney"),
    "passt": LogMel(32000, 128, n_fft=1024, win_length=800, hop_length=320, mel_scale="kaldi", preemphasis=0.97),
}


def dense(frontend: LogMel, waveforms: torch.Tensor) -> torch.Tensor:
    """The spectrogram by one matrix of filters, whose gradient autograd finds."""
    return frontend._logarithm(frontend.filters @ frontend._power(waveforms[:, 0]))


def timed(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def main() -> None:
    """Measure both ways in turn and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plant", action="store_true")
    planted = parser.parse_args().plant
    torch.set_num_threads(1)
    torch.manual_seed(0)
    missed = False
    for name, frontend in FRONTENDS.items():
        waveforms = (0.1 * torch.randn(16, 1, 32000)).requires_grad_()
        pull = torch.randn_like(frontend(waveforms).detach())

        def gradient(way: Callable[[torch.Tensor], torch.Tensor], x=waveforms, up=pull) -> torch.Tensor:
            return torch.autograd.grad((way(x) * up).sum(), x)[0]

        ways = {
            "dense": lambda x, f=frontend: dense(f, x),
            "ours": (lambda x, f=frontend: dense(f, x)) if planted else frontend,
        }
        found = {way: gradient(call) for way, call in ways.items()}
        apart = float((found["ours"] - found["dense"]).norm() / found["dense"].norm())
        times: dict[str, list[float]] = {"dense": [], "ours": [], "forward": []}
        for _ in range(15):
            for way, call in ways.items():
                times[way].append(timed(lambda c=call: gradient(c)))
            with torch.inference_mode():
                times["forward"].append(timed(lambda f=frontend, x=waveforms: f(x)))
        best = {way: 1000 * min(each) for way, each in times.items()}
        ratio = best["ours"] / best["dense"]
        print(f"{name}: {', '.join(f'{way} {ms:.1f} ms' for way, ms in best.items())}; {apart:.1e} apart")
        for mark, kept in (
            (f"{name}: gradient / dense {ratio:.2f} ≤ 0.6", ratio <= 0.6),
            (f"{name}: gradients {apart:.1e} ≤ 1e-5 apart", apart <= 1e-5),
        ):
            print(f"{'kept  ' if kept else 'MISSED'} {mark}")
            missed |= not kept
    sys.exit(missed)


if __name__ == "__main__":
    main()
