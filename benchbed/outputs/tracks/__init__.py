"""Sound events localised over time: who sounds in which direction, how far away, frame by frame."""
