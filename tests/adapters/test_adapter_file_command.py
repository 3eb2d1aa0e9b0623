"""adapters/command.py: programs in Python and Perl over a pipe and over files, and every way they can fail."""

import re
import shlex
import shutil
import sys
import time

import numpy as np
import psutil
import pytest

from benchbed.adapter.load import load_adapter
from benchbed.errors import AdapterError, BenchbedError, ConfigError
from benchbed.rng import stream
from benchbed.types import Batch

PERL_PIPE = r"""
use strict; binmode STDIN; $| = 1;
while (my $head = <STDIN>) {
    my ($clips) = $head =~ /"clips": (\d+)/;
    my ($samples) = $head =~ /"samples": (\d+)/;
    my @rows;
    for my $clip (1 .. $clips) {
        read(STDIN, my $bytes, 4 * $samples) == 4 * $samples or die "short";
        my ($sum, @audio) = (0, unpack("f<*", $bytes));
        $sum += abs($_) for @audio;
        my $loud = $sum / $samples;
        push @rows, sprintf("[%.9g, %.9g]", 1 - $loud, $loud);
    }
    print '{"scores": [', join(", ", @rows), "]}\n";
}
"""
PERL_FILES = r"""
use strict;
my ($input, $output) = @ARGV;
open(my $list, "<", $input) or die; open(my $out, ">", $output) or die;
while (my $path = <$list>) {
    chomp $path; open(my $wav, "<:raw", $path) or die "no $path"; local $/; my $bytes = <$wav>;
    my ($sum, @audio) = (0, unpack("s<*", substr($bytes, 44)));
    $sum += abs($_) / 32768 for @audio;
    my $loud = $sum / @audio;
    printf $out "%.9g,%.9g\n", 1 - $loud, $loud;
}
"""
JSON_LINES = """
import json, sys, soundfile
with open(sys.argv[2], "w") as out:
    for path in open(sys.argv[1]).read().split("\\n")[:-1]:
        audio, rate = soundfile.read(path, dtype="float32")
        loud = float(abs(audio).mean())
        out.write(json.dumps({"scores": [1 - loud, loud]}) + "\\n")
"""


@pytest.fixture
def documented(repository):
    """The example program of the adapter's own documentation."""
    text = (repository / "adapters" / "command.py").read_text().split('"""')[1]
    example = re.search(r"A whole program in Python:\n\n(.*?)\n\n\w", text, re.S).group(1)
    return "\n".join(line[4:] for line in example.splitlines()) + "\n"


def make_batch(clips=3, samples=800):
    audio = stream("command", clips, samples).uniform(-1, 1, (clips, 1, samples)).astype(np.float32)
    audio *= np.linspace(0.1, 0.9, clips, dtype=np.float32)[:, None, None]
    return Batch(audio, np.full(clips, samples), 16000)


def expected(batch):
    loud = np.abs(batch.waveforms[:, 0]).mean(1)
    return np.stack([1 - loud, loud], axis=1)


@pytest.fixture
def start(repository, tmp_path):
    """Start a program from its text; every adapter is closed after the test."""
    started = []

    def make(text, ending="", program=sys.executable, **options):
        script = tmp_path / ("program.pl" if program == "perl" else "program.py")
        script.write_text(text)
        command = f"{shlex.quote(program)} {shlex.quote(str(script))}{ending}"
        given = {"command": command, "labels": "quiet,loud", "sample_rate": "16000", "timeout": "20"} | options
        adapter = load_adapter(str(repository / "adapters" / "command.py"), given).adapter
        adapter.load("cpu")
        started.append(adapter)
        return adapter

    yield make
    for adapter in started:
        adapter.close()


def test_documented_program(start, documented):
    adapter = start(documented)
    for batch in (make_batch(), make_batch(1, 3), make_batch(5)):
        np.testing.assert_allclose(adapter.predict(batch), expected(batch), atol=1e-6)
    assert [path.name for path in adapter.weights()] == ["program.py"]
    process = adapter._process
    adapter.close()
    assert process.returncode == 0
    adapter.close()


