"""What the weights in the folder of a run are called."""

SCALING = "scaling"
"""The statistics of latent increments."""
FORECAST_SCALING = "forecast_scaling"
"""Those of the youngest forecasts from perturbed truth, which the first cycles start with."""
REPRESENTATION = "representation"
"""What the autoencoder cannot hold of an increment."""
MODEL_ERROR = "model_error"
"""The correction of the forecast model."""
MODEL_SPACE_SCALING = "model_space_scaling"
"""Statistics of increments in model space, for 3D-Var."""
CORRECTION = "correction"
"""The stage and the weights of round n are called "correction_n"."""
FINE_TUNINGS = ("aligned", "continued", "supervised")
"""What the denoiser is fine-tuned to: the aligned prior and its controls."""
PRIORS = ("reference", *FINE_TUNINGS)
"""The denoiser as it was trained, and those."""
