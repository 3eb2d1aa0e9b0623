"""From one unit of work to its predictions: audio in, answers out."""
