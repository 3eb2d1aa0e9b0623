"""The table of the literature's systems in the README, made from `models.yaml` and what each costs here.

    python leaderboards/models.py            prints it
    python leaderboards/models.py --write    puts it into the README

Parameters and multiply-accumulates are those of `benchbed profile`, of a clip of the model's own length.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from benchbed.adapter.load import load_adapter, start
from benchbed.profile.counts import clip_seconds, count

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- models of the literature: begin -->\n", "<!-- models of the literature: end -->\n"
HEADER = (
    "| system | adapter | parameters | MACs | of a clip of | verified by | checkpoint |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


def systems() -> list[dict[str, Any]]:
    """Rows of `models.yaml`."""
    rows: list[dict[str, Any]] = yaml.safe_load((HERE / "models.yaml").read_text(encoding="utf-8"))
    return rows


def costs(row: dict[str, Any]) -> tuple[str, str, str]:
    """Parameters, MACs and length of clip of one system, as the table writes them."""
    options = {**row.get("options", {}), "weights": "random"}
    loaded = load_adapter(str(HERE.parent / "adapters" / f"{row['adapter']}.py"), options)
    adapter = start(loaded)
    figures = count(adapter)
    macs = figures["macs"]["value"]
    seconds = f"{clip_seconds(adapter):g} s"
    return f"{figures['parameters']['value']:,}", "" if macs is None else f"{macs / 1e6:,.1f} M", seconds


def line(row: dict[str, Any], cost: tuple[str, str, str]) -> str:
    """One line of the table."""
    said = " ".join(f"`{key}={value}`" for key, value in row.get("options", {}).items())
    adapter = f"`{row['adapter']}.py`" + (f" {said}" if said else "")
    return f"| {' | '.join((row['system'], adapter, *cost, row['verified'], row['checkpoint']))} |"


def table() -> str:
    """The whole table."""
    return "\n".join([*HEADER, *(line(row, costs(row)) for row in systems())]) + "\n"


def main() -> None:
    """Print the table, or put it into the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put it into the README")
    made = table()
    if not parser.parse_args().write:
        print(made, end="")
        return
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(before + BEGIN + "\n" + made + "\n" + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
