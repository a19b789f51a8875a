"""Scores, innovation statistics and the report."""
