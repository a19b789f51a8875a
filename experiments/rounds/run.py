"""Does a prior that learns from cycles of its own give better ones? Errors by round, as Markdown.

Round 0 is the trained prior of the run. Every further round cycles through segments of the
training period with the prior of the round before, adds the backgrounds it met to those of all
rounds, and trains the score model anew, as in imitation learning by aggregated data (Ross, Gordon
and Bagnell 2011, arXiv:1011.0686). Cycles are of one member: the analysis is the draw without
noise, which for a Gaussian is the mean. Priors are compared by cycles of the validation period.

Usage: python -m experiments.rounds.run RUN [--rounds 2] [--set section.key=value]
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from align_da.config import load_config
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.background_latents import encode_backgrounds
from align_da.runs.denoisers import build_schedule
from align_da.runs.priors import load_prior, untrained_network
from align_da.runs.run import Run, open_run
from align_da.runs.training_plan import training_plan
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.training.latent_pairs import LatentPairs, together
from align_da.training.score_model import score_model_task, train_score_model
from experiments.options import run_options
from experiments.results import tidy, write_result, write_scores
from experiments.rounds.cycles import SETTINGS, met_by, scored_cycles
from experiments.rounds.tables import REFERENCE, result, show


def main() -> None:
    """Train round after round, and keep and print the errors of the cycles of each."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.3, 1.0])
    arguments = parser.parse_args()
    run = open_run(load_config(arguments.config, [*SETTINGS, *arguments.set]), arguments.run)
    use_compilation_cache()
    rows = list(scored_cycles(run, load_prior(run, "static"), REFERENCE))
    for number, prior in enumerate(priors(run, arguments.rounds)):
        for share in arguments.shares:
            weighted = replace(prior, network_share=share)
            rows += scored_cycles(run, weighted, f"round {number}, share {share:g}")
            print(show(tidy(rows)), flush=True)
    write_scores(arguments.folder, "validation", tidy(rows))
    write_result(arguments.folder, "validation", result(tidy(rows)))


def priors(run: Run, rounds: int) -> Iterator[LatentPrior]:
    """The trained prior, and that of every further round."""
    prior = load_prior(run, "reference")
    folder = run.folder.root
    met = [encode_backgrounds(prior.space, [run.pairs("train")], folder)]
    held_out = encode_backgrounds(prior.space, run.learned_pairs("validation"), folder)
    yield prior
    for _ in range(rounds):
        met.append(met_by(run, prior))
        prior = retrained(run, prior, together(met), held_out)
        yield prior


def retrained(run: Run, prior: LatentPrior, new: LatentPairs, unseen: LatentPairs) -> LatentPrior:
    """The score model of pairs with the statistics of `prior`, trained for its full schedule."""
    settings, shape = run.config.denoiser, prior.space.autoencoder.latent_shape
    config = settings.training.model_copy(update={"early_stopping": False})
    network = untrained_network(run.config, shape)
    task = score_model_task(network, build_schedule(settings), prior.scaling, new, unseen)
    trained = train_score_model(task, training_plan(config), run.config.seed, f"{len(new)} pairs")
    return replace(prior, network=trained.network)


if __name__ == "__main__":
    main()
