"""How corpora of emotional speech write emotions, and where each emotion lies in arousal and valence."""

from __future__ import annotations

#: Emotion → arousal, valence. After the mapping of Schuller et al., Cross-corpus acoustic emotion recognition (IEEE
#: Transactions on Affective Computing 1, 2010); calm and tenderness, which it does not have, as low and as
#: neutral and positive.
QUADRANTS = {
    "anger": ("high", "neutral"),
    "boredom": ("low", "neutral"),
    "calm": ("low", "neutral"),
    "disgust": ("low", "neutral"),
    "fear": ("high", "neutral"),
    "happiness": ("high", "positive"),
    "neutral": ("low", "neutral"),
    "sadness": ("low", "neutral"),
    "surprise": ("high", "positive"),
    "tenderness": ("low", "positive"),
}
#: Codes in file names, corpus by corpus.
EMODB = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
RAVDESS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
ENTERFACE05 = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}
FESC = ("neutral", "sadness", "happiness", "anger", "tenderness")
