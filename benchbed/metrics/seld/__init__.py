"""Sound event localisation and detection: DCASE Task 3 by the rules of each year, from counters of each recording."""
