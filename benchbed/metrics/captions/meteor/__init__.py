"""METEOR 1.5 for English: words of one language as stems and synonyms, their alignment, and the score of it."""
