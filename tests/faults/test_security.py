"""Rows 31 and 67 of the table of faults: no foreign code is run, and no network is used."""

import ast
import socket
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Figure = Callable[[str], None]
ROOT = Path(__file__).parents[2]
PACKAGES = ("align_da", "data_pipelines", "experiments")
MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib", "jsonpickle"}
MODULES |= {"runpy", "code", "pty", "hydra"}
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
ATTRIBUTES = {
    *("os.system", "os.popen", "os.execv", "os.execvp", "os.spawnv", "importlib.import_module"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "torch.load", "pd.read_pickle"),
    *("pandas.read_pickle", "subprocess.getoutput", "subprocess.getstatusoutput"),
}
KEYWORDS = {"allow_pickle", "shell"}  # never true
REMOTE = {"storage_options", "backend_kwargs"}  # what opens URLs, or files by way of a plug-in
REASONS = {
    "data_pipelines/zarr_source.py": "era5.source may be a URL, which only its user can give",
    "data_pipelines/grib.py": "tells cfgrib not to read its index files, which are pickles",
}
DOWNLOADS = {
    "urllib.request",
    "requests",
    "httpx",
    "http.client",
    "ftplib",
    "fsspec",
    "gcsfs",
    "s3fs",
    "pooch",
}


def unsafe_in(source: str) -> Iterator[str]:
    """What a source does that could run foreign code or fetch something, one phrase each."""
    for node in ast.walk(ast.parse(source)):
        for phrase in (*imported(node), *called(node), *permitted(node)):
            yield f"line {node.lineno}: {phrase}"


def imported(node: ast.AST) -> list[str]:
    names = [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]
    if isinstance(node, ast.ImportFrom):
        names = [node.module or "", *(f"{node.module}.{name}" for name in names)]
    unsafe = MODULES | DOWNLOADS
    return [n for n in names if n in ATTRIBUTES | unsafe or n.split(".")[0] in unsafe]


def called(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute) and ast.unparse(node) in ATTRIBUTES:
        return [ast.unparse(node)]
    name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return [name] if name.removeprefix("builtins.") in CALLS else []


def permitted(node: ast.AST) -> list[str]:
    given = node.keywords if isinstance(node, ast.Call) else []
    wrong = [key for key in given if key.arg in KEYWORDS and ast.unparse(key.value) != "False"]
    return [ast.unparse(key.value) for key in wrong]


def reaching_out(source: str) -> list[str]:
    """The arguments of a source by which something beyond a plain path is opened."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [str(key.arg) for call in calls for key in call.keywords if key.arg in REMOTE]


def test_row_31_no_source_can_run_foreign_code_or_fetch_anything(figure: Figure) -> None:
    files = sorted(file for name in PACKAGES for file in (ROOT / name).rglob("*.py"))
    found = {str(file): list(unsafe_in(file.read_text(encoding="utf-8"))) for file in files}
    assert {file: phrases for file, phrases in found.items() if phrases} == {}
    assert len(files) > 200
    figure(f"{len(files)} sources without pickle, eval, shell, import by string or download")


@pytest.mark.row(67)
def test_stores_elsewhere_are_opened_only_where_there_is_a_reason() -> None:
    files = [file for name in PACKAGES for file in (ROOT / name).rglob("*.py")]
    found = {
        file.relative_to(ROOT).as_posix()
        for file in files
        if reaching_out(file.read_text(encoding="utf-8"))
    }
    assert found == set(REASONS)
    assert reaching_out("xr.open_zarr(url, storage_options={'anon': True})")


@pytest.mark.row(31)
@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import cloudpickle as harmless",
        "from dill import loads",
        "import marshal, json",
        "from importlib import import_module",
        "import importlib; importlib.import_module(name)",
        "__import__(name)",
        "eval(text)",
        "import builtins; builtins.exec(text)",
        "import yaml; yaml.load(file)",
        "np.load(file, allow_pickle=True)",
        "np.load(file, allow_pickle=permitted)",
        "subprocess.run(command, shell=True)",
        "import os; os.system(command)",
        "run = os.system",
        "import urllib.request",
        "import torch; torch.load(file)",
    ],
)
def test_what_could_run_foreign_code_is_found_in_a_source(source: str) -> None:
    assert list(unsafe_in(source))
    assert not list(unsafe_in("import json\nnp.load(file, allow_pickle=False)"))


@pytest.mark.row(67)
def test_no_dependency_is_fetched_from_elsewhere_than_the_registry() -> None:
    """Neither in the project file nor in the lock file is there an address."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = [name for some in lists for name in some]
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in locked if line and not line.lstrip().startswith("#")]
    assert not [line for line in (*wanted, *pinned) if "://" in line or line.startswith("-")]
    assert all("==" in line for line in pinned)


@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
        lambda: socket.create_connection(("2001:db8::1", 80), timeout=1),
        lambda: socket.create_connection(("storage.googleapis.com", 443), timeout=1),
        lambda: socket.getaddrinfo("pypi.org", 443),
        lambda: socket.gethostbyname("pypi.org"),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 53)),
        lambda: socket.socket(socket.AF_INET).connect_ex(("192.0.2.1", 80)),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_row_67_tests_reach_no_other_machine(reach: Callable[[], object], figure: Figure) -> None:
    with pytest.raises(PermissionError, match="must not use the network"):
        reach()
    figure("every test of this run without any other machine")


@pytest.mark.row(67)
def test_tests_reach_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1]), timeout=5).close()
