"""TinyML Studio: compress a neural network, see that it fits, flash it, watch it."""

import os

# onnxruntime 1.31 on Linux otherwise keeps a device id and a database of events for Microsoft in
# the user's cache as soon as it is imported, before `disable_telemetry_events` can be called.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
