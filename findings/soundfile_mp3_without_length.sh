#!/bin/sh
# Library:   soundfile 0.14.0 with its libsndfile 1.2.2
# Guess:     soundfile.read() of a whole MP3 file gives all of it.
# Behaviour: where the file does not begin with the frame in which LAME notes the number of frames (streams, recorders,
#            `ffmpeg -write_xing 0`), the length is guessed as file size over size of the first frame, and nothing is read
#            beyond the guess, without a word. At a variable bit rate any share of the sound can be missing.
# Seen:      "noted 441000 samples, not noted 74649 of 442368" (2 s of noise, 8 s of quieter noise, 44.1 kHz)
# Matters:   a data set of such files is scored on its loud beginnings; durations in an index made by soundfile.info()
#            are wrong by the same factor.
# Source:    the frames are walked here by their headers (ISO/IEC 11172-3, 2.4.2.3), each of 1152 samples.
# Needs a network for the first run: packages go to a temporary folder, which is removed. EXPECTED=… for a wrong guess.
set -eu
expected=${EXPECTED:-"lost more than half"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q soundfile==0.14.0 numpy==2.3.5
cat > "$work/try.py" <<'P'
import io, numpy as np, soundfile as sf, sys
rate = 44100
loud = 0.2 * np.random.default_rng(0).standard_normal(2 * rate)
quiet = 0.2 * np.sin(2 * np.pi * 440 * np.arange(8 * rate) / rate)
file = io.BytesIO()
sf.write(file, np.concatenate([loud, quiet]), rate, format="MP3", bitrate_mode="VARIABLE", compression_level=0.3)
content = file.getvalue()
KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
def size(place):
    head = content[place : place + 4]
    assert head[0] == 255 and head[1] >> 1 == 0x7D, "MPEG-1 layer III"
    return 144_000 * KBITS[head[2] >> 4] // rate + (head[2] >> 1 & 1)
first = size(0)
assert b"Xing" in content[:first] or b"Info" in content[:first]
bare, frames, place = content[first:], 0, first
while place < len(content):
    frames, place = frames + 1, place + size(place)
noted, heard = len(sf.read(io.BytesIO(content))[0]), len(sf.read(io.BytesIO(bare))[0])
print(f"noted {noted} samples, not noted {heard} of {1152 * frames}", file=sys.stderr)
print("lost more than half" if heard < 576 * frames else "lost less")
P
got=$("$work/venv/bin/python" "$work/try.py" 2>"$work/said")
grep noted "$work/said"
[ "$got" = "$expected" ] || { echo "changed: $got, expected $expected" >&2; exit 1; }
