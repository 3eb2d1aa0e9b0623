"""From one unit of an attack condition to its predictions."""
