"""Fuzz a reader for as long as wanted, guided by which lines of it run: `pip install atheris`, then

    python tests/faults/fuzz_by_hand.py "events" -max_total_time=600

Whatever it finds is left in the present folder as `crash-…`, and read again by giving that file in place of options.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import atheris

with atheris.instrument_imports(include=["benchbed"]):
    import made_fuzz


def main() -> None:
    reader = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if reader not in made_fuzz.READERS:
        sys.exit(f"readers: {', '.join(made_fuzz.READERS)}")
    corpus = Path("corpus") / reader.replace(" ", "_")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(made_fuzz.seeds()[reader]):
        (corpus / f"seed{number}").write_bytes(data)
    given = [*sys.argv, "-rss_limit_mb=4096", "-timeout=20", str(corpus)]
    atheris.Setup(given, lambda data: made_fuzz.feed(reader, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
