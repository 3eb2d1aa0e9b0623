"""Make the pictures in the README from the example board, with the chromium of this machine; nothing is downloaded.

python leaderboards/screenshots.py
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SITE, OUT = HERE / "site", HERE / "screenshots"
#: Picture → page, selector of the part (none: the window), width, height, colour scheme.
SHOTS = {
    "board": ("index.html", None, 1280, 760, "light"),
    "suite": ("suites/dcase-task1-*.html", None, 1280, 760, "light"),
    "curves": ("suites/robustness-asc-*.html", "figure[data-choice]:visible", 1280, 900, "light"),
    "attack": ("suites/adversarial-asc-*.html", "figure.broad", 1280, 900, "light"),
    "families": ("families.html", None, 1280, 760, "dark"),
    "run": ("runs/cnn-robustness-asc-*.html", None, 1200, 640, "light"),
    "heatmap": ("suites/robustness-asc-*.html", "table.heat[id^=map-corruptions]", 1280, 900, "light"),
    "listen": ("runs/cnn-robustness-asc-*.html", "article.listen", 900, 500, "dark"),
    "comparison": ("comparisons/*robustness*.html", "svg.forest-plot[id$=matched-plot]", 1200, 900, "light"),
    "phone": ("index.html", None, 400, 700, "dark"),
}


def main() -> None:
    """Take every picture."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        sys.exit("no chromium on this machine")
    OUT.mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for name, shot in SHOTS.items():
            print(_take(browser, name, *shot))
        browser.close()


def _take(browser: Any, name: str, pattern: str, part: str | None, width: int, height: int, scheme: str) -> Path:
    (address, *_) = sorted(SITE.glob(pattern))
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(address.as_uri())
    path = OUT / f"{name}.png"
    if part:
        page.locator(part).first.screenshot(path=path)
    else:
        page.screenshot(path=path)
    page.close()
    return path


if __name__ == "__main__":
    main()
