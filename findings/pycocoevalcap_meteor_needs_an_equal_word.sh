#!/usr/bin/env bash
# pycocoevalcap 1.2 (METEOR 1.5 inside it; numpy 2.2.6; needs Java)
# Guess:     METEOR gives credit for words of one stem and for synonyms, so that "dogs barking" against "dog barks" scores
#            well above 0, and one function word more changes little.
# Behaviour: where not a single word of candidate and reference is identical the score is exactly 0, whatever stems,
#            synonyms and paraphrases would match. One identical word, be it "and", turns all of them on.
# Seen:      "dogs barking and cats meowing" against "dog barks while cat meows": 0.0; against
#            "dog barks and cat meows": 0.6308
# Matters:   the shorter the captions, the more clips fall to 0 by this rule: on one- to three-word answers METEOR ranks
#            systems by shared function words, and the mean over clips moves by whole clips.
# Source:    https://github.com/salaniz/pycocoevalcap (meteor/meteor-1.5.jar); Denkowski and Lavie, WMT 2014.
set -euo pipefail
command -v java > /dev/null || { echo "skipped: no Java on this machine"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --no-deps pycocoevalcap==1.2
"$folder/venv/bin/python" - <<'P'
from pycocoevalcap.meteor.meteor import Meteor

candidate = "dogs barking and cats meowing"
references = {0: ["dog barks while cat meows"], 1: ["dog barks and cat meows"]}
without, beside = Meteor().compute_score(references, {0: [candidate], 1: [candidate]})[1]
print(f"without an equal word {without:.4f}, with one {beside:.4f}")
assert without == 0.0, "stems count without an equal word now"
assert abs(beside - 0.6308) < 1e-3, "the score with one equal word has changed"
P
