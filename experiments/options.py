"""The options that experiments share."""

import argparse
from pathlib import Path

CONFIG = Path(__file__).with_name("embedded_world") / "config.toml"


def options(description: str | None, folder: Path) -> argparse.ArgumentParser:
    """Options of every experiment: where its results go.

    Args:
        description: of the experiment.
        folder: where they go if nobody says otherwise, the folder of the experiment.
    """
    whole = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=whole)
    parser.add_argument(
        "--folder", type=Path, default=folder, help="where results and scores are written"
    )
    return parser


def run_options(description: str | None, folder: Path) -> argparse.ArgumentParser:
    """Those of an experiment on a run of the embedded world."""
    parser = options(description, folder)
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    return parser
