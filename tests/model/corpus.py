"""What becomes of every model file of the shared data, one row a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from conftest import DATA

MODELS = DATA / "models"
NO_MODELS = frozenset({".txt", ".csv", ".npy", ".bin"})
"""What lies beside the models: sources, labels, samples."""

Verdict = Literal["int8", "float", "hybrid", "refused"]


@dataclass(frozen=True)
class Row:
    """One file.

    Attributes:
        verdict: how it is judged. int8: byte for byte; float: within 1e-4; hybrid: TFLite
            quantises activations at run time, and so does the C: the same winner, nine of ten runs
            within 1e-4; refused: at import.
        says: part of the message of what is refused.
        litert: whether LiteRT loads it.
        micro: whether TFLite Micro runs it.
        state: how many tensors it keeps from run to run.
    """

    verdict: Verdict
    says: str = ""
    litert: bool = True
    micro: bool = True
    state: int = 0


_CUSTOM = "operators that are not supported: CUSTOM "

TFLITE = {
    "micro-wake-word/vad.tflite": Row("int8", state=4),
    "mlonmcu/aww.tflite": Row("int8"),
    "mlonmcu/cifar10.tflite": Row("float"),
    "mlonmcu/cnn_s_quantized.tflite": Row("int8"),
    "mlonmcu/magic_wand.tflite": Row("float"),
    "mlonmcu/micro_kws_m_fp32.tflite": Row("float"),
    "mlonmcu/micro_kws_m_quantized.tflite": Row("int8"),
    "mlonmcu/tests/custom.tflite": Row("refused", _CUSTOM + "Complex (1), CUSTOM Imag"),
    "mlonmcu/tests/model_with_add.tflite": Row("float"),
    "mlonmcu/tests/model_with_add2.tflite": Row("refused", _CUSTOM + "Add2"),
    "mlonmcu/tests/model_with_detection_postprocess.tflite": Row(
        "refused", _CUSTOM + "TFLite_Detection_PostProcess"
    ),
    "mlonmcu/tests/model_with_detection_postprocess_static.tflite": Row(
        "refused", _CUSTOM + "TFLite_Detection_PostProcess"
    ),
    "mlonmcu/tests/model_with_logistic.tflite": Row("int8", micro=False),
    "mlonmcu/tests/model_with_multiple_outputs.tflite": Row("float"),
    "mlonmcu/tests/model_with_multiple_scratch_buffers.tflite": Row("float"),
    "mlonmcu/tests/model_with_reduce_max.tflite": Row("float"),
    "mlonmcu/tests/model_with_reverse_sequence.tflite": Row("float"),
    "mlonmcu/tests/model_with_reverse_sequence2.tflite": Row(
        "refused", _CUSTOM + "ReverseSequence2"
    ),
    "mlonmcu/tests/model_with_zero_out.tflite": Row("refused", _CUSTOM + "ZeroOut"),
    "mlperf-tiny-ad/ad01_fp32.tflite": Row("float"),
    "mlperf-tiny-ad/ad01_int8.tflite": Row("int8"),
    "mlperf-tiny-ad/model_ToyCar_quant_fullint_floatio.tflite": Row("int8"),
    "mlperf-tiny-ad/model_ToyCar_quant_hybrid.tflite": Row("hybrid", micro=False),
    "mlperf-tiny-ic/pretrainedResnet.tflite": Row("float"),
    "mlperf-tiny-ic/pretrainedResnet_large_int8.tflite": Row("int8"),
    "mlperf-tiny-ic/pretrainedResnet_quant.tflite": Row("int8"),
    "mlperf-tiny-kws/kws_ref_model.tflite": Row("int8"),
    "mlperf-tiny-kws/kws_ref_model_float32.tflite": Row("hybrid", micro=False),
    "qualcomm-kws/kws_saved_model.tflite": Row("float"),
    "tflm-examples/audio_preprocessor_float.tflite": Row("refused", "CUSTOM SignalWindow"),
    "tflm-examples/audio_preprocessor_int8.tflite": Row("refused", "CUSTOM SignalWindow"),
    "tflm-examples/dtln_noise_suppression.tflite": Row("int8", state=4),
    "tflm-examples/hello_world_float.tflite": Row("float"),
    "tflm-examples/hello_world_int8.tflite": Row("int8"),
    "tflm-examples/keyword_scrambled.tflite": Row("int8", state=7),
    # LiteRT ends the process on a state of 8 bits.
    "tflm-examples/keyword_scrambled_8bit.tflite": Row("int8", litert=False, state=7),
    "tflm-examples/micro_speech_lstm.tflite": Row("int8", state=2),
    "tflm-examples/micro_speech_quantized.tflite": Row("int8"),
    # LiteRT minds that single scales name an axis that is not there.
    "tflm-examples/person_detect.tflite": Row("int8", litert=False),
    "tflm-examples/trained_lstm.tflite": Row("float", state=2),
    "tflm-examples/trained_lstm_int8.tflite": Row("int8", state=2),
}

# `int8` is judged layer by layer here: at most one step from onnxruntime's integers.
ONNX = {
    "emx-micro-kws/micro_kws_m_qdq.onnx": Row("int8"),
    "emx-micro-kws/micro_kws_m_static_fp32.onnx": Row("float"),
    "emx-micro-kws/micro_kws_m_static_qdq.onnx": Row("int8"),
    "emx-micro-kws/micro_kws_m_static_qoperator.onnx": Row("int8"),
    "emx-micro-kws/slice_dynamic_batch.onnx": Row("float"),
    "onnx2c-mnist/mnist.simplified.onnx": Row("float"),
    "wonnx-mnist/opt-mnist.onnx": Row("float"),
}

KERAS = {
    "mlperf-tiny-ic/pretrainedResnet.h5": Row("float"),
    "qualcomm-kws/kws_model.h5": Row("float", litert=False),  # the .tflite was trained again
}

CORPUS = {**TFLITE, **ONNX, **KERAS}


def model_files() -> list[str]:
    """Every file of the shared data that may be a model: whatever is not known to be none."""
    files = (path for path in MODELS.rglob("*") if path.is_file())
    return sorted(str(p.relative_to(MODELS)) for p in files if p.suffix not in NO_MODELS)


def names(
    table: Mapping[str, Row], *verdicts: str, litert: bool = False, micro: bool = False
) -> list[str]:
    """The files of a table with one of the verdicts, and that the judges asked for run."""
    return [
        path
        for path, row in table.items()
        if row.verdict in verdicts and row.litert >= litert and row.micro >= micro
    ]
