"""The optimizer: AdamW with warm-up, cosine decay and clipped gradients.

Loshchilov and Hutter 2019 (arXiv:1711.05101). Only matrices decay, not biases and norms.
"""

import jax
import optax

from align_da.config import TrainingConfig
from align_da.training.state import Params

_LAST_SHARE = 0.01  # of the peak learning rate at the last step


def make_optimizer(config: TrainingConfig) -> optax.GradientTransformation:
    """The optimizer of `config`."""
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=0.0 if config.warm_up_steps else config.learning_rate,
        peak_value=config.learning_rate,
        warmup_steps=config.warm_up_steps,
        decay_steps=config.steps,
        end_value=_LAST_SHARE * config.learning_rate,
    )
    return optax.chain(
        optax.clip_by_global_norm(config.gradient_clip),
        optax.adamw(schedule, weight_decay=config.weight_decay, mask=_matrices),
    )


def _matrices(params: Params) -> Params:
    """Which leaves decay."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
