"""What the ten domestic classes are called where other sets have them, ancestors included as in those sets."""

from __future__ import annotations

#: DESED class → labels in FSD50K, which has no blender, shaver or vacuum cleaner.
FSD50K: dict[str, tuple[str, ...]] = {
    "Alarm_bell_ringing": ("Alarm",),
    "Cat": ("Cat", "Domestic_animals_and_pets", "Animal"),
    "Dishes": ("Dishes_and_pots_and_pans",),
    "Dog": ("Dog", "Domestic_animals_and_pets", "Animal"),
    "Frying": ("Frying_(food)",),
    "Running_water": ("Water_tap_and_faucet",),
    "Speech": ("Speech", "Human_voice"),
}
#: DESED class → display names in AudioSet.
AUDIOSET: dict[str, tuple[str, ...]] = {
    "Alarm_bell_ringing": ("Alarm",),
    "Blender": ("Blender",),
    "Cat": ("Cat", "Domestic animals, pets", "Animal"),
    "Dishes": ("Dishes, pots, and pans",),
    "Dog": ("Dog", "Domestic animals, pets", "Animal"),
    "Electric_shaver_toothbrush": ("Electric shaver, electric razor",),
    "Frying": ("Frying (food)",),
    "Running_water": ("Water tap, faucet",),
    "Speech": ("Speech",),
    "Vacuum_cleaner": ("Vacuum cleaner",),
}