def test_more_audio_than_a_pipe_holds(start, documented):
    batch = make_batch(8, 100_000)
    np.testing.assert_allclose(start(documented).predict(batch), expected(batch), atol=1e-5)


@pytest.mark.skipif(shutil.which("perl") is None, reason="no perl on this machine")
@pytest.mark.parametrize(
    ("text", "ending", "options", "tolerance"),
    [
        (PERL_PIPE, "", {}, 1e-6),
        (PERL_FILES, " {input} {output}", {"protocol": "files", "wav": "pcm16"}, 2e-5),
    ],
)
def test_another_language(start, text, ending, options, tolerance):
    batch = make_batch()
    adapter = start(text, ending, "perl", **options)
    np.testing.assert_allclose(adapter.predict(batch), expected(batch), atol=tolerance)


def test_files_as_json_lines_keep_float_samples_and_true_lengths(start):
    adapter = start(JSON_LINES, " {input} {output}", protocol="files")
    batch = make_batch()
    np.testing.assert_allclose(adapter.predict(batch), expected(batch), atol=1e-6)
    short = Batch(batch.waveforms, np.array([800, 400, 100]), 16000)
    loud = [np.abs(clip[0, :n]).mean() for clip, n in zip(short.waveforms, short.lengths)]
    np.testing.assert_allclose(adapter.predict(short)[:, 1], loud, atol=1e-6)


SIDE_PIPE = """
import json, sys
while line := sys.stdin.buffer.readline():
    head = json.loads(line)
    sys.stdin.buffer.read(4 * head["clips"] * head["samples"])
    print(json.dumps({"scores": [[d == "a", d == "s1"] for d in head["side"]["device"]]}), flush=True)
"""
SIDE_FILES = """
import sys
rows = [line.rstrip().split("\\t") for line in open(sys.argv[1])]
open(sys.argv[2], "w").write("".join(f"{int(d == 'a')},{int(d == 's1')}\\n" for _, d in rows))
"""


@pytest.mark.parametrize(
    ("text", "ending", "options"), [(SIDE_PIPE, "", {}), (SIDE_FILES, " {input} {output}", {"protocol": "files"})]
)
def test_side_information(start, text, ending, options):
    adapter = start(text, ending, side_information="device", **options)
    batch = make_batch()
    told = Batch(batch.waveforms, batch.lengths, 16000, {"device": ("a", "s1", "b")})
    assert adapter.card.side_information == ("device",)
    assert adapter.predict(told).tolist() == [[1, 0], [0, 1], [0, 0]]


READ = "import sys; sys.stdin.buffer.readline(); sys.stdin.buffer.read(4 * 3 * 800)\n"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("raise RuntimeError('no licence for this model')\n", "exit code 1 before", "no licence for this model"),
        (READ + "sys.exit(3)\n", "exit code 3 before", "nothing on standard error"),
        (READ + "print('ready', flush=True); sys.stdin.read()\n", "not a line of JSON", None),
        (READ + "print('{\"score\": []}', flush=True); sys.stdin.read()\n", "not a line of JSON", None),
        (READ + "print('{\"scores\": 3}', flush=True); sys.stdin.read()\n", "not a line of JSON", None),
        (READ + "print('{\"scores\": [[1, 0]]}', flush=True); sys.stdin.read()\n", "1 rows of scores came for 3", None),
        (READ + "print('{\"scores\": [[1], [0], [1]]}', flush=True)\n", r"shape \[3, 1\] came for 2 labels", None),
        (READ + "print('{\"scores\": [[1, 0], [0], [1, 0]]}', flush=True)\n", "not a table of numbers", None),
        (READ + 'print(\'{"scores": [["a", 0], [0, 1], [1, 0]]}\', flush=True)\n', "not a table of numbers", None),
    ],
)
def test_faults_over_a_pipe(start, text, message, hint):
    adapter = start(text)
    with pytest.raises(AdapterError, match=message) as caught:
        adapter.predict(make_batch())
    assert hint is None or hint in caught.value.hint
    assert "program.py" in caught.value.where


