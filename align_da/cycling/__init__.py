"""The data assimilation cycle."""
