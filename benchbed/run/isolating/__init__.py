"""Processes of their own for code that may crash, hang or fill the memory: they end, and the command does not."""
