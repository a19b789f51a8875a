"""What of a configuration scores follow from, beside the cycling runs that are scored."""

SETTINGS_OF_SCORES = ("world", "neuralgcm", "onnx", "parts", "verification")
"""Sections: which forecasts are made of the analyses, and how they are held against the truth."""
