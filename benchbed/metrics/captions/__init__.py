"""Metrics of captions: tokens, n-grams and what is counted from them. Nothing here needs Java or a model."""
