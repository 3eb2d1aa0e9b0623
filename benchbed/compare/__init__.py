"""Whether models differ, from the sums behind their figures: paired by recording, corrected over the table."""
