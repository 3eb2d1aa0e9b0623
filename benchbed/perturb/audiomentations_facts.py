"""What is known of each transform of audiomentations: its faults, whether it moves events, what its strength is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchbed.perturb import measures
from benchbed.perturb.measures import Measure


@dataclass(frozen=True)
class FaultPolicy:
    """What is done about a transform's known fault.

    Attributes
    ----------
    action : str
        `refuse`, `per_channel` (every channel by itself), `restore_rate`, `restore_power`, or `check` (used as it is
        where the parameters allow it).
    reason : str
        The fault, as measured with audiomentations 0.43.1.
    instead : str, optional
        What to use in place of a refused transform.
    """

    action: Literal["refuse", "per_channel", "restore_rate", "restore_power", "check"]
    reason: str
    instead: str | None = None


#: Known faults by transform. What is not listed is used as it is, after the determinism probe.
POLICY: Mapping[str, FaultPolicy] = {
    "ApplyImpulseResponse": FaultPolicy(
        "refuse",
        "sets the peak of every output to 0.5 (a gain of up to 42 dB) and keeps the response's pre-delay, which moves "
        "events",
        "room_response or device_response with the option 'folder'",
    ),
    "RoomSimulator": FaultPolicy(
        "restore_power",
        "ray tracing differs from run to run under equal seeds; level rises with the room (.10 to .56); the "
        "way from source to microphone delays the audio; without ray tracing, one order of reflections whatever RT60 "
        "is asked for (0.08 s for 0.2, 0.5 and 0.8 s)",
    ),
    "Resample": FaultPolicy("restore_rate", "leaves the audio at another rate, so that pitch and length change"),
    "ClippingDistortion": FaultPolicy("check", "odd percentages are cut to the next even one: 1 % clips nothing"),
    "RepeatPart": FaultPolicy("check", "raises or does nothing when the clip is not longer than the part to repeat"),
    "AddBackgroundNoise": FaultPolicy("per_channel", "mono only; refuses even one channel in two dimensions"),
    "AddShortNoises": FaultPolicy("per_channel", "mono only; refuses even one channel in two dimensions"),
    "AddGaussianSNR": FaultPolicy(
        "per_channel", "one level for all channels: two that are 40 dB apart get 16 and −24 dB"
    ),
    "AddColorNoise": FaultPolicy("per_channel", "one level for all channels, as AddGaussianSNR"),
    "Mp3Compression": FaultPolicy(
        "check", "needs an encoder that it does not depend on; two of its three back ends add a delay and no end"
    ),
    "Lambda": FaultPolicy("refuse", "runs code given in the suite", "a corruption file of your own"),
    "Compose": FaultPolicy("refuse", "shuffles and flips coins that cannot be fixed", "one transform per condition"),
    "OneOf": FaultPolicy("refuse", "chooses at random what a severity means", "one transform per condition"),
    "SomeOf": FaultPolicy("refuse", "chooses at random what a severity means", "one transform per condition"),
    "AdjustDuration": FaultPolicy("refuse", "its only effect is on the length, which every clip keeps", "time_mask"),
    "Padding": FaultPolicy(
        "check", "with pad_section 'start' as with 'end' it silences a part in place; the length stays"
    ),
}

#: Transforms after which an event is no longer where it was. Where it went cannot be told from outside.
MOVES_EVENTS = frozenset({"Shift", "TimeStretch", "Reverse", "RepeatPart", "Trim"})

#: Transforms that change every sample where it stands. All others are asked for their delay, which moves the reference.
IN_PLACE = frozenset(
    {
        "AddBackgroundNoise",
        "AddColorNoise",
        "AddGaussianNoise",
        "AddGaussianSNR",
        "AddShortNoises",
        "BitCrush",
        "Clip",
        "ClippingDistortion",
        "Gain",
        "GainTransition",
        "LoudnessNormalization",
        "Normalize",
        "Padding",
        "PolarityInversion",
        "TanhDistortion",
        "TimeMask",
    }
)

_NO_NUMBER = "it has no strength"

#: What each transform is measured by, or why it is not.
MEASURES: Mapping[str, Measure | str] = {
    "AddBackgroundNoise": Measure("dB SNR, whole clip", measures.snr, "snr_db", floor=1.0),
    "AddColorNoise": Measure("dB SNR, whole clip", measures.snr, "snr_db", floor=1.0),
    "AddGaussianNoise": Measure("dB SNR, whole clip", measures.snr),
    "AddGaussianSNR": Measure("dB SNR, whole clip", measures.snr, "snr_db", floor=1.0),
    "AddShortNoises": Measure("dB SNR, whole clip", measures.snr),
    "AirAbsorption": Measure("dB loss at 3 kHz", measures.loss_at_3_khz, on_impulse=True),
    "Aliasing": Measure("dB signal to distortion", measures.distortion),
    "BandPassFilter": Measure("Hz wide (−3 dB)", measures.band, on_impulse=True),
    "BandStopFilter": Measure("Hz wide (−3 dB)", measures.notch, on_impulse=True),
    "BitCrush": Measure("bits", measures.bits, "bit_depth", floor=0.5),
    "Clip": Measure("% of samples", measures.changed),
    "ClippingDistortion": Measure("% of samples", measures.changed, "percentile_threshold", slack=0.1, floor=0.2),
    "Gain": Measure("dB gain", measures.gain, "gain_db", floor=0.05),
    "GainTransition": Measure("dB gain", measures.gain),
    "HighPassFilter": Measure("Hz cut-off (−3 dB)", measures.lower_edge, "cutoff_freq", slack=0.35, on_impulse=True),
    "HighShelfFilter": Measure("dB gain", measures.largest_gain, "gain_db", slack=0.1, floor=0.5, on_impulse=True),
    "Limiter": Measure("dB gain of the peak", measures.peak_gain),
    "LoudnessNormalization": Measure("dB gain", measures.gain),
    "LowPassFilter": Measure("Hz cut-off (−3 dB)", measures.upper_edge, "cutoff_freq", slack=0.35, on_impulse=True),
    "LowShelfFilter": Measure("dB gain", measures.largest_gain, "gain_db", slack=0.1, floor=0.5, on_impulse=True),
    "Mp3Compression": "the library tells no bytes, so its bit rate is what was asked for",
    "Normalize": Measure("dB gain", measures.gain),
    "Padding": Measure("% of samples", measures.changed),
    "PeakingFilter": Measure("dB gain", measures.largest_gain, "gain_db", slack=0.1, floor=0.5, on_impulse=True),
    "PitchShift": "no pitch can be told of noise",
    "PolarityInversion": _NO_NUMBER,
    "RepeatPart": "where its parts lie cannot be told from outside",
    "Resample": Measure("Hz cut-off (−3 dB)", measures.upper_edge, on_impulse=True),
    "Reverse": _NO_NUMBER,
    "RoomSimulator": Measure("s RT60", measures.reverberation, "target_rt60", slack=0.3),
    "SevenBandParametricEQ": Measure("dB gain, largest", measures.largest_gain, on_impulse=True),
    "Shift": Measure("clip lengths", measures.shift),
    "TanhDistortion": Measure("dB signal to distortion", measures.distortion),
    "TimeMask": Measure("% of samples", measures.silenced),
    "TimeStretch": "the speed of noise cannot be told",
    "Trim": "what it cuts off is in the note of each clip",
}
