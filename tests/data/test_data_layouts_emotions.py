"""Corpora of emotional speech: names, emotions that corpora share, folds of speakers, and folders of something else."""

from __future__ import annotations

import pytest

from benchbed.data import LAYOUTS, emotion_words, emotions, synthetic
from benchbed.data.check import check
from benchbed.errors import ConfigError, DataError

CORPORA = ("emodb", "enterface05", "ravdess", "fesc")


@pytest.mark.parametrize("name", CORPORA)
def test_the_stand_in_of_a_corpus_is_read(name, tmp_path):
    root = synthetic.make(tmp_path / "set", layout=name, size="small")
    read = LAYOUTS.get(name).read
    data = read(root)
    assert data.kind == "scene" and data.synthetic and len(data.splits["all"]) == 5 * len(data.labels)
    assert set(data.labels) <= set(emotion_words.QUADRANTS) and check(data, decode=False).ok
    for fold in range(1, 6):
        here, there = data.select(f"fold{fold}"), data.select(f"not_fold{fold}")
        assert len(here) + len(there) == len(data.clips) and not set(here["speaker"]) & set(there["speaker"])
    for target, classes in emotions.CLASSES.items():
        shared = read(root, target=target)
        assert shared.labels == classes and set(shared.clips["label"]) == set(classes)
        place = 0 if target == "arousal" else 1
        assert [emotion_words.QUADRANTS[one][place] for one in shared.clips["emotion"]] == shared.clips[
            "label"
        ].tolist()
    with pytest.raises(ConfigError, match="unknown target 'mood'"):
        read(root, target="mood")


@pytest.mark.parametrize(
    ("name", "path", "emotion", "speaker", "sex"),
    [
        ("emodb", "wav/03a01Fa.wav", "happiness", "03", "m"),
        ("emodb", "wav/16b10Wb.wav", "anger", "16", "f"),
        ("enterface05", "subject 7/surprise/sentence 2/s7_su_2.wav", "surprise", "7", ""),
        ("enterface05", "s_3_ha_5.wav", "happiness", "3", ""),
        ("ravdess", "Actor_12/03-01-06-01-02-01-12.wav", "fear", "12", "f"),
        ("ravdess", "Actor_01/03-01-02-02-01-01-01.wav", "calm", "01", "m"),
    ],
)
def test_official_names_say_who_speaks_and_how(tmp_path, name, path, emotion, speaker, sex):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).touch()
    # Beside it what is none of the corpus: songs, notes, hidden copies.
    for other in ("notes.wav", "03-02-06-01-02-01-12.wav", "._03a01Fa.wav"):
        (tmp_path / other).touch()
    row = LAYOUTS.get(name).read(tmp_path).clips.iloc[0]
    assert (row["emotion"], row["speaker"], row["sex"]) == (emotion, speaker, sex) and row["group"] == speaker


@pytest.mark.parametrize(
    ("name", "path", "said"),
    [
        ("emodb", "03a01Xa.wav", "'X' is no emotion"),
        ("enterface05", "s1_xx_1.wav", "'xx' is no emotion"),
        ("ravdess", "03-01-09-01-02-01-12.wav", "'09' is no emotion"),
        ("emodb", "03-01-06-01-02-01-12.wav", "this is not the folder of dataset emodb"),
        ("ravdess", "03a01Fa.wav", "this is not the folder of dataset ravdess"),
    ],
)
def test_another_corpus_or_code_is_one_clear_error(tmp_path, name, path, said):
    (tmp_path / path).touch()
    with pytest.raises(DataError, match=said):
        LAYOUTS.get(name).read(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        LAYOUTS.get(name).read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("rows", "said", "line"),
    [
        (["a.wav,1,rage"], "'rage' is no emotion", ":2"),
        (["a.wav,1,joy", "a.wav,1,anger"], "'a.wav' stands twice", ":3"),
        (["b.wav,1,joy"], "there is no sound 'b.wav'", ":2"),
    ],
)
def test_a_table_of_fesc_that_cannot_be_right_names_its_row(tmp_path, rows, said, line):
    (tmp_path / "a.wav").touch()
    (tmp_path / "fesc.csv").write_text("\n".join(["file,speaker,emotion", *rows]) + "\n")
    with pytest.raises(DataError, match=said) as caught:
        LAYOUTS.get("fesc").read(tmp_path)
    assert caught.value.where.endswith(line)


def test_fesc_needs_its_table(tmp_path):
    with pytest.raises(DataError, match="missing"):
        LAYOUTS.get("fesc").read(tmp_path)
