#!/bin/sh
# Library:   soundfile 0.14.0 with its libsndfile 1.2.2
# Guess:     a Wave64 file of 32-bit floats is read as the floats that it holds, as the same samples in a wav are.
# Behaviour: with the extensible form of the format chunk, which FFmpeg writes for floats, it is read as 32-bit integers:
#            the log says "format : IEEE float", the subtype is PCM_32, and the samples are the floats' bits as numbers.
# Seen:      "wav 0.5 -0.25 0.001; w64 other numbers, PCM_32", and the numbers: 0.4921875 -0.51171875 0.457125
# Matters:   noise of full scale in place of long field recordings (Wave64 is what recorders write beyond 4 GiB), without
#            a warning; any model gives some answer to it.
# Source:    Sony Wave64 wraps the chunks of RIFF; format tags and sub-format GUIDs: Microsoft, WAVEFORMATEXTENSIBLE.
# Needs a network for the first run: packages go to a temporary folder, which is removed. EXPECTED=… for a wrong guess.
set -eu
expected=${EXPECTED:-"wav 0.5 -0.25 0.001; w64 other numbers, PCM_32"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q soundfile==0.14.0 numpy==2.3.5
cat > "$work/try.py" <<'P'
import io, struct, sys
import numpy as np, soundfile as sf
# The rest of the sub-format 00000003-0000-0010-8000-00aa00389b71, of which the first two bytes are the tag.
GUID_END = bytes.fromhex("0000" "0000" "1000" "8000" "00aa" "0038" "9b71")
samples = np.array([0.5, -0.25, 0.001], "<f4")
form = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, 16000, 64000, 4, 32, 22, 32, 4, 3) + GUID_END
guid = bytes.fromhex("f3acd3118cd100c04f8edb8a")
body = samples.tobytes() + bytes(4)
w64 = b"fmt " + guid + struct.pack("<Q", 24 + 40) + form
w64 += b"data" + guid + struct.pack("<Q", 24 + 12) + body
w64 = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") + struct.pack("<Q", 40 + len(w64)) + b"wave" + guid + w64
wav = b"fmt " + struct.pack("<I", 40) + form + b"data" + struct.pack("<I", 12) + samples.tobytes()
wav = b"RIFF" + struct.pack("<I", 4 + len(wav)) + b"WAVE" + wav
assert len(form) == 40
right, other = (sf.SoundFile(io.BytesIO(content)) for content in (wav, w64))
a, b = right.read(3), other.read(3)
print("w64 read as", b, other.subtype, file=sys.stderr)
same = np.allclose(b, samples)
print(f"wav {' '.join(f'{x:.3g}' for x in a)}; w64 {'the same' if same else 'other numbers'}, {other.subtype}")
P
got=$("$work/venv/bin/python" "$work/try.py" 2>"$work/said")
cat "$work/said"; echo "$got"
[ "$got" = "$expected" ] || { echo "changed: expected $expected" >&2; exit 1; }
