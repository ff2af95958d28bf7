"""The one error tree.

    StudioError
    +-- ModelError       a model file or graph that cannot be used
    |   +-- Unsupported      an operator, or a form of it, that cannot be lowered
    |   +-- AgreementNeeded  opening the file would run code that it holds
    |   +-- ShapesNeeded     the file does not say the shapes of its inputs
    +-- DataError        a data set that cannot be used
    +-- RecipeError      a recipe, step or parameter that cannot be applied
    +-- ProfileError     a board or MCU description that cannot be used
    +-- BuildError       a missing compiler, a failed compilation or link
    +-- BoardError       a port, a board or a flasher that does not do its part
    +-- ProjectError     a project file that cannot be read or written

Foreign exceptions are translated into one of these where they enter (importers,
toolchains, boards) and nowhere else; anything else that escapes is a bug.
"""


class StudioError(Exception):
    """Something the user can act on.

    Args:
        what: what went wrong, one sentence, no trailing full stop.
        where: the file, node, board, port or field that it is about; may be empty.
        hint: what to do next, one sentence; may be empty.
    """

    def __init__(self, what: str, where: str = "", hint: str = "") -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what}{advice}"


class ModelError(StudioError):
    """A model file or graph that cannot be used."""


class Unsupported(ModelError):
    """An operator, or a form of it, that cannot be lowered."""


class AgreementNeeded(ModelError):
    """Opening a file would run code that it holds, and nobody has agreed to that yet."""


class ShapesNeeded(ModelError):
    """A file does not say the shapes of its inputs, and nobody has yet."""


class DataError(StudioError):
    """A data set that cannot be used."""


class RecipeError(StudioError):
    """A recipe, step or parameter that cannot be applied."""


class ProfileError(StudioError):
    """A board or MCU description that cannot be used."""


class DeviceNeeded(ProfileError):
    """A file describes several devices, and nobody has said which one is meant."""

    def __init__(self, what: str, where: str, hint: str, devices: tuple[str, ...]) -> None:
        super().__init__(what, where, hint)
        self.devices = devices


class BuildError(StudioError):
    """A missing compiler, a failed compilation or link."""


class BoardError(StudioError):
    """A port, a board or a flasher that does not do its part."""


class ProjectError(StudioError):
    """A project file that cannot be read or written."""
