import numpy as np
import pytest

from studio.build.host import HostModel
from studio.build.toolchains import toolchain
from studio.errors import BuildError
from studio.job import finish
from tests.build import tiny_model


@pytest.fixture(scope="module")
def model():
    return finish(HostModel.build_files(tiny_model.files(), tiny_model.NAME))


@pytest.mark.parametrize("compiler", ["host", "zig"])
def test_the_library_computes_what_the_model_says(compiler):
    host = finish(HostModel.build_files(tiny_model.files(), "tiny", toolchain(compiler)))
    x = np.random.default_rng(0).integers(-128, 128, tiny_model.N).astype(np.int8)
    for _ in range(2):  # the first run overwrites its input
        (y,) = host.run([x])
        np.testing.assert_array_equal(y, tiny_model.expected(x))
    assert host.arena_bytes == tiny_model.ARENA_BYTES


def test_two_models_stand_side_by_side(model):
    other = finish(HostModel.build_files(tiny_model.files(salt=5), "tiny"))
    x = np.zeros(tiny_model.N, np.int8)
    np.testing.assert_array_equal(other.run([x])[0], tiny_model.expected(x, salt=5))
    np.testing.assert_array_equal(model.run([x])[0], tiny_model.expected(x))
    assert other.digest != model.digest


def test_inputs_of_another_type_size_or_number_are_refused(model):
    with pytest.raises(BuildError, match="500 bytes of int8"):
        model.run([np.zeros(tiny_model.N, np.uint8)])
    with pytest.raises(BuildError, match="500 bytes of int8"):
        model.run([np.zeros(tiny_model.N + 1, np.int8)])
    with pytest.raises(BuildError, match="takes 1 inputs"):
        model.run([])


@pytest.mark.parametrize("offset", ["-1", "1024"])
def test_code_that_writes_outside_of_its_arena_is_caught(offset):
    files = tiny_model.files()
    files["tiny.c"] = files["tiny.c"].replace(
        b"tms_trace(1);", b"tms_trace(1); ((volatile int8_t *)arena)[%s] = 1;" % offset.encode()
    )
    broken = finish(HostModel.build_files(files, "tiny"))
    with pytest.raises(BuildError, match="outside of its arena"):
        broken.run([np.zeros(tiny_model.N, np.int8)])
