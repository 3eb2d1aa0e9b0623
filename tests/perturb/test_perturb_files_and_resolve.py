"""Folders of noises, good and bad, and names, parameters and options as a suite gives them."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from benchbed.errors import ConfigError
from benchbed.perturb import CORRUPTIONS, resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.files import folder_digest, open_folder
from benchbed.perturb.level import measured_snr
from benchbed.rng import stream

CLIP = (0.1 * stream("clip").standard_normal((2, 16000))).astype(np.float32)


def write(path, channels=1, rate=16000, seconds=2.0, level=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = level * stream(path.name).standard_normal((round(rate * seconds), channels))
    soundfile.write(path, sound, rate, subtype="FLOAT")


def background(folder, clip=CLIP, seed="s", **options):
    found = resolve("background", options={"folder": str(folder), **options})
    state = found.prepare(clip, 16000, stream(seed), Context())
    return found.apply(state, 5.0)


def test_everything_unusable_is_listed_at_once(tmp_path):
    write(tmp_path / "good.wav")
    (tmp_path / "notes.txt").write_text("a list of noises")
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "silent.wav", np.zeros(8000), 16000)
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan, np.float32), 16000, subtype="FLOAT")
    (tmp_path / ".DS_Store").write_bytes(b"hidden files are passed over")
    with pytest.raises(ConfigError) as caught:
        background(tmp_path)
    message = str(caught.value)
    assert message.startswith("4 of 5 files")
    assert all(name in message for name in ("notes.txt", "empty.wav", "silent.wav: silent", "nan.wav"))
    assert "good.wav" not in message and "ignore" in message
    assert background(tmp_path, ignore=["*.txt", "empty.wav", "silent.*", "nan.wav"]).skipped is None


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("a file")])
def test_no_folder_and_empty_folder(tmp_path, make):
    make(tmp_path / "noises")
    with pytest.raises(ConfigError, match=r"no (folder|recordings)"):
        background(tmp_path / "noises")


def test_conversions_are_counted_and_noted(tmp_path):
    write(tmp_path / "mono8k.wav", rate=8000)
    write(tmp_path / "more" / "stereo.wav", channels=2)
    write(tmp_path / "more" / "five.wav", channels=5)
    folder = open_folder(tmp_path)
    assert folder.facts()["channels"] == {"1": 1, "2": 1, "5": 1} and folder.facts()["sample_rates"] == {
        "8000": 1,
        "16000": 2,
    }
    assert folder.conversions(16000, 1) == {
        "resampled from 8000 Hz": 1,
        "mixed down from 2 channels": 1,
        "mixed down from 5 channels": 1,
    }
    assert folder.conversions(16000, 2) == {"resampled from 8000 Hz": 1, "mixed down from 5 channels": 1}
    notes = set()
    for seed in range(30):
        out = background(tmp_path, seed=seed)
        notes.add(out.note)
        assert measured_snr(CLIP, out.waveform, 16000) == pytest.approx([5, 5], abs=0.01)
    assert notes == {None, "noise resampled from 8000 Hz", "noise mixed down from 5 channels"}


def test_digest_depends_on_names_and_contents_only(tmp_path):
    for copy in ("a", "b", "c", "d"):
        write(tmp_path / copy / "noise.wav")
    (tmp_path / "c" / "noise.wav").rename(tmp_path / "c" / "other.wav")
    write(tmp_path / "d" / "noise.wav", level=0.2)
    digests = [folder_digest(tmp_path / copy) for copy in "abcd"]
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_a_short_noise_is_repeated_and_a_silent_excerpt_drawn_again(tmp_path):
    write(tmp_path / "short.wav", seconds=0.1)
    assert background(tmp_path).skipped is None
    mostly_silent = np.zeros(16000 * 20)
    mostly_silent[:100] = 0.5
    (tmp_path / "rare").mkdir()
    soundfile.write(tmp_path / "rare" / "rare.wav", mostly_silent, 16000)
    results = {background(tmp_path / "rare", seed=seed).skipped for seed in range(5)}
    assert "8 excerpts of noise drawn for this clip were silent" in results


def test_without_a_folder_the_noise_is_another_clip():
    other = (0.2 * stream("other").standard_normal((1, 16000))).astype(np.float32)
    found = resolve("background")
    state = found.prepare(CLIP[:1], 16000, stream("s"), Context(others=lambda rng, n: [other]))
    added = found.apply(state, 0.0).waveform - CLIP[:1]
    assert abs(np.corrcoef(added[0], other[0])[0, 1]) > 0.999
    assert (
        found.prepare(CLIP, 16000, stream("s"), Context(others=lambda rng, n: [])).skipped == "no clip of another class"
    )
    for act in (lambda: found.configure(Context()), lambda: found.prepare(CLIP, 16000, stream("s"), Context())):
        with pytest.raises(ConfigError, match="needs recordings"):
            act()


def test_options_of_the_corruption_go_before_those_of_the_context(tmp_path):
    write(tmp_path / "own" / "a.wav")
    write(tmp_path / "suite" / "b.wav")
    context = Context(options={"folder": str(tmp_path / "suite")})
    assert resolve("background").configure(context)["digest"] == folder_digest(tmp_path / "suite")
    own = resolve("background", options={"folder": str(tmp_path / "own")})
    assert own.configure(context)["digest"] == folder_digest(tmp_path / "own")
    assert resolve("babble").configure(context)["digest"] == folder_digest(tmp_path / "suite")
    assert not CORRUPTIONS.get("background").CORRUPTION.options  # the registered object is never changed


def test_babble_from_a_folder_mixes_talkers(tmp_path):
    for index in range(3):
        write(tmp_path / f"talker{index}.wav")
    found = resolve("babble", options={"folder": str(tmp_path)})
    out = found.apply(found.prepare(CLIP, 16000, stream("s"), Context()), 0.0)
    assert measured_snr(CLIP, out.waveform, 16000) == pytest.approx([0, 0], abs=0.01)


def test_the_room_is_complete():
    wanted = """white_noise pink_noise brown_noise hum wind background babble reverb room_response clipping bit_depth
        low_pass high_pass band_stop gain resampling mp3 vorbis opus mu_law gsm adpcm packet_loss dropout time_mask
        frequency_mask pitch_shift time_stretch time_shift polarity dc_offset device_eq device_response compression
        style_swap foa_rotation dead_channel channel_mismatch
        channel_swap clock_drift diffuse_noise directional_noise diffuse_reverb occlusion_interleaved
        occlusion_spliced"""
    assert set(wanted.split()) <= set(CORRUPTIONS.names())


def test_parameters_of_a_suite_take_the_place_of_the_five():
    assert resolve("reverb", [[0.3, 6], [0.9, 0]]).parameters == ((0.3, 6), (0.9, 0))
    assert resolve("adpcm", ["ima-4bit"]).parameters == ("ima-4bit",)
    assert len(resolve("reverb").parameters) == 5


@pytest.mark.parametrize(
    ("name", "parameters", "options", "words"),
    [
        ("whitenoise", None, None, "did you mean 'white_noise'"),
        ("audiomentations:LowPas", {}, None, "did you mean 'LowPassFilter'"),
        ("background", None, {"foldr": "x"}, "did you mean 'folder'"),
        ("gain", None, {"folder": "x"}, "its options: none"),
        ("gain", [], None, "must be a list"),
        ("gain", "loud", None, "must be a list"),
        ("gain", ["loud"], None, "'loud' is no parameter"),
        ("gain", [True], None, "True is no parameter"),
        ("gain", [float("nan")], None, "nan is no parameter"),
        ("bit_depth", [7.5], None, r"7\.5 is no parameter"),
        ("reverb", [0.5], None, r"0\.5 is no parameter"),
        ("reverb", [[0.5, 1, 2]], None, "is no parameter"),
        ("audiomentations:Gain", {"gain_db": -6}, {"folder": "x"}, "not options"),
    ],
)
def test_bad_requests(name, parameters, options, words):
    with pytest.raises(ConfigError, match=words):
        resolve(name, parameters, options)


def test_listing_and_resolving_stay_light():
    import subprocess
    import sys

    code = (
        "import sys, benchbed.perturb as p\n"
        "[p.resolve(n) for n in p.CORRUPTIONS.names()]\n"
        "heavy = {'scipy', 'torch', 'pandas', 'audiomentations', 'librosa', 'soundfile'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.realdata
def test_real_folders(realdata):
    with pytest.raises(ConfigError, match=r"misc_file\.txt"):
        open_folder(realdata / "robust_audiomentations" / "ir")
    assert len(open_folder(realdata / "robust_audiomentations" / "ir", ("*.txt",)).files) == 3
    assert len(open_folder(realdata / "robust_speechbrain" / "noise").files) == 3
    with pytest.raises(ConfigError, match="silent"):
        open_folder(realdata / "robust_audiomentations" / "digital_silence")


@pytest.mark.realdata
@pytest.mark.parametrize("channels", [1, 2])
def test_real_noises_and_rooms(realdata, channels):
    from benchbed.perturb.selfcheck import impulse_stays

    for name, folder in (
        ("background", "robust_speechbrain/noise"),
        ("background", "robust_torch_audiomentations/bg"),
        ("background", "robust_audiomentations/background_noises"),
        ("room_response", "robust_speechbrain/RIRs"),
        ("room_response", "robust_audiomentations/ir"),
    ):
        found = resolve(name, options={"folder": str(realdata / folder), "ignore": ["*.txt"]})
        assert found.configure(Context())["digest"]
        for seed in range(4):
            state = found.prepare(CLIP[:channels], 16000, stream(seed), Context())
            for parameter in found.parameters:
                out = found.apply(state, parameter)
                assert out.skipped is None and out.waveform.shape == (channels, 16000)
                if name == "background":
                    snr = measured_snr(CLIP[:channels], out.waveform, 16000)
                    assert snr == pytest.approx([parameter] * channels, abs=0.01)
        if name == "room_response":
            assert impulse_stays(folder, found, 16000, channels, Context()).status == "pass"
