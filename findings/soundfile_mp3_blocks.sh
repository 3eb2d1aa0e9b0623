#!/bin/sh
# Library:   soundfile 0.14.0 with its libsndfile 1.2.2 (the audio reader below most Python audio code)
# Guess:     soundfile.blocks() gives the samples of soundfile.read(), a block at a time.
# Behaviour: for MP3 it does not. After every block soundfile seeks to where it already is, and the MP3 decoder, which
#            keeps bits of earlier frames and half of the last one, starts anew: the first hundreds of samples of every
#            further block are other samples, as large as the sound itself. FLAC is as guessed.
# Seen:      "blocks that differ from the whole: mp3 14 of 14, flac 0 of 14; largest difference over the signal's peak >
#            0.1"
# Matters:   features made in a stream (the documented way to read long files) are not those of the same file read
#            whole, by clicks at every block; a score then depends on the block size.
# Source:    https://python-soundfile.readthedocs.io (blocks: "return a generator for block-wise reading"); bit reservoir:
#            ISO/IEC 11172-3, 2.4.3.4.
# Needs a network for the first run: packages go to a temporary folder, which is removed. EXPECTED=… for a wrong guess.
set -eu
expected=${EXPECTED:-"mp3 14 of 14, flac 0 of 14"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q soundfile==0.14.0 numpy==2.3.5
cat > "$work/try.py" <<'P'
import numpy as np, soundfile as sf, sys
rate, size = 22050, 4096
noise = 0.1 * np.random.default_rng(0).standard_normal(15 * size)
found = []
for name, options in (("mp3", {"bitrate_mode": "VARIABLE", "compression_level": 0.9}), ("flac", {})):
    path = f"{sys.argv[1]}/a.{name}"
    sf.write(path, noise, rate, **options)
    whole = sf.read(path)[0]
    blocks = list(sf.blocks(path, size))
    pairs = [(block, whole[i * size : i * size + len(block)]) for i, block in enumerate(blocks)][1:]
    off = [float(np.abs(a - b).max()) for a, b in pairs]
    found.append(f"{name} {sum(x > 1e-4 for x in off)} of {len(off)}")
    if name == "mp3":
        assert max(off) > 0.1 * np.abs(whole).max(), max(off)
print(", ".join(found))
P
got=$("$work/venv/bin/python" "$work/try.py" "$work" 2>/dev/null)
echo "blocks that differ from the whole: $got"
[ "$got" = "$expected" ] || { echo "changed: expected $expected" >&2; exit 1; }
