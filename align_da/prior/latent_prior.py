"""The learned prior p(x | x_b): latent space, score model and the statistics between them.

A draw z is decoded as an increment, x = x_b + T [D(l_b + a P^½ C^½ z) − D(l_b)], with l_b the
latent of the background, P the covariance of the channels of a point, C the correlation in space,
a² the factor of today on both, and T the truncation of the forecast model. With the errors of an
ensemble, see `ensemble_errors`, z has a channel more for each of its members.
"""

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.atmosphere.truncation import SpectralTruncation
from align_da.autoencoder.latent_space import Latent, LatentSpace, Values
from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import Denoiser
from align_da.diffusion.denoiser import make_denoiser
from align_da.diffusion.schedule import Schedule
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ErrorsFor, ObservationErrors, ObservationOperator
from align_da.observations.likelihood import Likelihood, likelihood_of
from align_da.prior.ensemble_errors import EnsembleErrors
from align_da.prior.latent_scaling import LatentScaling
from align_da.prior.representation_error import Representation

Control = Float[Array, "rows columns control"]
"""The white control variable z."""


PRIOR = "a prior, as load_prior or prior_from_covariance give it"
"""What is expected where something else than a prior came."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LatentPrior:
    """Everything that a draw needs. A pytree: parameters pass through JAX transforms.

    Attributes:
        space: between states and latents.
        network: the network of the score model; None for a prior that is Gaussian.
        scaling: statistics of latents and of latent increments.
        schedule: the noise schedule that the network was trained with.
        network_share: weight of the network's estimate against that of the Gaussian with the same
            covariance, within [0, 1]; 0 is the prior without a network.
        truncation: what of a decoded increment the forecast model can hold; None keeps it all.
        ensemble: background errors of the ensemble of the day, beside the static ones.
        amplitude: a, of all background errors.
        representation: what latents cannot hold; None where they hold everything.
    """

    space: LatentSpace
    network: Any
    scaling: LatentScaling
    schedule: Schedule = field(metadata={"static": True})
    network_share: Float[Array, ""] | float = 1.0
    truncation: SpectralTruncation | None = None
    ensemble: EnsembleErrors | None = None
    amplitude: Float[Array, ""] | float = 1.0
    representation: Representation | None = None

    def __repr__(self) -> str:
        return f"<LatentPrior of {self.control_shape} controls, {type(self.network).__name__}>"

    @property
    def control_shape(self) -> tuple[int, int, int]:
        """(lat, lon, channel) of z."""
        rows, columns, latent = self.space.autoencoder.latent_shape
        return rows, columns, latent + (0 if self.ensemble is None else self.ensemble.members)

    @property
    def learned_share(self) -> Float[Array, ""] | float:
        """Of what the network expects of the error of a background, how much moves a draw.

        It is tied to the amplitude of draws; NaN without a network.
        """
        if self.network is None:
            return math.nan
        static = 1.0 if self.ensemble is None else (1 - self.ensemble.share) ** 0.5
        return self.network_share * static * self.amplitude

    def likelihood(
        self,
        observations: ObservationBatch,
        operator: ObservationOperator,
        background: State,
        lead_hours: Float[Array, ""] | float,
        errors: ObservationErrors | ErrorsFor | None = None,
    ) -> Likelihood:
        """The likelihood of an analysis that this prior decodes.

        Args:
            observations: of the cycle.
            operator: H, bound to them.
            background: values [member, lat, lon, channel], SI units.
            lead_hours: age of the background forecast.
            errors: of the observations, where they are not independent and Gaussian.

        Raises:
            InputError: see `likelihood_of` and `Representation.added_to`.
        """
        plain = likelihood_of(observations, errors)
        if self.representation is None:
            return plain
        return self.representation.added_to(plain, operator, background, lead_hours)

    def denoiser(self, background: Latent, lead_hours: Float[Array, ""]) -> Denoiser:
        """The denoiser of z, given the latent of a background and its age in hours."""
        if self.network is None:
            return lambda noisy, sigma: noisy / (1 + sigma**2)
        condition = Condition(self.scaling.standardise(background), lead_hours)
        of_scaled = make_denoiser(self.network, self.schedule, condition)
        whiten = self.scaling.whitener(lead_hours)

        def denoise(noisy: Control, sigma: Float[Array, ""]) -> Control:
            gaussian = noisy / (1 + sigma**2)
            static, of_members = self._parts(gaussian)
            coloured = self.scaling.colour(self._parts(noisy)[0], lead_hours)
            learned = whiten(of_scaled(coloured, sigma))
            moved = static + self.network_share * (learned - static)
            return moved if self.ensemble is None else jnp.concatenate([moved, of_members], -1)

        return denoise

    def analysis(
        self, background: Values, latent: Latent, z: Control, lead_hours: Float[Array, ""]
    ) -> Values:
        """The analysis in SI units that a scaled latent increment stands for.

        Args:
            background: SI units.
            latent: its latent.
            z: white control variable, of `control_shape`.
            lead_hours: age of the background forecast.
        """
        return background + self._decoded(latent, self._change(z, lead_hours))

    def analysed(
        self, background: State, latent: Latent, z: Control, lead_hours: Float[Array, ""]
    ) -> State:
        """`analysis` of a background that may drift: what members make of it drifts as they do.

        Args:
            background: values [lat, lon, channel], SI units.
            latent: of these values; the decoder is taken as the same all through a window.
            z: white control variable, of `control_shape`.
            lead_hours: age of the background forecast.
        """
        change = self._change(z, lead_hours)
        increment = self._decoded(latent, change)
        persisting = replace(background, values=background.values + increment)
        if background.drift is None or self.ensemble is None or self.ensemble.drift is None:
            return persisting
        later = change + self.ensemble.drift_of(self._parts(z)[1])
        in_slots = jax.vmap(partial(self._decoded, latent))(later)
        return replace(persisting, drift=background.drift + in_slots - increment)

    def _change(self, z: Control, lead_hours: Float[Array, ""]) -> Latent:
        """The latent increment that a control variable stands for, without its amplitude."""
        static, of_members = self._parts(z)
        change = self.scaling.unscale(self.scaling.colour(static, lead_hours), lead_hours)
        return change if self.ensemble is None else self.ensemble.added_to(change, of_members)

    def _decoded(self, latent: Latent, change: Latent) -> Values:
        """The increment in SI units of a change of a latent."""
        increment = self.space.difference(latent + self.amplitude * change, latent)
        return increment if self.truncation is None else self.truncation(increment)

    def _parts(self, z: Control) -> tuple[Latent, Float[Array, "rows columns member"]]:
        """The control variables of the static errors, and those of the members."""
        latent = self.space.autoencoder.latent_shape[2]
        return z[..., :latent], z[..., latent:]
