"""A reproducibility benchmark for the latent spaces of autoencoders."""
