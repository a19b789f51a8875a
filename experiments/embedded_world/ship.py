"""Put the weights of a finished run into the package, with a manifest of where they came from.

The correction that is learned in cycles is shipped by `ship_correction.py`.

Usage: python -m experiments.embedded_world.ship [RUN]
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from align_da.config import load_config
from align_da.digests import digest_of
from align_da.runs.priors import load_model_error, load_prior
from align_da.runs.run import Run, open_run
from align_da.runs.weight_names import MODEL_ERROR, REPRESENTATION, SCALING
from align_da.storage.checkpoints import save_weights
from align_da.storage.durable import write_durably
from align_da.storage.fingerprint import fingerprint_of
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import read_stage_record, write_stage_record

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "align_da" / "resources" / "embedded_world"
PRIORS = ("reference", "aligned")
COMMANDS = (
    "make pipeline",
    "align-da train model_error",
    "python -m experiments.embedded_world.ship",
)
SCORES = (
    "report/reconstruction.csv",
    "report/loss_reference.jsonl",
    "report/loss_aligned.jsonl",
    "report/loss_model_error.jsonl",
    "report/alignment.csv",
)


def main() -> None:
    """Write weights, stage records and the manifest."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/embedded_world")
    run = open_run(load_config(HERE / "config.toml"), folder)
    for name in (*PRIORS, MODEL_ERROR, SCALING, "autoencoder", REPRESENTATION):
        shutil.rmtree(TARGET / "weights" / name, ignore_errors=True)
    ship_weights(run)
    ship_records(run, ("denoiser", "aligned", MODEL_ERROR))
    manifest = json.dumps(manifest_of(run, folder), indent=1)
    write_durably(TARGET / "MANIFEST.json", manifest.encode())


def ship_records(run: Run, stages: Iterable[str]) -> None:
    """The records of stages, of their products as they are shipped."""
    (TARGET / "stages").mkdir(exist_ok=True)
    for name in stages:
        record = read_stage_record(run.folder, name)
        shipped = {place: fingerprint_of(TARGET / place) for place in record.products}
        # Its configuration is that of the demonstration, which lies beside it.
        write_stage_record(RunFolder(TARGET), replace(record, products=shipped, config={}))


def ship_weights(run: Run) -> None:
    """The autoencoder as it is, networks and statistics in half precision."""
    for name in ("autoencoder", REPRESENTATION):
        shutil.copytree(run.folder.weights(name), TARGET / "weights" / name)
    networks = {name: load_prior(run, name).network for name in PRIORS}
    networks[MODEL_ERROR] = load_model_error(run).network
    for name, network in networks.items():
        bundle = {"network": network}
        save_weights(TARGET / "weights" / name, bundle, {"name": name}, precision="float16")
    scaling = load_prior(run, PRIORS[0]).scaling
    save_weights(TARGET / "weights" / SCALING, scaling, {"name": SCALING}, precision="float16")


def commit() -> str:
    """The commit that is checked out."""
    command = ["git", "rev-parse", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE)
    return found.stdout.strip()


def manifest_of(run: Run, folder: Path) -> dict[str, object]:
    """Where the weights come from, and what was measured of them."""
    return {
        "command": " && ".join(COMMANDS),
        "commit": commit(),
        "configuration": digest_of(run.config),
        "data": json.loads((run.folder.stages / "statistics.json").read_text())["digest"],
        "scores": {path: (folder / path).read_text().splitlines() for path in SCORES},
    }


if __name__ == "__main__":
    main()
