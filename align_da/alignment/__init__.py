"""Preference alignment of the prior with rewards."""
