from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime_c.driver import Driver


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """All kernels in one child process; at its end no memory has leaked."""
    driver = Driver(tmp_path_factory.mktemp("runtime_c"))
    yield driver
    assert driver.close() == 0, driver.errors.read_text()
