"""Misbehaving adapters: a finished record whose figure is right, or one clear error; nothing is left behind."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from made_faults import adapter, world
from test_faults_cards import scored

from benchbed.errors import BenchbedError

RIGHT = "return self.answer(batch.waveforms)"
#: What `predict` does, and whether it is scored (True), refused (False), or either.
PREDICTS: dict[str, tuple[str, bool | None]] = {
    "nothing": ("return None", False),
    "text": ("return 'high'", False),
    "a mapping": ("return {'high': 1.0}", False),
    "a generator": ("return (row for row in self.answer(batch.waveforms))", False),
    "a list": ("return self.answer(batch.waveforms).tolist()", True),
    "a tuple of rows": ("return tuple(self.answer(batch.waveforms))", True),
    "a row too many": ("return np.zeros((len(batch) + 1, 2), np.float32)", False),
    "a row too few": ("return self.answer(batch.waveforms)[1:]", False),
    "one row for all": ("return self.answer(batch.waveforms)[:1]", False),
    "transposed": ("return self.answer(batch.waveforms).T", False),
    "flat": ("return self.answer(batch.waveforms).ravel()", False),
    "an axis too many": ("return self.answer(batch.waveforms)[None]", False),
    "a number": ("return 1.0", False),
    "no rows": ("return np.zeros((0, 2), np.float32)", False),
    "three classes": ("return np.zeros((len(batch), 3), np.float32)", False),
    "objects": ("return self.answer(batch.waveforms).astype(object)", None),
    "texts": ("return self.answer(batch.waveforms).astype(str)", False),
    "truths": ("return self.answer(batch.waveforms) > 0", None),
    "whole numbers": ("return (self.answer(batch.waveforms) * 100).astype(np.int64)", False),
    "half": ("return self.answer(batch.waveforms).astype(np.float16)", True),
    "double": ("return self.answer(batch.waveforms).astype(np.float64)", True),
    "long": ("return self.answer(batch.waveforms).astype(np.longdouble)", None),
    "complex": ("return self.answer(batch.waveforms).astype(complex)", False),
    "dates": ("return np.zeros((len(batch), 2), 'datetime64[s]')", False),
    "masked": ("return np.ma.masked_all((len(batch), 2))", False),
    "structured": ("return np.zeros(len(batch), [('high', 'f4'), ('low', 'f4')])", False),
    "a frame": ("import pandas as pd; return pd.DataFrame(self.answer(batch.waveforms))", True),
    "a tensor": ("import torch; return torch.from_numpy(self.answer(batch.waveforms))", True),
    "a tensor with gradients": ("import torch; return torch.zeros(len(batch), 2, requires_grad=True)", False),
    "a tensor of nothing": ("import torch; return torch.zeros(len(batch), 2, device='meta')", False),
    "ragged": ("return [[1.0, 2.0], [1.0]]", False),
    "itself": ("loop = []; loop.append(loop); return loop", False),
    "no number": ("return np.full((len(batch), 2), np.nan)", False),
    "one no number": ("made = self.answer(batch.waveforms); made[0] = np.nan; return made", None),
    "infinite": ("return np.full((len(batch), 2), np.inf)", False),
    "huge": ("return np.full((len(batch), 2), 1e300) * self.answer(batch.waveforms)", None),
    "read-only": ("made = self.answer(batch.waveforms); made.flags.writeable = False; return made", True),
    "by columns": ("return np.asfortranarray(self.answer(batch.waveforms))", True),
    "strange to numpy": (
        "return type('Odd', (), {'__array__': lambda self, *a, **k: 1 / 0, '__len__': lambda self: 2})()",
        False,
    ),
    "without end": (
        "return type('Odd', (), {'__len__': lambda self: 10**9, '__getitem__': lambda self, i: 0.0})()",
        None,
    ),
    "raises": ("raise ValueError('no')", False),
    "raises a key": ("raise KeyError(('a', 1))", False),
    "raises in words": ("raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()", False),
    "raises at length": ("raise ValueError('x' * 10**7)", False),
    "raises lines": ("raise ValueError('a\\n\\x1b[31mb\\r\\0c\\u202e')", False),
    "raises half a pair": ("raise ValueError('\\ud800')", False),
    "raises itself": ("raise type('Own', (Exception,), {'__reduce__': lambda self: 1 / 0})('x')", False),
    "stops": ("raise StopIteration", False),
    "ends a generator": ("raise GeneratorExit", False),
    "is cancelled": ("import asyncio; raise asyncio.CancelledError", False),
    "raises what is no exception": ("raise type('Base', (BaseException,), {})('x')", False),
    "is out of memory": ("raise MemoryError", False),
    "recurs": ("return self.predict(batch)", False),
    "fails to assert": ("assert False", False),
    "meets a full disk": ("raise OSError(28, 'No space left on device')", False),
    "breaks a pipe": ("raise BrokenPipeError", False),
    "raises an abort": ("import click; raise click.Abort", False),
    "warns": ("warnings.warn('odd')\n        " + RIGHT, True),
    "fails at the second call": ("if self.calls > 1: raise ValueError('second')\n        " + RIGHT, None),
    "scales its input": ("made = self.answer(batch.waveforms); batch.waveforms[:] = 0; return made", True),
    "keeps its input": (
        "self.kept = getattr(self, 'kept', []); self.kept.append(batch.waveforms)\n"
        "        for each in self.kept[:-1]: each[:] = 0\n        " + RIGHT,
        True,
    ),
    "changes its input later": (
        "kept = batch.waveforms; threading.Timer(0.05, lambda: kept.fill(0)).start(); return self.answer(kept.copy())",
        True,
    ),
    "answers in one buffer": (
        "self.buffer = getattr(self, 'buffer', np.zeros((16, 2), np.float32))\n"
        "        self.buffer[:len(batch)] = self.answer(batch.waveforms); return self.buffer[:len(batch)]",
        True,
    ),
    "changes its lengths": ("batch.lengths[:] = 0\n        " + RIGHT, True),
    "changes its side": ("\n        try: batch.side['x'] = 1\n        except Exception: pass\n        " + RIGHT, True),
    "changes its card": ("type(self).card = None; self.card = None\n        " + RIGHT, None),
    "deletes its card": ("del type(self).card\n        " + RIGHT, None),
    "closes the output": ("sys.stdout.close(); sys.stderr.close()\n        " + RIGHT, True),
    "takes the output away": ("sys.stdout = sys.stderr = None\n        " + RIGHT, True),
    "masks files": ("os.umask(0o777)\n        " + RIGHT, True),
    "limits recursion": ("sys.setrecursionlimit(120)\n        " + RIGHT, True),
    "ignores interrupts": ("signal.signal(signal.SIGINT, signal.SIG_IGN)\n        " + RIGHT, True),
    "stops collecting": ("import gc; gc.disable()\n        " + RIGHT, True),
    "traces": ("sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)\n        " + RIGHT, True),
    "goes to a folder that goes": (
        "import tempfile; f = tempfile.mkdtemp(); os.chdir(f); os.rmdir(f)\n        " + RIGHT,
        True,
    ),
    "empties the environment": ("os.environ.clear()\n        " + RIGHT, True),
    "empties the search path": ("sys.path.clear()\n        " + RIGHT, True),
    "rounds decimals": ("import decimal; decimal.getcontext().prec = 1\n        " + RIGHT, True),
    "logs nothing": ("import logging; logging.disable()\n        " + RIGHT, True),
    "replaces open": ("import builtins; builtins.open = os.open = None\n        " + RIGHT, True),
    "replaces numbers": ("np.pi = 3; np.mean = np.fft.irfft = None\n        " + RIGHT, True),
    "replaces chance": ("np.random.Philox = np.random.default_rng = random.Random = None\n        " + RIGHT, True),
    "replaces time": ("time.monotonic = time.perf_counter = time.thread_time = None\n        " + RIGHT, True),
    "replaces the environment": ("os.environ = {}; sys.path = None\n        " + RIGHT, True),
    "traces threads": ("threading.settrace(lambda *a: 1 / 0); threading.setprofile(0)\n        " + RIGHT, True),
    "draws": ("np.random.seed(0); random.seed(0); np.random.rand(9)\n        " + RIGHT, True),
}


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = world(tmp_path_factory.mktemp("toys"), 4)
    scored(place, adapter(place))  # what is imported once may change the process once
    return place


def state() -> list[object]:
    """What a model must not leave behind in this process."""
    mask = os.umask(0o022)
    os.umask(mask)
    import decimal
    import logging

    return [
        *(mask, sys.getrecursionlimit(), signal.getsignal(signal.SIGINT), gc.isenabled(), sys.stdout, sys.stderr),
        *(os.getcwd(), dict(os.environ), list(sys.path), sys.getprofile(), decimal.getcontext().prec),
        *(open, os.open, np.pi, np.mean, np.fft.irfft, np.random.Philox, random.Random, time.monotonic, os.environ),
        *(threading.gettrace(), threading.getprofile()),
        *(logging.root.manager.disable, np.random.get_state()[1].tolist()),  # noqa: NPY002
    ]


@pytest.mark.parametrize("misbehaves", PREDICTS)
def test_what_predict_does_is_scored_rightly_or_refused(toys: Path, misbehaves: str):
    what, fine = PREDICTS[misbehaves]
    spec, before, trace = adapter(toys, at_predict=what), state(), sys.gettrace()
    try:
        accuracy = scored(toys, spec)
    except BenchbedError as error:
        assert not fine, error
        assert error.where and len(str(error)) < 3000, "says where, in one screen"
        str(error).encode()
    else:
        assert accuracy == 1.0 and fine is not False
    finally:
        sys.settrace(trace)
    assert state() == before


#: What else an adapter may be.
IS = {
    "predict of a coroutine": ("    def predict", "    async def predict"),
    "predict that yields": ("        self.calls += 1", "        yield 1"),
    "predict without a batch": ("def predict(self, batch)", "def predict(self)"),
    "no predict": ("    def predict", "    def answers"),
    "predict a number": ("    def answer(", "    predict = 3\n\n    def answer("),
    "load of a coroutine": ("    def load", "    async def load"),
    "load without a device": ('def load(self, device="cpu")', "def load(self)"),
    "load that raises": ("        self.calls = 0", "        raise RuntimeError('no weights')"),
    "no attributes": ("        self.calls = 0", "        pass"),
    "attributes refused": ("    def answer(", "    def __setattr__(self, *a): raise TypeError\n\n    def answer("),
    "attributes invented": ("    def answer(", "    def __getattr__(self, name): return 3\n\n    def answer("),
    "attributes that fail": ("    def answer(", "    def __getattribute__(self, name): 1 / 0\n\n    def answer("),
    "forward a number": ("    def answer(", "    forward = 3\n\n    def answer("),
    "model a text": ("    def answer(", "    model = 'net'\n\n    def answer("),
    "weights that raise": ("    def answer(", "    def weights(self): raise OSError(5, 'gone')\n\n    def answer("),
    "weights a number": ("    def answer(", "    def weights(self): return 3\n\n    def answer("),
    "weights that are not there": ("    def answer(", "    def weights(self): return ['/no']\n\n    def answer("),
    "replays nothing": ("    def answer(", "    replays = True\n\n    def answer("),
    "close that raises": ("    def answer(", "    def close(self): 1 / 0\n\n    def answer("),
    "compares with nothing": ("    def answer(", "    def __eq__(self, other): 1 / 0\n\n    def answer("),
    "hashes nothing": ("    def answer(", "    __hash__ = None\n\n    def answer("),
    "constructor that exits": ("    def answer(", "    def __init__(self): sys.exit(3)\n\n    def answer("),
    "constructor that wants": ("    def answer(", "    def __init__(self, wanted): pass\n\n    def answer("),
    "two of them": ("class Net(Adapter):", "class Other(Adapter):\n    pass\n\n\nclass Net(Adapter):"),
    "no adapter": ("class Net(Adapter):", "class Net:"),
    "not Python": ("class Net(Adapter):", "class Net(Adapter:"),
    "imports what is not there": ("import numpy as np", "import numpy as np, nothing_of_that_name"),
    "imports itself": ("import numpy as np", "import numpy as np\nfrom . import net"),
    "raises when imported": ("class Net(Adapter):", "raise Exception\n\n\nclass Net(Adapter):"),
    "deep": ("class Net(Adapter):", f"deep = {'(' * 150}1{')' * 150}\n\n\nclass Net(Adapter):"),
}
#: Those that predict all the same, and must then be right.
RUNS = {"no attributes", "close that raises", "hashes nothing", "imports itself", "deep", "forward a number"}


@pytest.mark.parametrize("odd", IS)
def test_an_odd_adapter_is_scored_rightly_or_refused(toys: Path, odd: str):
    spec, threads = Path(adapter(toys)), threading.active_count()
    text = spec.read_text()
    assert IS[odd][0] in text
    spec.write_text(text.replace(*IS[odd], 1))
    try:
        accuracy = scored(toys, str(spec))
    except BenchbedError as error:
        assert error.where and "Traceback" not in str(error)
    else:
        assert accuracy == 1.0
    assert threading.active_count() == threads


def test_bytes_that_are_no_text_are_no_adapter(toys: Path):
    (toys / "net.py").write_bytes(b"\xff\xfe\x00net")
    with pytest.raises(BenchbedError, match="cannot be read"):
        scored(toys, str(toys / "net.py"))
