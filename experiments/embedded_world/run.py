"""The whole chain, from nothing to the report, and the score tables of what it made.

A stage that is done is not done again. `closed_loop` has a configuration, and a run, of its own.

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
    parser.add_argument("run", nargs="?", type=Path, help="the run folder")
    arguments = parser.parse_args()
    own = CONFIG.with_name(f"{arguments.part}.toml")
    config = own if own.exists() else CONFIG
    run = arguments.run or Path("runs") / (own.stem if own.exists() else "embedded_world")
    for stage in STAGES[arguments.part]:
        align_da(stage, run, config)
    keep(run, arguments.part, arguments.folder)


if __name__ == "__main__":
    main()
