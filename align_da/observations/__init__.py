"""Observations: networks, operators, errors, quality control."""
