"""One work of a run a file."""
