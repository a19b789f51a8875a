"""From the folder of a run and its configuration to objects."""
