"""The files that define the forecast model of a run."""

from importlib.metadata import version

from align_da.config import Config
from align_da.registry import FORECAST_MODELS
from align_da.runs.parts import digests_of_foreign
from align_da.storage.model_files import model_file_digests


def forecast_model_digests(config: Config) -> dict[str, str]:
    """Digest of every file that defines the forecast model, by its key; none of embedded ones.

    Raises:
        StorageError: a file cannot be read.
    """
    section = config.onnx or config.neuralgcm
    files = {} if section is None else model_file_digests(section.files)
    return files | digests_of_foreign(FORECAST_MODELS, config.world.model)


def boundary_digests(config: Config) -> dict[str, str]:
    """Digest of every file of boundary conditions that the embedded model brings, by its name.

    They are no part of a definition: files of the package change with its version.

    Raises:
        StorageError: a file cannot be read.
    """
    if config.world.model != "jcm":
        return {}
    # Only here, so that align_da can be imported and used without JCM.
    from align_da.forecast.jcm import BOUNDARY_FILES  # noqa: PLC0415

    files = {f"jcm/{name}.nc": path for name, path in BOUNDARY_FILES.items()}
    return {**model_file_digests(files), "jcm": version("jcm")}


def forecast_model_definition(config: Config) -> list[object]:
    """What a stage that forecasts is defined by, beside its own sections.

    Nothing for an embedded model, which [world] defines.
    """
    digests = forecast_model_digests(config)
    if not digests:
        return []
    section = config.onnx or config.neuralgcm or config.parts.get(config.world.model)
    return [section, sorted(digests.items())]
