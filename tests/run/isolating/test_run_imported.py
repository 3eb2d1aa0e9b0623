"""What every run imports: everything is there, and a process ends without taking it apart."""

import subprocess
import sys

LOADED = """
import atexit, gc, sys, weakref
from benchbed.run.isolating.imported import ALWAYS, load
ended = []
class Ours: pass
ours = Ours()
weakref.finalize(ours, ended.append, "ours")
load()
assert gc.isenabled()
assert all(name in sys.modules for name in ALWAYS), [name for name in ALWAYS if name not in sys.modules]
import torch
torch.ops.aten.relu(torch.zeros(1))
libraries = [one for one in weakref.finalize._registry if one.peek()[1].__module__ == "torch.library"]
assert libraries and not any(one.atexit for one in libraries), len(libraries)
atexit._run_exitfuncs()
assert ended == ["ours"], ended
assert all(one.alive for one in libraries)
print("fine")
"""


def test_everything_is_imported_and_only_operators_of_torch_outlive_the_end():
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=120)
    assert ran.stdout == "fine\n", ran.stderr
