"""`python -m benchbed` is the same as `benchbed`."""

from benchbed.cli import main

if __name__ == "__main__":
    main()
