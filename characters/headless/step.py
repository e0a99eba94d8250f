"""What every step of a script is: a table that takes the keys it names, and has its time."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

__all__ = ["BaseStep", "CharacterId", "Table"]

CharacterId: TypeAlias = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table that takes the keys it names and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseStep(Table):
    """What has to be done `within` so many seconds."""

    within: PositiveFloat = 10.0

    def __str__(self) -> str:
        """Name the step in a few words, without anything that is said."""
        shown = self.model_dump(exclude={"within", "text", "about"}, exclude_none=True)
        return " ".join(str(value) for value in shown.values())
