"""Any bytes given to any reader: an answer or an error of ours; no traceback, no hang, no memory beyond the file's.

`python tests/faults/fuzz_by_hand.py READER` does so for as long as wanted, guided by what the code does (atheris).
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_fuzz import READERS, feed, seeds

#: Examples for each reader: a few in CI, as many as wanted by hand.
EXAMPLES = int(os.environ.get("BENCHBED_FUZZ", "25"))
#: Bytes of memory that no small file may cost, whatever it claims.
MOST = 400 << 20
SEEDS = seeds()
#: Sizes in headers, by either order of bytes; and what is too short for anything.
CLAIMS = [b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
STUBS = [b"", b"\0", b"\xff\xfe", b"FORM\0", b"RIFF", b"PAR1PAR1", b"{}", b"[]", b"null", b"PK\3\4", b"\xef\xbb\xbf"]


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """A reader that hangs ends here; one that fills the memory is told."""

    def over(*_: object) -> None:
        raise TimeoutError("no answer within two minutes")

    before, peak = signal.signal(signal.SIGALRM, over), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.alarm(120)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 < MOST


@st.composite
def changed(draw: st.DrawFn, files: list[bytes]) -> bytes:
    """A file that is read, with some of its bytes changed, cut, doubled or put elsewhere; or any bytes."""
    if not files or draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    data = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(1, 4))):
        # Headers lie at the beginning, and digests cover the rest.
        place = min(draw(st.integers(0, 120)) if draw(st.booleans()) else draw(st.integers(0, len(data))), len(data))
        what = draw(st.integers(0, 4))
        if what == 0:
            data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
        elif what == 1:
            data[place : place + 4] = draw(st.sampled_from(CLAIMS))
        elif what == 2:
            del data[place:]
        elif what == 3:
            data[place:place] = draw(st.binary(max_size=20))
        else:
            data[place:place] = data[: draw(st.integers(0, 60))]
    return bytes(data)


@pytest.mark.parametrize("reader", READERS)
def test_no_bytes_are_more_than_an_error(reader: str):
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(changed(SEEDS[reader]))
    def fed(data: bytes) -> None:
        feed(reader, data)

    for data in (*SEEDS[reader], *STUBS):
        feed(reader, data)
    fed()
