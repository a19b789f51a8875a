"""The optimizer: AdamW with warm-up, cosine decay and clipped gradients.

Loshchilov and Hutter 2019 (arXiv:1711.05101). Only matrices decay, not biases and norms.
"""

import jax
import optax

from align_da.training.plan import TrainingPlan
from align_da.training.state import Params

_LAST_SHARE = 0.01  # of the peak learning rate at the last step


def make_optimizer(plan: TrainingPlan) -> optax.GradientTransformation:
    """The optimizer of `plan`."""
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=0.0 if plan.warm_up_steps else plan.learning_rate,
        peak_value=plan.learning_rate,
        warmup_steps=plan.warm_up_steps,
        decay_steps=plan.steps,
        end_value=_LAST_SHARE * plan.learning_rate,
    )
    return optax.chain(
        optax.clip_by_global_norm(plan.gradient_clip),
        optax.adamw(schedule, weight_decay=plan.weight_decay, mask=_matrices),
    )


def _matrices(params: Params) -> Params:
    """Which leaves decay."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
