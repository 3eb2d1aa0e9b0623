"""The pages of the reference in a browser: they fit, keep the rules of accessibility, and ask for nothing."""

from __future__ import annotations

import base64

import pytest

from benchbed.report.manual import BandLevels, Chapter, Entry, ManualPicture, write_manual

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001e221bc33"
        "0000000049454e44ae426082"
    )
).decode()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    levels = BandLevels([-1, 0, 1, 2], {"as it is": [-20, -30, -40, -50], "10 dB SNR": [-20, -28, -35, -40]})
    noise = Entry(
        "white_noise",
        "White noise.",
        "White noise, `snr` in dB.\n\nsnr : float\n    A long line of what it is, " + "on and on " * 9,
        unit="dB SNR",
        severities=[(str(i), str(25 - 5 * i)) for i in range(1, 6)],
        pictures=[ManualPicture("as it is", PNG), ManualPicture("10 dB SNR", PNG)],
        levels=levels,
    )
    bare = Entry("background", "Background.", "Background.", unit="dB SNR", lack="it needs recordings")
    chapters = [
        Chapter("corruptions", "what can be done; `{corruption: NAME}`", [noise, bare]),
        Chapter("exit codes", "what the number says", [Entry("0", "fine", "")]),
    ]
    return write_manual(chapters, tmp_path_factory.mktemp("manual"))


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_pages_of_the_reference_fit(visit, site, width):
    for path in site:
        page = visit(path.as_uri(), viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "No picture: it needs recordings" in site[1].read_text("utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_the_reference_keep_the_rules_of_accessibility(chromium, axe, site, scheme):
    for path in site:
        context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        page.goto(path.as_uri())
        page.add_script_tag(content=axe)
        found = page.evaluate("axe.run()")
        context.close()
        assert [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in found["violations"]] == []
