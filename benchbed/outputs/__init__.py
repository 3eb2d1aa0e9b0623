"""What an answer of each kind is: its value types, its files, its place in the audio. Numpy only, nothing above."""
