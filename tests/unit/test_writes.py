"""Only `storage` writes files: the syntax tree of every other file holds no call that writes.

Writing into memory (a name bound to `io.BytesIO()`) is none, and so is `to_csv` without a path,
which gives text. What looks like a write and is none stands in `NO_FILES`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("align_da", "data_pipelines")
MODULES = {"shutil", "tempfile"}
"""Not imported at all."""
OF_OS = {
    *("open", "write", "fdopen", "truncate", "ftruncate", "fsync", "mkdir", "makedirs", "mkfifo"),
    *(
        "remove",
        "unlink",
        "rmdir",
        "removedirs",
        "rename",
        "renames",
        "replace",
        "link",
        "symlink",
    ),
    *("chmod", "chown", "utime", "sendfile", "copy_file_range"),
}
"""Functions of `os`."""
METHODS = {
    # pathlib
    *("write_text", "write_bytes", "mkdir", "touch", "unlink", "rmdir", "rename", "symlink_to"),
    *("hardlink_to", "chmod"),
    # xarray, pandas, numpy, matplotlib, pyarrow
    *(
        "to_zarr",
        "to_netcdf",
        "to_csv",
        "to_parquet",
        "to_pickle",
        "to_json",
        "to_hdf",
        "to_excel",
    ),
    *("to_feather", "to_sql", "save_mfdataset", "save", "savez", "savez_compressed"),
    *("savetxt", "tofile", "memmap", "dump", "savefig", "imsave", "write_figure", "ParquetWriter"),
    *("ExcelWriter", "FileHandler"),
    # zarr, orbax
    *("open_group", "open_array", "create_group", "create_array", "require_group", "StandardSave"),
}
"""Methods, and functions of modules, whatever they belong to."""
OPENERS = {"open", "Dataset", "File", "ZipFile", "TarFile", "fdopen"}
"""Functions that open a file; they write where a mode says so."""
TEXT_WITHOUT_PATH = {"to_csv", "to_json"}
NO_FILES = {
    ("align_da/verification/cost.py", "write_text"),  # tells the kernel to forget a mark
    # Names of variables and columns:
    ("align_da/alignment/evaluation.py", "rename"),
    ("align_da/verification/score_table.py", "rename"),
    ("data_pipelines/era5_source.py", "rename"),
    ("data_pipelines/grib.py", "rename"),
    ("data_pipelines/observations/consistency.py", "rename"),
    ("data_pipelines/zarr_source.py", "open_group"),  # in a store that is read only
}


def modules() -> list[Path]:
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in found if "storage" not in path.relative_to(ROOT).parts)


def writes_in(source: str) -> Iterator[str]:
    """Names of the calls that write, and of the modules that do little else."""
    tree = ast.parse(source)
    memory = set(names_of_memory(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            yield from {str(node.module)} & MODULES
            if node.module == "os":
                yield from {alias.name for alias in node.names} & OF_OS
        elif isinstance(node, ast.Call) and is_write(node, memory):
            yield name_of(node)


def names_of_memory(tree: ast.AST) -> Iterator[str]:
    """Names that are bound to a buffer in memory."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            value, target = node.value, node.targets[0]
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            value, target = node.context_expr, node.optional_vars
        else:
            continue
        is_memory = isinstance(value, ast.Call) and name_of(value) in {"BytesIO", "StringIO"}
        if is_memory and isinstance(target, ast.Name):
            yield target.id


def is_write(call: ast.Call, memory: set[str]) -> bool:
    name = name_of(call)
    if call.args and isinstance(call.args[0], ast.Name) and call.args[0].id in memory:
        return False
    if isinstance(call.func, ast.Attribute):
        owner = call.func.value
        if isinstance(owner, ast.Name) and owner.id == "os":
            return name in OF_OS
        if name in TEXT_WITHOUT_PATH and not call.args:
            return any(keyword.arg in {"path_or_buf", None} for keyword in call.keywords)
        if name == "replace":  # that of text has two arguments, that of dates has keywords
            return len(call.args) == 1 and not call.keywords
        if name in METHODS:
            return True
    return name in OPENERS and opens_to_write(call)


def opens_to_write(call: ast.Call) -> bool:
    """Whether a mode that writes is among the first two arguments, or told by name.

    A mode is one of few letters; one that is only known at run time is taken for a write.
    """
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    if any(not isinstance(mode, ast.Constant) for mode in modes):
        return True
    modes += [argument for argument in call.args[:2] if isinstance(argument, ast.Constant)]
    texts = [str(mode.value) for mode in modes if isinstance(mode, ast.Constant)]
    return any(set(text) <= set("rwaxbt+") and set(text) & set("wax+") for text in texts)


def name_of(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_storage_writes_files(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    found = {name for name in writes_in(path.read_text()) if (place, name) not in NO_FILES}
    assert found == set()


@pytest.mark.parametrize(("place", "name"), sorted(NO_FILES))
def test_every_exception_is_still_needed(place: str, name: str) -> None:
    assert name in set(writes_in((ROOT / place).read_text()))


@pytest.mark.parametrize(
    "source",
    [
        "open(path, 'w')",
        "open(path, mode='ab')",
        "open(path, mode=chosen)",
        "path.open('w', encoding='utf-8')",
        "path.open('r+b')",
        "netCDF4.Dataset(path, 'w')",
        "h5py.File(path, 'a')",
        "path.write_text('a')",
        "path.replace(other)",
        "os.replace(path, other)",
        "from os import unlink",
        "import shutil",
        "from tempfile import mkdtemp",
        "table.to_csv(path)",
        "table.to_csv(path_or_buf=path)",
        "table.to_csv(**options)",
        "dataset.to_zarr(path, region=region)",
        "np.savez(path, a=1)",
        "figure.savefig(path)",
        "zarr.open_group(path)",
        "with path.open('x') as file: pass",
    ],
)
def test_a_write_is_found(source: str) -> None:
    assert list(writes_in(source))


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "path.open('rb')",
        "path.open(encoding='utf-8')",
        "xr.Dataset({'a': 1}, attrs={})",
        "netCDF4.Dataset(path)",
        "text.replace('a', 'b')",
        "time.replace(tzinfo=None)",
        "replace(run, config=config)",
        "table.to_csv(index=False)",
        "buffer = io.BytesIO()\nnp.savez(buffer, a=1)",
        "with io.BytesIO() as stream:\n    figure.savefig(stream)",
        "os.environ['a']",
    ],
)
def test_what_writes_no_file_is_let_pass(source: str) -> None:
    assert not list(writes_in(source))
