"""Lost packets of 20 ms in bursts, replaced by silence."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.time import PACKET_SECONDS, loss_order


class PacketLoss(Guarded):
    """All channels lose the same packets."""

    group = "time"
    unit = "% of packets"
    keywords = ("percent",)
    parameters = (1.0, 3.0, 5.0, 10.0, 20.0)
    source = (
        "after a common five-severity set; Gilbert bursts of mean 3, at least one packet lost, losses nested over "
        "severities"
    )
    shortest = 0.06

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[int, np.ndarray]:
        """The order in which packets are lost."""
        packet = max(1, round(PACKET_SECONDS * sample_rate))
        return packet, loss_order(-(-waveform.shape[1] // packet), rng)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip without a share of its packets; `achieved` is the share really lost."""
        packet, order = state.data
        lost = max(1, round(parameter / 100 * len(order)))
        out = state.waveform.copy()
        for start in (order[:lost] * packet).tolist():
            out[:, start : start + packet] = 0
        return Applied(out, achieved=100 * lost / len(order))


CORRUPTION = PacketLoss()
