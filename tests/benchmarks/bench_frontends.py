"""What front ends cost beside log-mel: CPU time of one second of sound, as ratios of one run.

    python tests/benchmarks/bench_frontends.py

A thesis on scenes reports that its scalograms took up to 50 times as long as its spectrograms; nothing here is a mark.
"""

from __future__ import annotations

import time

import torch

from benchbed.adapter.front import NamedFrontEnd

RATE, CLIPS, ROUNDS = 32000, 4, 5
CASES = {
    "log_mel": NamedFrontEnd("log_mel", {"sample_rate": RATE}),
    "kaldi_fbank": NamedFrontEnd("kaldi_fbank", {"sample_rate": RATE}),
    "mfcc_deltas": NamedFrontEnd("mfcc_deltas", {"sample_rate": RATE}),
    "learned": NamedFrontEnd("learned", {"filters": 128, "receptive": 800, "stride": 320}),
    "integer_mel": NamedFrontEnd("integer_mel", {"sample_rate": RATE}),
    **{
        f"scalogram, {count} an octave": NamedFrontEnd("scalogram", {"sample_rate": RATE, "per_octave": count})
        for count in (4, 8, 16)
    },
}


def cpu_seconds(module: torch.nn.Module, waveforms: torch.Tensor) -> float:
    """CPU time of a clip, the least of several rounds."""
    found = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        module(waveforms)
        found.append((time.process_time() - begin) / len(waveforms))
    return min(found)


def main() -> None:
    """Print one line for each front end."""
    waveforms = torch.randn(CLIPS, 1, RATE, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        modules = {name: case.build().eval() for name, case in CASES.items()}
        spent = {name: cpu_seconds(module, waveforms) for name, module in modules.items()}
    for name, seconds in spent.items():
        print(f"{name:28} {1000 * seconds:8.2f} ms  {seconds / spent['log_mel']:7.1f} × log_mel")


if __name__ == "__main__":
    main()
