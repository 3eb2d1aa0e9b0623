"""What a page draws and plays, taken from stored predictions."""
