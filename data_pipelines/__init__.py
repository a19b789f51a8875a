"""Data sets that the learned parts train on. Imports align_da, never the other way round."""
