"""The latent autoencoder."""
