"""Align-DA behind the interface of earth2studio's assimilation models, without depending on it.

The interface is `earth2studio.models.da.base.AssimilationModel` of earth2studio 0.19
(https://github.com/NVIDIA/earth2studio). What fulfils it is chosen by the shape of its methods, so
that nothing of earth2studio, and no torch, is imported here:

    model = open_model(Path("runs/demo"), overrides=["cycle.method=letkf", "cycle.members=20"])
    (analysis,) = model(background, observations)

    cycling = model.create_generator(initial)
    (members,) = cycling.send(None)
    for observations in windows:
        (analysis,) = cycling.send(observations)
"""

from align_da.earth2studio.fields import array_of
from align_da.earth2studio.frames import FillErrors
from align_da.earth2studio.model import AlignDA, open_model

__all__ = ["AlignDA", "FillErrors", "array_of", "open_model"]