def test_a_program_that_hangs_is_ended_and_the_next_batch_gets_a_fresh_one(start, documented):
    stubborn = "import os, sys, time\n" + "if not os.path.exists(sys.argv[0] + '.seen'):\n"
    stubborn += "    open(sys.argv[0] + '.seen', 'w').close(); print('thinking', file=sys.stderr, flush=True)\n"
    stubborn += "    time.sleep(60)\n" + documented
    adapter = start(stubborn, timeout="1")
    began, batch = time.monotonic(), make_batch(8, 100_000)
    with pytest.raises(AdapterError, match="no answer came within 1 s") as caught:
        adapter.predict(batch)
    assert time.monotonic() - began < 10 and "thinking" in caught.value.hint
    adapter._timeout = 20
    np.testing.assert_allclose(adapter.predict(batch), expected(batch), atol=1e-5)


def test_a_program_that_talks_and_does_not_read(start):
    adapter = start("import time; print('welcome', flush=True); time.sleep(60)\n")
    began = time.monotonic()
    with pytest.raises(AdapterError, match=r"not a line of JSON.*welcome"):
        adapter.predict(make_batch(8, 100_000))
    assert time.monotonic() - began < 10


def test_a_shell_wrapper_ends_with_its_children(repository):
    command = "sh -c 'echo waiting >&2; sleep 60; true'"
    given = {"command": command, "labels": "a,b", "sample_rate": "16000", "timeout": "0.5"}
    adapter = load_adapter(str(repository / "adapters" / "command.py"), given).adapter
    adapter.load("cpu")
    began = time.monotonic()
    while not (children := psutil.Process(adapter._process.pid).children()):
        time.sleep(0.01)
    with pytest.raises(AdapterError, match=r"no answer came within 0\.5 s") as caught:
        adapter.predict(make_batch())
    assert "waiting" in caught.value.hint and time.monotonic() - began < 10
    _, alive = psutil.wait_procs(children, timeout=5)
    # A container whose first process does not reap keeps the dead in the table.
    assert all(child.status() == psutil.STATUS_ZOMBIE for child in alive)


def test_a_file_that_cannot_be_executed(repository, tmp_path):
    program = tmp_path / "model"
    program.write_bytes(b"\x7fELF, or so it says")
    program.chmod(0o755)
    given = {"command": str(program), "labels": "a,b", "sample_rate": "16000"}
    with pytest.raises(AdapterError, match="cannot be started"):
        load_adapter(str(repository / "adapters" / "command.py"), given).adapter.load("cpu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise SystemExit('cannot allocate')\n", "exit code 1"),
        ("pass\n", "without writing"),
        ("import sys; open(sys.argv[2], 'w').write('1,0\\n')\n", "1 rows of scores came for 3"),
        ("import sys; open(sys.argv[2], 'w').write('a,b\\n' * 3)\n", "not a list of numbers"),
        ("import sys; open(sys.argv[2], 'w').write('[1, 0\\n' * 3)\n", "not a list of numbers"),
        ("import time; time.sleep(60)\n", "no answer came within 0.5 s"),
    ],
)
def test_faults_over_files(start, text, message):
    adapter = start(text, " {input} {output}", protocol="files", timeout="0.5" if "sleep" in text else "20")
    with pytest.raises(AdapterError, match=message):
        adapter.predict(make_batch())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": "no_such_program --x"}, "no program 'no_such_program'"),
        ({"command": "cat 'open"}, "cannot be split"),
        ({"command": ""}, "no program ''"),
        ({"command": "cat", "protocol": "files"}, "must say where"),
        ({"command": "cat", "protocol": "socket"}, "protocol"),
        ({"command": "cat", "files": "weights.bin"}, "no file weights.bin"),
        ({"command": "cat", "labels": ""}, "does not say what its classes"),
        ({"command": "cat", "sample_rate": "0"}, "not a sample rate"),
        ({"command": "cat", "sample_rate": "16 kHz"}, "sample_rate"),
    ],
)
def test_misuse(repository, options, message):
    with pytest.raises(BenchbedError, match=message) as caught:
        load_adapter(
            str(repository / "adapters" / "command.py"), {"labels": "quiet,loud", "sample_rate": "16000"} | options
        )
    assert isinstance(caught.value, ConfigError)
