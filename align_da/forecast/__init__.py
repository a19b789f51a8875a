"""Forecast models behind one contract."""
