"""A student is smaller, starts from chance, and learns from its teacher."""

from __future__ import annotations

from pathlib import Path

import pytest
from compression import small
from nets import MLPERF, Net, quantized

from studio.compression.checkpoint import Checkpoints
from studio.compression.distil import Distil, preview, run
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import evaluate
from studio.model.model import Model

SHORT = Distil(epochs=8)


def shapes(model: Model) -> list[tuple[object, ...]]:
    return [(n.op_type, n.name, model.shape_of(n.outputs[0].name)) for n in model.ir.graph]


def test_the_student_is_smaller_and_learns() -> None:
    teacher = small.trained()
    before = small.fingerprint(teacher)
    student = finish(run(SHORT, teacher, small.data()))
    assert small.fingerprint(teacher) == before
    assert student.parameters < 0.4 * teacher.parameters
    assert evaluate(preview(SHORT, teacher), small.data()).accuracy < 0.6
    assert evaluate(student, small.data()).accuracy > 0.9
    assert shapes(preview(SHORT, teacher)) == shapes(student)
    assert "16 channels, the student has 8" in student.history[-1]["layers"].values()


def test_with_the_whole_weight_on_a_wrong_teacher_it_learns_what_is_wrong() -> None:
    """Which shows that it is the teacher it listens to."""
    student = finish(run(Distil(epochs=8, alpha=1.0), small.untrained(3), small.data()))
    right = evaluate(finish(run(Distil(epochs=8, alpha=0.0), small.untrained(3), small.data())),
                     small.data())  # fmt: skip
    assert evaluate(student, small.data()).accuracy < 0.7 < right.accuracy


def test_a_resumed_run_ends_with_the_bytes_of_an_undisturbed_one(tmp_path: Path) -> None:
    p = Distil(epochs=3)
    whole = finish(run(p, small.trained(), small.data()))
    job = run(p, small.trained(), small.data(), Checkpoints(tmp_path))
    for progress in job:
        if "epoch 3" in progress.text:
            break
    job.close()
    assert finish(run(p, small.trained(), small.data(), Checkpoints(tmp_path))).to_bytes() == (
        whole.to_bytes()
    )


def test_what_cannot_be_distilled_is_refused_with_a_reason() -> None:
    with pytest.raises(RecipeError, match="is quantised"):
        preview(SHORT, quantized(MLPERF["kws"]()))
    with pytest.raises(RecipeError, match="as large as its teacher"):
        preview(Distil(width=1.0), MLPERF["kws"]())
    net = Net()
    with pytest.raises(RecipeError, match="as large as its teacher"):
        preview(SHORT, net.model((1, 8), net.dense("x", 8, 4, relu=False)))
