"""TinyML Studio: compress a neural network, see that it fits, flash it, watch it."""

__version__ = "0.1.0"
