"""A configuration of two short segments, for a correction that is learned in seconds."""

from cycled_world import WORLD

CONFIG = f"""{WORLD}[observations]
density = 0.3
[cycle]
method = "letkf"
members = 4
cycles = 2
[letkf]
radius_km = 4000
inflation = 1.05
relaxation = 0.0
[three_d_var]
modes = 2
[correction]
segments = 2
validation_segments = 1
rounds = 4
cycles = 1
spin_up = 0
densities = [0.3]
width = 4
depth = 1
stride = 2
[correction.training]
steps = 4
batch_size = 2
warm_up_steps = 1
learning_rate = 0.01
validate_every = 2
ema_decay = 0.0
early_stopping = false
"""
