"""Options of the commands that several processes do together.

The names are those of `jax.distributed.initialize`.
"""

from typing import Annotated

import typer

CoordinatorOption = Annotated[
    str | None,
    typer.Option(help="Host and port of process 0, the same for all that train together."),
]
CountOption = Annotated[int | None, typer.Option(min=1, help="How many train together.")]
ProcessOption = Annotated[int | None, typer.Option(min=0, help="Which of them this is.")]
DistributedOption = Annotated[
    bool, typer.Option("--distributed", help="Take the three from SLURM or Open MPI.")
]
TensorOption = Annotated[
    int, typer.Option(min=1, help="Devices that share the parameters, which are split over them.")
]
