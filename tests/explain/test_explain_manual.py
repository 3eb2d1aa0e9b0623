"""The pages of the reference: the text of `explain`, every name with a place, corruptions with what they sound like."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from benchbed.cli import main
from benchbed.explain import KINDS, explained, listed
from benchbed.explain.about import ABOUT
from benchbed.explain.figures import figure_text, figures
from benchbed.explain.heard import BANDS, RATE, band_levels, heard, sound
from benchbed.explain.manual import write_pages
from benchbed.explain.shipped import FILES, file_line, file_text
from benchbed.perturb import CORRUPTIONS
from benchbed.report.manual import Chapter, Entry, place, write_manual
from benchbed.run.doctor import OPTIONAL, diagnose, in_words, missing


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("manual")
    return {path.stem: path.read_text("utf-8") for path in write_pages(out)}


def test_every_name_of_every_kind_has_its_place(pages):
    assert set(pages) == {"index", *(place(kind) for kind in KINDS)} and tuple(ABOUT) == KINDS
    for kind in KINDS:
        text = pages[place(kind)]
        places = set(re.findall(r'<section class="entry" id="([^"]+)"', text))
        assert places == {place(name) for name in listed(kind)}, kind
        # Every link of the first page leads somewhere.
        for target in re.findall(rf'href="{place(kind)}\.html#([^"]+)"', pages["index"]):
            assert target in places


def test_the_text_is_that_of_the_terminal(pages):
    shown = {kind: " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split()) for kind, text in pages.items()}
    for name in ("reverb", "apgd", "folder", "classification", "metrics.primary", "rules.margin", "macro_accuracy"):
        for kind, said in explained(name):
            for line in said.replace("`", "").splitlines():
                words = [word for word in line.split() if word.isalpha()]
                assert all(word in shown[place(kind)] for word in words), (name, kind, line)


def test_a_corruption_has_unit_parameters_and_pictures(pages):
    text = pages["corruptions"]
    for name in CORRUPTIONS.names():
        made = CORRUPTIONS.get(name).CORRUPTION
        part = text.partition(f'id="{place(name)}" aria-labelledby')[2].partition("</section>")[0]
        assert unescape(part).count(made.unit) >= 1 and part.count('<th scope="col" class="num">') == len(
            made.parameters
        )
        assert ("<img" in part and "spectra-" in part) or "No picture: " in part, name
    # What needs no recordings of the user can be seen.
    assert text.count("No picture: ") <= 6 and "severity 3</figcaption>" not in text


def test_what_a_corruption_does_is_seen_in_its_levels():
    calm = band_levels(sound()[0])
    assert heard("low_pass").levels["5"][-1] < calm[-1] - 20 < calm[-1] == heard("low_pass").levels["as it is"][-1]
    louder = heard("white_noise").levels
    assert all(louder["5"][i] > louder["1"][i] for i in range(len(BANDS)))
    assert "needs recordings" in heard("background").reason and heard("background").pictures == []
    assert heard("foa_rotation").pictures and np.array_equal(sound(), sound()) and sound(4).shape[0] == 4


def test_band_levels_add_up_to_the_power_of_the_waveform():
    noise = 0.1 * np.random.default_rng(0).normal(size=RATE)
    inside = sum(10 ** (level / 10) for level in band_levels(noise))
    spectrum = np.abs(np.fft.rfft(noise)) ** 2 / len(noise) ** 2 * 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    kept = (hertz >= BANDS[0] * 2 ** (-1 / 6)) & (hertz < BANDS[-1] * 2 ** (1 / 6))
    assert inside == pytest.approx(spectrum[kept].sum(), rel=0.01)


def test_figures_are_found_by_name():
    assert "families" not in figures()["macro_accuracy"] and "classification" in figures()["macro_accuracy"]
    said = figure_text("macro_accuracy")
    assert "unit fraction, higher is better" in said and "metrics.primary: macro_accuracy" in said
    assert [kind for kind, _ in explained("psds1")] == ["figures"]


def test_files_that_come_along_have_a_line_and_a_text():
    for kind, files in FILES.items():
        for name, path in files().items():
            assert file_line(path) and "\n" not in file_line(path), (kind, name)
            assert len(file_text(path)) >= len(file_line(path)) / 2
    assert next(kind for kind, _ in explained("latency")) in ("gates", "suite keys")
    assert [kind for kind, _ in explained("cnn")] == ["adapters"]


def test_list_shows_every_kind_with_a_line_about_each(capsys):
    with pytest.raises(SystemExit):
        main(["list"])
    text = capsys.readouterr().out
    for kind in KINDS:
        assert f"{kind}: {ABOUT[kind]}" in text
    for kind in (
        "suites",
        "adapters",
        "layouts",
        "corruptions",
        "attacks",
        "metrics",
        "outputs",
        "gates",
        "exit codes",
    ):
        assert all(f"\n  {name}: " in text for name in listed(kind)), kind
    with pytest.raises(SystemExit):
        main(["list", "--names"])
    assert len(capsys.readouterr().out.splitlines()) == len(KINDS) - 3


def test_docs_writes_pages(tmp_path, capsys, monkeypatch):
    from benchbed.explain import manual

    monkeypatch.setattr(manual, "KINDS", ("exit codes", "gates"))
    with pytest.raises(SystemExit) as left:
        main(["docs", "--out", str(tmp_path / "reference")])
    first = Path(capsys.readouterr().out.strip())
    assert not left.value.code and first.name == "index.html" and (first.parent / "exit-codes.html").is_file()


def test_hostile_text_stays_text(tmp_path):
    evil = "<script>alert(1)</script> `<b>` \x1b[2J"
    pages = write_manual([Chapter("layouts", evil, [Entry(evil, evil, f"{evil}\n\nx : int\n    {evil}")])], tmp_path)
    for page in pages:
        text = page.read_text("utf-8")
        assert "<script>alert" not in text and "<b>" not in text and page.resolve().is_relative_to(tmp_path.resolve())


def test_doctor_says_what_is_missing_for_what():
    facts = diagnose()
    gone = missing({"optional": dict.fromkeys(OPTIONAL, False), "programs": {"ffmpeg": False}, "datasets": {}})
    assert gone["onnxruntime"] == "adapters/onnx.py (pip install 'benchbed[onnx]')" and "libsndfile" in gone["ffmpeg"]
    assert "synthetic" in gone["data sets"]
    text = "\n".join(in_words(facts))
    assert "missing:" in text and "{" not in text
    assert missing({"optional": {"ray": True}, "programs": {}, "datasets": {"esc50": "x"}}) == {}


@pytest.fixture
def manual_site(tmp_path_factory, pages) -> Path:
    out = tmp_path_factory.mktemp("manual-site")
    for name, text in pages.items():
        (out / f"{name}.html").write_text(text, encoding="utf-8")
    return out
