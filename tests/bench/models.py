"""Models that nobody here made, on the virtual board mps2-an386 and the host, byte for byte.

`make bench-models` prints a Markdown table: each model as it rounds by itself (double where it
came from TFLite), seeded random inputs, zig and gcc. Exits 1 where a byte differs. The number of
samples may be given.
"""

from __future__ import annotations

import sys
import time

from bench.equality import compare
from model.corpus import MODELS

from studio.compiler.lower import lower
from studio.job import finish
from studio.model.importers import open_model

BOARD = "virtual/mps2-an386"
CHOSEN = (
    "mlperf-tiny-kws/kws_ref_model.tflite",
    "mlperf-tiny-ad/ad01_int8.tflite",
    "mlperf-tiny-ic/pretrainedResnet_quant.tflite",
    "mlonmcu/aww.tflite",
    "mlonmcu/micro_kws_m_quantized.tflite",
    "tflm-examples/person_detect.tflite",
    "tflm-examples/micro_speech_quantized.tflite",
    "tflm-examples/hello_world_int8.tflite",
    "emx-micro-kws/micro_kws_m_static_qdq.onnx",
    "tflm-examples/hello_world_float.tflite",
    "tflm-examples/trained_lstm.tflite",
    "mlonmcu/magic_wand.tflite",
    "onnx2c-mnist/mnist.simplified.onnx",
)
SAMPLES = 20


def main() -> int:
    """Compare everything."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    print("| model | compiler | rounding | samples | bytes | identical | instructions |")
    print("|---|---|---|---:|---:|---|---:|")
    same = True
    for path in CHOSEN:
        model = finish(open_model(MODELS / path))
        rounding = lower(model).options.rounding
        for compiler in ("zig", "gcc"):
            began = time.monotonic()
            identical, compared, instructions = compare(model, BOARD, compiler, samples)
            same &= identical
            print(
                f"| {path} | {compiler} | {rounding} | {samples} | {compared} | "
                f"{'yes' if identical else 'NO'} | {instructions} |",
                flush=True,
            )
            print(f"{path} {compiler} {time.monotonic() - began:.1f} s", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
