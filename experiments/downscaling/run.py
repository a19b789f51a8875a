"""Downscaling from nothing to the tables and the picture; a stage that is done is not done again.

Usage: python -m experiments.downscaling.run [RUN]
"""

from pathlib import Path

from experiments.commands import align_da
from experiments.downscaling.picture import draw
from experiments.downscaling.tables import CONFIG, read_rows, result, show
from experiments.options import options
from experiments.results import write_result, write_scores

PICTURE = "downscaling.png"
NAME, STATIC = "test", "static"
DRAWS_OF_THE_STATIC_PRIOR = (
    "--set downscaling.priors=['static'] --set downscaling.sources=['both'] "
    "--set downscaling.peers=[]"
)
STAGES = (
    "data truth",
    "data coarse",
    "data statistics",
    "train autoencoder",
    "train denoiser",
    f"downscale --name {NAME}",
    f"downscale --name {STATIC} {DRAWS_OF_THE_STATIC_PRIOR}",
)


def main() -> None:
    """Run every stage, keep the scores, print the tables and draw the picture."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("run", nargs="?", type=Path, default=Path("runs/downscaling"))
    arguments = parser.parse_args()
    for stage in STAGES:
        align_da(stage, arguments.run, CONFIG)
    rows = read_rows(arguments.run, [NAME, STATIC])
    write_scores(arguments.folder, NAME, rows)
    write_result(arguments.folder, NAME, result(rows))
    print(show(rows))
    draw(arguments.run, NAME, CONFIG, arguments.folder / PICTURE)


if __name__ == "__main__":
    main()
