"""Processes, devices and workers that share a work."""
