"""adapters/tflite.py: the MLPerf Tiny keyword spotter, in float32 and int8, gives its known answers."""

import sys

import numpy as np
import pytest
import soundfile

from benchbed.adapter.load import load_adapter
from benchbed.adapter.mfcc import Mfcc
from benchbed.errors import AdapterError, BenchbedError, CheckpointError, ConfigError
from benchbed.types import Batch

pytest.importorskip("ai_edge_litert")

LABELS = "down,go,left,no,off,on,right,stop,up,yes,silence,unknown"
#: Clip → (answer, probability of the float32 network), as recorded with the models.
ANSWERS = {"yes": ("yes", 0.999), "silence": ("silence", 0.933), "noise": ("unknown", 0.727), "no": ("go", 0.952)}


def open_adapter(repository, path, **options):
    loaded = load_adapter(
        str(repository / "adapters" / "tflite.py"),
        {"model": str(path), "labels": LABELS, "sample_rate": "16000", "clip_seconds": "1", "features": "mfcc"}
        | options,
    )
    loaded.adapter.load("cpu")
    return loaded.adapter


def models(realdata):
    return realdata / "mlperf_tiny/keyword_spotting/trained_models"


@pytest.fixture
def speech(realdata):
    folder = realdata / "kws_micro_speech/micro_speech/testdata"
    clips = [soundfile.read(folder / f"{name}_1000ms.wav", dtype="float32")[0] for name in ANSWERS]
    return Batch(np.stack(clips)[:, None], np.full(len(clips), 16000), 16000)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["kws_ref_model_float32.tflite", "kws_ref_model.tflite"])
def test_keyword_spotter(repository, realdata, speech, name):
    adapter = open_adapter(repository, models(realdata) / name)
    scores = adapter.predict(speech)
    assert [adapter.card.labels[i] for i in scores.argmax(1)] == [answer for answer, _ in ANSWERS.values()]
    if "float32" in name:
        np.testing.assert_allclose(scores.max(1), [p for _, p in ANSWERS.values()], atol=6e-4)
        assert adapter.card.weight_bits == 32
    else:
        assert adapter.card.weight_bits == 8
        np.testing.assert_allclose(scores.sum(1), 1.0, atol=1e-6)
        # The graph's own output comes in steps of 1/256, which the scale and zero point must give back.
        raw = adapter.run(Mfcc()(speech.waveforms[:, 0])[..., None])
        assert np.array_equal(raw, np.round(raw * 256) / 256) and 0.99 < raw.sum(1).min() < 1.01
    assert adapter.card.scores == "probabilities"
    assert adapter.inferred == {"input_layout": "clip,frame,band,channel", "scores": "probabilities"}
    assert np.array_equal(adapter.predict(speech), scores)


@pytest.mark.realdata
def test_batch_and_single_clip_agree_exactly(repository, realdata, speech):
    adapter = open_adapter(repository, models(realdata) / "kws_ref_model_float32.tflite", scores="probabilities")
    alone = [adapter.predict(Batch(clip[None], np.array([16000]), 16000))[0] for clip in speech.waveforms]
    assert np.array_equal(adapter.predict(speech), np.stack(alone))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"labels": "yes,no"}, AdapterError, "there are 2 labels"),
        ({"clip_seconds": "2"}, ConfigError, "not clear"),
        ({"clip_seconds": "2", "input_layout": "clip,frame,band,channel"}, AdapterError, "wants 49 along frame"),
        ({"features": "none"}, ConfigError, "not clear"),
        ({"feature_options": "n_mfc=10"}, ConfigError, "no parameter 'n_mfc'"),
        ({"feature_options": "n_mfcc"}, ConfigError, "without a value"),
        ({"feature_options": "{"}, ConfigError, "not a JSON object"),
        ({"features": "mel"}, ConfigError, "features"),
    ],
)
def test_misuse(repository, realdata, options, kind, message):
    with pytest.raises(BenchbedError, match=message) as caught:
        open_adapter(repository, models(realdata) / "kws_ref_model_float32.tflite", **options)
    assert isinstance(caught.value, kind)


@pytest.mark.realdata
def test_a_graph_with_operations_litert_lacks(repository, realdata):
    path = realdata / "kws_micro_speech/micro_speech/models/audio_preprocessor_float.tflite"
    with pytest.raises(CheckpointError, match="cannot read the file"):
        open_adapter(repository, path)


def test_bad_files(repository, tmp_path):
    with pytest.raises(CheckpointError, match="no model file"):
        open_adapter(repository, tmp_path / "none.tflite")
    (tmp_path / "broken.tflite").write_bytes(b"not a graph at all")
    with pytest.raises(CheckpointError, match="cannot read the file"):
        open_adapter(repository, tmp_path / "broken.tflite")


def test_a_missing_package_is_answered_with_its_extra(repository, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(AdapterError, match="cannot be imported") as caught:
        load_adapter(str(repository / "adapters" / "tflite.py"), {})
    assert "benchbed[tflite]" in caught.value.hint
