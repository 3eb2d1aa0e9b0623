"""From stored predictions to figures, with their intervals and checks."""
