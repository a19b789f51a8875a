"""The whole chain, from nothing to the report, and the score tables of what it made.

A stage that is done is not done again. `closed_loop` and `shipped` share a configuration, and a
run, of their own, and so do parts in days of other years (`shipped_...`); `--help` names all.

Usage: python -m experiments.embedded_world.run [PART] [RUN]
"""

from pathlib import Path

from experiments.commands import align_da
from experiments.embedded_world.stages import CONFIGURED, STAGES
from experiments.embedded_world.tables import keep
from experiments.options import CONFIG, options


def main() -> None:
    """Run every stage in a process of its own, then keep the scores of what it made."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("part", nargs="?", choices=STAGES, default="chain")
    parser.add_argument("run", nargs="?", type=Path, help="the run folder")
    arguments = parser.parse_args()
    own = CONFIGURED.get(arguments.part)
    config = CONFIG if own is None else CONFIG.with_name(f"{own}.toml")
    run = arguments.run or Path("runs") / (own or "embedded_world")
    for stage in STAGES[arguments.part]:
        align_da(stage, run, config)
    keep(run, arguments.part, arguments.folder)


if __name__ == "__main__":
    main()
