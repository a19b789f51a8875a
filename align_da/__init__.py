"""Align-DA: data assimilation with latent diffusion priors aligned by rewards."""

from importlib.metadata import version

__version__ = version("align-da")
