"""Single analyses by DAPPER, which the tests compare ours with: tests/oracles/dapper_analyses.npz.

Needs DAPPER in an environment of its own (pip install dapper; version 1.7.1 was used):

    python experiments/lorenz/dapper_reference.py tests/oracles/dapper_analyses.npz
"""

import sys

import numpy as np
from dapper.da_methods.ensemble import EnKF_analysis, local_analyses
from dapper.tools.localization import nd_Id_localization
from dapper.tools.randvars import GaussRV

SITES, MEMBERS, LENGTH = 40, 7, 4.0  # a ring as that of Lorenz-96; length in sites
EVERY = 2  # site that is observed
VARIANCE = 0.5


def main() -> None:
    """Draw an ensemble and observations, analyse them with the ETKF and with the LETKF."""
    generator = np.random.default_rng(0)
    smooth = np.exp(-((np.arange(SITES) - SITES / 2) ** 2) / 8)
    noise = generator.standard_normal((MEMBERS + 1, SITES))
    states = 2 + np.fft.ifft(np.fft.fft(noise) * np.abs(np.fft.fft(smooth))).real
    ensemble, truth = states[:MEMBERS], states[MEMBERS]
    places = np.arange(0, SITES, EVERY)
    values = truth[places] + VARIANCE**0.5 * generator.standard_normal(places.size)
    error = GaussRV(C=VARIANCE, M=places.size)
    observed = ensemble[:, places]
    localizer = nd_Id_localization((SITES,), (1,), places)
    batches, taper = localizer(LENGTH, "x2y", "GC")
    local, _ = local_analyses(ensemble.copy(), observed, error.C, values, batches, taper)
    np.savez(
        sys.argv[1],
        ensemble=ensemble,
        places=places,
        values=values,
        variance=VARIANCE,
        length=LENGTH,
        etkf=EnKF_analysis(ensemble, observed, error, values, "Sqrt"),
        letkf=local,
    )


if __name__ == "__main__":
    main()
