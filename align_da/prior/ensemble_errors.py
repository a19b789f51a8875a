"""Hybrid background errors: the static covariance of a prior and the ensemble of the day.

An increment in latent space is the sum

    δl = √(1 − w) P^½ C^½ z + √w Σ_k e_k ∘ (L^½ α_k),

with e_k the latents of the members about their mean over √(members − 1), ∘ the product at every
point, and z and the fields α_k white. That is the covariance (1 − w) B + w (P_e ∘ L), in which L
localises: Lorenc 2003 (Q. J. R. Meteorol. Soc. 129, 3183-3203), the α control variable. As the
control variable (z, α) is white, samplers, guidance and 3D-Var use it as they use z alone.

Where the members are known at several times of a window, so is the part of the increment that they
make: it has e_k(t) in the place of e_k, with the same α_k. That is 4DEnVar (Liu, Xiao and Wang
2008, Mon. Wea. Rev. 136, 3363-3373), which needs no adjoint; the static part persists.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Grid
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, great_circle_distance
from align_da.autoencoder.latent_space import Latent
from align_da.prior.matrix_root import square_root


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class EnsembleErrors:
    """Background errors that an ensemble spans.

    Attributes:
        perturbations: e_k, latent units, [member, lat, lon, latent].
        taper_root: L^½ between the columns of the latent grid, [column, column].
        share: w, within [0, 1].
        drift: e_k(t) − e_k in the slots of a time window, or None.
    """

    perturbations: Float[Array, "member lat lon latent"]
    taper_root: Float[Array, "column column"]
    share: Float[Array, ""] | float
    drift: Float[Array, "member slot lat lon latent"] | None = None

    @property
    def members(self) -> int:
        """Their number."""
        return self.perturbations.shape[0]

    def added_to(self, static: Latent, alpha: Float[Array, "lat lon member"]) -> Latent:
        """√(1 − w) of a static increment and √w Σ_k e_k ∘ (L^½ α_k)."""
        of_ensemble = jnp.einsum("kyxl,yxk->yxl", self.perturbations, self._smooth(alpha))
        return jnp.sqrt(1 - self.share) * static + jnp.sqrt(self.share) * of_ensemble

    def drift_of(
        self, alpha: Float[Array, "lat lon member"]
    ) -> Float[Array, "slot lat lon latent"]:
        """What an increment changes by from the valid time to every slot of the window."""
        moved = jnp.einsum("ksyxl,yxk->syxl", self.drift, self._smooth(alpha))
        return jnp.sqrt(self.share) * moved

    def _smooth(self, alpha: Float[Array, "lat lon member"]) -> Float[Array, "lat lon member"]:
        """L^½ α."""
        return (self.taper_root @ alpha.reshape(-1, self.members)).reshape(alpha.shape)


def taper_root(grid: Grid, stride: int, radius: float) -> Float[Array, "column column"]:
    """L^½ of a Gaspari-Cohn taper between the columns of a latent grid.

    A dense matrix: 512 columns of a T21 grid with stride 2 take 1 MB, 8192 would take 268 MB.

    Args:
        grid: of the states.
        stride: columns of the state along one side of a latent column.
        radius: half width, metres.
    """
    axes = [
        np.asarray(axis).reshape(-1, stride).mean(axis=1)
        for axis in (grid.latitude, grid.longitude)
    ]
    latitude, longitude = column_positions(*axes)
    distance = great_circle_distance(latitude, longitude, latitude, longitude)
    taper = np.asarray(gaspari_cohn(distance, radius), np.float64)
    return jnp.asarray(square_root(taper), jnp.float32)
