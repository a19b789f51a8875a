"""What every section of the configuration is, and the numbers that they hold."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic._internal._model_construction import ModelMetaclass  # has no public name
from pydantic.fields import FieldInfo

from align_da.config.key import FoundBy
from align_da.config.mistakes import told_of
from align_da.errors import ConfigError

LARGEST = 2**31 - 1  # of integers, as JAX and the stores hold them
Positive = Annotated[int, Field(gt=0, le=LARGEST)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
RowRadius = Annotated[
    PositiveFloat,
    FoundBy("localization", "length scale", "cutoff"),
    Field(description="Half width of the localisation (Gaspari-Cohn) between rows, km."),
]
Densities = Annotated[
    tuple[Share, ...],
    Field(
        description="Densities of the networks that segments take in turn, as "
        "`observations.density`."
    ),
]


class _Told(ModelMetaclass):
    """Makes a mistake in a section that is made in Python an error of ours."""

    def __call__(self, *arguments: Any, **content: Any) -> Any:  # noqa: ANN401
        """A section; those within tables are made by pydantic, which tells all mistakes at once.

        Raises:
            ConfigError: unknown key, wrong type or value out of range.
        """
        try:
            return super().__call__(*arguments, **content)
        except ValidationError as error:
            raise ConfigError(told_of(error, self)) from error  # type: ignore[arg-type]  # a section


class Section(BaseModel, metaclass=_Told):
    """A frozen part of the configuration; a number is neither text nor true nor infinite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _rest_as_it_is_here(cls, given: object) -> object:
        """A table that says some of a section leaves the rest as the default of that place is.

        Pydantic would take the defaults of the class, which may be others.
        """
        if not isinstance(given, dict):
            return given
        return {name: _completed(cls.model_fields.get(name), said) for name, said in given.items()}

    def __hash__(self) -> int:
        """By content, mappings included, which are otherwise not hashable."""
        return hash(self.model_dump_json())


def _completed(field: FieldInfo | None, said: object) -> object:
    """What a table says of a section, over what the default of its place says."""
    if field is None or not isinstance(field.default, Section) or not isinstance(said, dict):
        return said
    return {**field.default.model_dump(exclude_unset=True), **said}
