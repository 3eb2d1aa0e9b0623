"""Front ends for several channels: log-mel of each, intensity vectors, GCC-PHAT and SALSA-Lite, all differentiable.

Each is verified against the extraction of the DCASE Task 3 baselines of its year; the tests hold figures of theirs.
"""

from benchbed.adapter.spatial.channel_mels import ChannelMels
from benchbed.adapter.spatial.features import FEATURES, SpatialFeatures
from benchbed.adapter.spatial.gcc_phat import GccPhat
from benchbed.adapter.spatial.intensity import IntensityVectors
from benchbed.adapter.spatial.salsa_lite import SalsaLite

__all__ = ["FEATURES", "ChannelMels", "GccPhat", "IntensityVectors", "SalsaLite", "SpatialFeatures"]
