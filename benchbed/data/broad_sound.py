"""The Broad Sound Taxonomy: five tops and 23 classes, as Freesound uses it."""

#: Second-level classes in the order of the taxonomy: music, instrument samples, speech, sound effects, soundscapes.
BROAD_SOUND = (
    ("m-sp", "m-si", "m-m")
    + ("is-p", "is-s", "is-w", "is-k", "is-e")
    + ("sp-s", "sp-c", "sp-p")
    + ("fx-o", "fx-v", "fx-m", "fx-h", "fx-a", "fx-n", "fx-ex", "fx-el")
    + ("ss-n", "ss-i", "ss-u", "ss-s")
)
