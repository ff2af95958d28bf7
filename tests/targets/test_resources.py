"""The files that come with the program are found."""

from studio.targets.resources import resource


def test_profiles_and_the_c_runtime_are_found() -> None:
    assert list(resource("resources/boards").glob("*.toml"))
    assert resource("runtime_c/include/tms.h").is_file()
