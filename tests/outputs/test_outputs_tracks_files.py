"""The csv files of each year: read what fits, name what is of another year, and write what can be read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import ConfigError, DataError
from benchbed.outputs.tracks.files import from_table, read_reference, read_table, write
from benchbed.outputs.tracks.forms import FORMS, YEARS, recognise, unit_of
from benchbed.outputs.tracks.recording import Tracks, busiest, from_vectors, tracks


def saved(folder: Path, text: str) -> Path:
    path = folder / "fold4_room1_mix001.csv"
    path.write_text(text)
    return path


#: The same source in the files of every year: class 3 at azimuth 30, elevation 10, 1.87 m.
SAME = {
    "polar-4": "0,3,30,10\n1,3,30,10\n",
    "polar-5": "0,3,1,30,10\n1,3,1,30,10\n",
    "cartesian-6": "0,3,1,0.8528685319524433,0.49240387650610395,0.17364817766693033\n"
    "1,3,1,0.4264342659762,0.24620193825305,0.08682408883346\n",
    "polar-6": "0,3,1,30,10,187\n1,3,1,30,10,187\n",
    "cartesian-7": "0,3,1,0.8528685319524433,0.49240387650610395,0.17364817766693033,1.87\n"
    "1,3,1,0.4264342659762,0.24620193825305,0.08682408883346,1.87\n",
    "stereo-6": "frame,class,source,azimuth,distance,onscreen\n0,3,1,30,187,1\n1,3,1,30,187,1\n",
}


@pytest.mark.parametrize("name", SAME)
def test_every_form_says_the_same(name: str, tmp_path: Path) -> None:
    form = FORMS[name]
    table = read_table(saved(tmp_path, SAME[name]), form.years[-1])
    assert table.form == form
    made = from_table(table, "cm" if name in ("polar-6", "stereo-6") else "m", frames=600, classes=13)
    assert made.frame.tolist() == [0, 1] and made.label.tolist() == [3, 3]
    assert made.source.tolist() == ([0, 0] if name == "polar-4" else [1, 1])
    np.testing.assert_allclose(made.azimuth, 30, atol=1e-9)
    np.testing.assert_allclose(made.elevation, 0 if name == "stereo-6" else 10, atol=1e-9)
    if form.distance:
        np.testing.assert_allclose(made.distance, 1.87)
    assert (made.onscreen is not None) == (name == "stereo-6")


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("year", YEARS)
def test_a_file_of_another_year_is_named(name: str, year: int, tmp_path: Path) -> None:
    path = saved(tmp_path, SAME[name])
    if year in FORMS[name].years:
        assert read_table(path, year).form == FORMS[name]
        return
    with pytest.raises(DataError, match="a file of another year") as error:
        read_table(path, year)
    assert str(FORMS[name].years[-1]) in str(error.value) and str(path) in str(error.value)


def test_the_2025_form_is_known_without_its_header_too(tmp_path: Path) -> None:
    table = read_table(saved(tmp_path, SAME["stereo-6"].split("\n", 1)[1]), 2025)
    assert table.form is not None and table.form.name == "stereo-6" and len(table.values) == 2


def test_a_line_of_names_or_a_comment_is_no_row(tmp_path: Path) -> None:
    for line in ("frame,class,source,azimuth,elevation", "# my system"):
        assert len(read_table(saved(tmp_path, f"{line}\n{SAME['polar-5']}"), 2022).values) == 2


def test_event_lists_of_2019_are_named(tmp_path: Path) -> None:
    text = "sound_event_recording,start_time,end_time,ele,azi,dist\nphone,0.5,2.1,-10,40,2\n"
    with pytest.raises(DataError, match=r"another year: 6 columns with one line for each event"):
        read_table(saved(tmp_path, text), 2022)


def test_blank_lines_and_empty_files_hold_nothing(tmp_path: Path) -> None:
    assert len(read_reference(saved(tmp_path, SAME["polar-5"] + "\n\n"), 2022)) == 2
    assert len(read_reference(saved(tmp_path, ""), 2022)) == 0
    assert len(read_reference(saved(tmp_path, FORMS["stereo-6"].header + "\n"), 2025)) == 0


@pytest.mark.parametrize(
    "text, year, match, where",
    [
        ("0,3,0,30,10\n1,3,0,30\n", 2022, "a row that does not fit the others: '1,3,0,30'", ":2"),
        ("0,3,0,30,10\n1,3,0,up,10\n", 2022, "does not fit", ":2"),
        ("frame,class,source,azimuth,distance,onscreen\n0,3,0,30,200\n0,3,0,30,200,1\n", 2025, "does not fit", ":3"),
        ("0,3,0,nan,10\n", 2022, "a value that is no number", ":1"),
        ("0.5,3,0,30,10\n", 2022, "whole numbers", ":1"),
        (FORMS["stereo-6"].header + "\n\n0,3,0,30,200,1\n0.5,3,0,30,200,1\n", 2025, "whole numbers", ":4"),
        ("0,3,0,30,10\n\n0,3,0,inf,10\n", 2022, "a value that is no number", ":3"),
        # A first row that is wrong is no header: it would be lost without a word.
        ("0;3;0;30;10\n1;3;0;30;10\n", 2022, "does not fit", ":1"),
        ("O,3,0,30,10\n1,3,0,30,10\n", 2022, "does not fit", ":1"),
        ("0,3\n", 2022, "2 columns", ".csv"),
        ("0,3,0,0,0,0\n", 2022, "another year", ".csv"),
    ],
)
def test_rows_that_are_none_are_named(text: str, year: int, match: str, where: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=match) as error:
        read_table(saved(tmp_path, text), year)
    assert error.value.where is not None and error.value.where.endswith(where)


@pytest.mark.parametrize(
    "text, year, options, match",
    [
        ("0,3,0,181,10\n", 2022, {}, "an azimuth of 181 degrees in frame 0"),
        ("0,3,0,30,-91\n", 2022, {}, "an elevation of -91 degrees in frame 0"),
        ("600,3,0,30,10\n", 2022, {"frames": 600}, "frame 600 lies beyond the recording"),
        ("-1,3,0,30,10\n", 2022, {}, "frame -1"),
        ("0,13,0,30,10\n", 2022, {"classes": 13}, "class 13 in frame 0"),
        ("0,3,0,30,10,-5\n", 2024, {}, "a distance of -0.05 m"),
        ("0,3,0,30,10,2\n", 2024, {}, "are they in m"),
        ("0,3,0,30,10,2\n", 2023, {}, "are they in m"),
        ("0,3,0,30,10,2490\n", 2023, {}, "are they in mm"),
    ],
)
def test_values_out_of_range_are_named(text: str, year: int, options: dict, match: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=match) as error:
        read_reference(saved(tmp_path, text), year, **options)
    assert error.value.where and error.value.hint


def test_too_many_sources_of_a_class(tmp_path: Path) -> None:
    table = read_table(saved(tmp_path, "".join(f"7,3,{i},{10 * i},0\n" for i in range(4))), 2022)
    with pytest.raises(DataError, match="4 sources of class 3 in frame 7"):
        from_table(table, most=3)
    assert busiest(from_table(table, most=4)) == (4, 7, 3)
    assert busiest(Tracks()) == (0, 0, 0)


def test_a_direction_of_no_length_points_nowhere(tmp_path: Path) -> None:
    path = saved(tmp_path, "0,3,1,0.9,0.1,0.1,2\n1,3,1,0,0,0,2\n")
    with pytest.raises(DataError, match="points nowhere"):
        from_table(read_table(path, 2024))


def test_years_without_tracks() -> None:
    with pytest.raises(ConfigError, match="no tracks of 2018"):
        read_table(Path("a.csv"), 2018)


def test_units_are_told_by_their_range() -> None:
    assert unit_of(np.array([40.0, 600.0])) == "cm" and unit_of(np.array([0.4, 14.0])) == "m"
    assert recognise(np.zeros((0, 0)), None) is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 599),
            st.integers(0, 12),
            st.integers(0, 2),
            st.integers(-180, 180),
            st.integers(-89, 89),
            st.integers(30, 700),
            st.booleans(),
        ),
        max_size=12,
        unique_by=lambda row: row[:3],
    ),
    st.sampled_from(YEARS),
)
def test_what_is_written_is_read_again(rows: list, year: int) -> None:
    import tempfile

    columns = list(zip(*rows)) if rows else [()] * 7
    frame, label, source, azimuth, elevation, distance, seen = map(np.array, columns)
    made = tracks(frame, label, azimuth, elevation, source=source, distance=np.asarray(distance) / 100, onscreen=seen)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        write(path, made, year)
        again = read_reference(path, year)
    order = np.lexsort((made.source, made.label, made.frame))
    for name in ("frame", "label", "source", "azimuth"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name)[order])
    if year < 2025:
        np.testing.assert_array_equal(again.elevation, made.elevation[order])
    if year > 2022 and rows:
        np.testing.assert_allclose(again.distance, made.distance[order])
    if year == 2025 and rows:
        np.testing.assert_array_equal(again.onscreen, made.onscreen[order])


@pytest.mark.parametrize("name", ["polar-4", "cartesian-6", "cartesian-7", "polar-6"])
def test_outputs_can_be_written_in_other_forms(name: str, tmp_path: Path) -> None:
    form = FORMS[name]
    made = tracks([5, 5], [1, 2], [-120.5, 33.25], [-40.0, 12.5], distance=[1.25, 2.5])
    path = tmp_path / "a.csv"
    write(path, made, form.years[-1], form=name, unit="m")
    again = from_table(read_table(path, form.years[-1]))
    np.testing.assert_allclose(again.azimuth, made.azimuth)
    np.testing.assert_allclose(again.elevation, made.elevation)
    if form.distance:
        np.testing.assert_allclose(again.distance, made.distance)


def test_a_form_with_distances_needs_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs them"):
        write(tmp_path / "a.csv", tracks([0], [0], [0.0]), 2024)


def test_vectors_and_angles_agree() -> None:
    generator = np.random.default_rng(0)
    made = tracks(range(50), [0] * 50, generator.uniform(-180, 180, 50), generator.uniform(-90, 90, 50))
    azimuth, elevation = from_vectors(3.0 * made.vectors)
    np.testing.assert_allclose(azimuth, made.azimuth, atol=1e-9)
    np.testing.assert_allclose(elevation, made.elevation, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(made.vectors, axis=1), 1)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="different lengths"):
        tracks([0, 1], [0], [0.0, 0.0])
