"""The whole chain, from nothing to the report, and the score tables of what it made.

A stage that is done is not done again.

Usage: python -m experiments.embedded_world.run [chain|scores|peers|closed_loop] [RUN]
"""

from pathlib import Path

from experiments.commands import align_da
from experiments.embedded_world.stages import STAGES
from experiments.embedded_world.tables import keep
from experiments.options import CONFIG, options


def main() -> None:
    """Run every stage in a process of its own, then keep the scores of what it made."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("part", nargs="?", choices=STAGES, default="chain")
    parser.add_argument("run", nargs="?", type=Path, default=Path("runs/embedded_world"))
    arguments = parser.parse_args()
    for stage in STAGES[arguments.part]:
        align_da(stage, arguments.run, CONFIG)
    keep(arguments.run, arguments.part, arguments.folder)


if __name__ == "__main__":
    main()
