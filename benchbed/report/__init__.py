"""What people look at: pages, boards and terminal tables made from records. Nothing here computes a figure."""
