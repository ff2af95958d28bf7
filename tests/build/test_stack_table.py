"""The tables of stack frames; what they say of nets is held against boards in tests/budget."""

from __future__ import annotations

import pytest

from studio.build.stack_table import stack_table
from studio.compiler.kernel import kernels
from studio.errors import BuildError


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_every_table_knows_every_kernel(compiler):
    for core in ("cortex-m0plus", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33"):
        assert stack_table(compiler, core).kernels.keys() == kernels().keys()
    with pytest.raises(BuildError, match="xtensa-lx7"):
        stack_table(compiler, "xtensa-lx7")
