"""Guidance: from the denoiser of the prior to that of the posterior."""
