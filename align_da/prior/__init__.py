"""The prior p(state | background): its mean, its covariance and its draws."""
