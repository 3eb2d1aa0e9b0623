"""Front ends by name: what a network is given in the place of a waveform, as data that an adapter and a record hold."""

from benchbed.registry import Registry

#: Front ends, by file name. A module has `front_end(**options) -> torch.nn.Module`, from waveforms
#: `[clip, channel, sample]` to what the network is given.
FRONT_ENDS = Registry("front end", "benchbed.adapter.frontends")
