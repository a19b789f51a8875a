"""Rows 63, 64 and 66 of the table of faults: configurations that are wrong or hostile."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align_da.config import (
    Config,
    Era5Config,
    NeuralGcmConfig,
    OnnxConfig,
    ReportsConfig,
    config_from_table,
    load_config,
)
from align_da.digests import digest_of
from align_da.errors import AlignDAError, ConfigError, StorageError
from align_da.storage.ledger import read_ledger
from align_da.storage.manifest import read_manifest
from align_da.storage.run_folder import RunFolder, checked_name
from align_da.storage.statistics import read_normalisation

Figure = Callable[[str], None]
COMMAND = Path(sys.executable).with_name("align-da")
MISTAKES = {  # what is given with --set, and what the message must say
    "cycel.members=3": "did you mean 'cycle'",
    "cycle.member=3": "did you mean 'cycle.members'",
    "cycle.watchdog.polices='stop'": "did you mean 'cycle.watchdog.policy'",
    "denoiser.widht=64": "did you mean 'denoiser.width'",
    "denoiser.training.stps=3": "did you mean 'denoiser.training.steps'",
    "sampler.sigmamax=20.0": "did you mean 'sampler.sigma_max'",
    "observations.densty=0.1": "did you mean 'observations.density'",
    "sede=1": "did you mean 'seed'",
    "seed.value=1": "seed",
    "sampler._target_='os.system'": "unknown key 'sampler._target_'",
    "seed=-1": "seed",
    "seed=true": "seed",
    "seed='1'": "seed",
    "seed=99999999999999999999": "seed",
    "cycle.members=0": "cycle.members",
    "cycle.members=2.5": "cycle.members",
    "cycle.cycles=3000000000": "cycle.cycles",
    "cycle.method='magic'": "cycle.method",
    "cycle.calibrated=1": "cycle.calibrated",
    "cycle.calibrated=maybe": "cycle.calibrated",
    "cycle.watchdog.limit=1.0": "cycle.watchdog.limit",
    "cycle.watchdog='warn'": "cycle.watchdog",
    "observations.density=0": "observations.density",
    "observations.density=1.5": "observations.density",
    "observations.density=nan": "observations.density",
    "denoiser.sigma_mean=inf": "denoiser.sigma_mean",
    "denoiser.width=wide": "denoiser.width",
    "denoiser=3": "denoiser",
    "backgrounds.lead_hours=[12, -24]": "backgrounds.lead_hours",
    "backgrounds.lead_hours=12": "backgrounds.lead_hours",
    "backgrounds.amplitude=[0.1]": "backgrounds.amplitude",
    "world.truth='era5'": "the section [era5]",
    "world.truth_truncation=42": "world.truth_truncation",
    "world.start='tomorrow'": "world.start",
    "benchmark.peers=['none']": "benchmark.peers",
    "sampler": "section.key=value",
}
COMMANDS = {
    "train": ("train", "denoiser"),
    "align": ("align", "candidates"),
    "cycle": ("cycle",),
    "verify": ("verify",),
    "benchmark": ("benchmark",),
    "truth": ("data", "truth"),
    "backgrounds": ("data", "backgrounds"),
    "cycled": ("data", "cycled"),
    "statistics": ("data", "statistics"),
}
DEEP = 3000


@pytest.mark.parametrize("mistake", MISTAKES)
def test_row_63_a_mistake_is_told_with_its_place_and_the_nearest_key(mistake: str) -> None:
    with pytest.raises(ConfigError) as told:
        load_config(None, [mistake])
    assert MISTAKES[mistake] in str(told.value)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


def test_row_63_every_command_tells_every_mistake_before_jax_is_imported(
    tmp_path: Path, figure: Figure
) -> None:
    code = """if True:
        import json, sys
        from align_da.cli.application import app
        from align_da.errors import ConfigError
        import data_pipelines.cli
        app.add_typer(data_pipelines.cli.app, name="data")
        commands, mistakes = json.loads(sys.argv[1])
        told = 0
        for command in commands:
            for mistake in mistakes:
                try:
                    app([*command, "--set", mistake], standalone_mode=False)
                except ConfigError:
                    told += 1
        print(told, any(name in sys.modules for name in ("jax", "flax", "xarray", "zarr")))
    """
    given = json.dumps([list(COMMANDS.values()), list(MISTAKES)])
    result = subprocess.run(
        [sys.executable, "-c", code, given],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == [str(len(COMMANDS) * len(MISTAKES)), "False"]
    assert list(tmp_path.iterdir()) == []
    figure(f"{len(MISTAKES)} mistakes told by {len(COMMANDS)} commands, JAX not imported")


HOSTILE = {
    "arrays in arrays": "seed = " + "[" * DEEP + "]" * DEEP,
    "tables in tables": "seed = " + "{a=" * DEEP + "1" + "}" * DEEP,
    "keys of keys": ".".join(["a"] * DEEP) + " = 1",
    "sections of sections": "[" + ".".join(["denoiser"] * DEEP) + "]\nwidth = 1",
    "endless number": "seed = " + "9" * 5000,
    "a tag of YAML": "seed: !!python/object/apply:os.system ['true']",
    "an anchor of YAML": "a: &a [*a]",
    "a target of hydra": "[denoiser]\n_target_ = 'os.system'\n_args_ = ['true']",
    "interpolation": "seed = '${oc.env:HOME}'",
    "a placeholder": "seed = '{0.__class__}'",
    "JSON": '{"seed": 1}',
    "a key twice": "seed = 1\nseed = 2",
    "zeros": "seed = 1\n\x00",
    "an own mark of bytes": "\ufeffseed = 1",
    "a dotted key of 80 kB": ".".join(["a"] * 40_000) + " = 1",
    "dotted keys line by line": (".".join(["a"] * 900) + " = 1\n") * 50,
    "an endless number in hex": "seed = 0x" + "f" * 5000,
    "a long number in hex": "seed = 0x" + "f" * 1900,
    "a long number": "seed = " + "9" * 1900,
    "a path": "[cycle]\nmethod = '../../etc/passwd'",
    "a long key": "a" * 1_000_000 + " = 1",
    "a long value": "[cycle]\nmethod = '" + "a" * 1_000_000 + "'",
    "many keys": "\n".join(f"key{i} = {i}" for i in range(3000)),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", HOSTILE)
def test_row_64_hostile_toml_is_refused_in_a_few_words(case: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(HOSTILE[case], encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_config(path)
    assert len(str(told.value)) < 3000


def test_row_64_a_line_of_hostile_toml_is_refused_for_its_length(tmp_path: Path) -> None:
    """Whether or not this machine would parse it in time."""
    path = tmp_path / "config.toml"
    path.write_text(HOSTILE["a dotted key of 80 kB"], encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a line of 80003 characters: .* at most 2000"):
        load_config(path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", HOSTILE)
def test_row_64_a_hostile_override_is_refused(case: str) -> None:
    with pytest.raises(ConfigError):
        load_config(None, [HOSTILE[case].replace(" ", "")])


def test_row_64_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for content in (b"\x80\x04\x95", bytes(range(256))):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="not valid TOML"):
            load_config(path)
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xef\xbb\xbfseed = 1", "a mark of byte order: save it as UTF-8"),
        ("seed = 1".encode("utf-16"), "UTF-16: save it as UTF-8"),
        (b"\xfe\xff\x00s", "UTF-16: save it as UTF-8"),
        (b"[world]\nstart = 1959-01-02T00:00\n", "a time stands in quotes"),
        (b"[world]\nstart = 1959-01-02T00:00:00\n", "world.start: .*: write it in quotes"),
        (b"[world]\nstart = 1959-01-02\n", "world.start: .*: write it in quotes"),
        (b"#" * 2001, "a line of 2001 characters: break it"),
        (b"#\n" * 60_000, "more than 100000 bytes"),
    ],
)
def test_row_63_what_is_wrong_with_a_file_is_told_with_what_to_do(
    content: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        load_config(path)


def test_row_64_a_file_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 100000 bytes"):
        load_config(Path("/dev/zero"))


@pytest.mark.parametrize("override", ["seed=1\nseed=2", "seed=1\r", "seed=\n1", "seed\n=1"])
def test_row_63_an_override_of_several_lines_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="one on one line"):
        load_config(None, [override])


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, "NaN", "null", "[]", "{}", '"\\ud800"', ""],
    ids=lambda text: text[:8] or "nothing",
)
@pytest.mark.parametrize("read", [read_ledger, read_manifest, read_normalisation])
def test_row_64_hostile_json_is_refused(
    read: Callable[[Path], Any], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(StorageError, match="file"):
        read(path)


@pytest.mark.parametrize("name", ["../../x", "..", ".", "", "/etc/x", "a/b", "a\\b", "a\nb", ".x"])
@pytest.mark.parametrize("command", ["cycle", "verify", "benchmark"])
def test_row_64_no_name_leads_out_of_the_run_folder(
    command: str, name: str, tmp_path: Path
) -> None:
    from align_da.cli.application import app  # noqa: PLC0415 (as the command line does)

    with pytest.raises(ConfigError, match="expected a name"):
        app([command, "--name", name, "--run", str(tmp_path / "run")], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_row_64_a_name_that_leads_out_ends_the_command_with_code_2(tmp_path: Path) -> None:
    result = subprocess.run(
        [COMMAND, "cycle", "--name", "../../x"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, "expected a name" in result.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=40))
def test_row_64_every_name_is_refused_or_lies_in_the_folder(name: str) -> None:
    folder = RunFolder(Path("/runs/one"))
    try:
        checked_name(name)
    except ConfigError:
        return
    places = (folder.cycles(name), folder.weights(name), folder.checkpoints(name))
    for place in (*places, folder.backgrounds(name)):
        assert place.resolve().is_relative_to("/runs/one")
        assert place.name.startswith(name) or name in place.name


def keys_of(table: dict[str, Any], place: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The place of every value of nested tables."""
    found = []
    for key, value in table.items():
        inner = isinstance(value, dict)
        found += keys_of(value, (*place, key)) if inner else [(*place, key)]
    return found


# With the sections that are absent by default, three of which need more than themselves.
NEEDED: dict[str, dict[str, Any]] = {
    "era5": {"world": {"truth": "era5", "spin_up_days": 0}, "era5": {"source": "era5.zarr"}},
    "onnx": {"world": {"model": "onnx"}, "onnx": {"path": "graph.onnx", "kind": "frame"}},
    "neuralgcm": {
        "world": {"model": "neuralgcm"},
        "neuralgcm": {"path": "model.pkl", "forcings": "sea.nc"},
    },
}
DEFAULTS = Config().model_dump(mode="json") | {
    "era5": Era5Config(source="era5.zarr").model_dump(mode="json"),
    "onnx": OnnxConfig(path="graph.onnx", kind="frame").model_dump(mode="json"),
    "neuralgcm": NeuralGcmConfig(path="model.pkl", forcings="sea.nc").model_dump(mode="json"),
    "reports": ReportsConfig().model_dump(mode="json"),
}
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.integers(1, 8)
    | st.floats(0, 1, exclude_min=True)
    | st.sampled_from(["warn", "heun", "jfps", "test", "lorenz96", "1700-01-01T00:00"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("examples", [20, pytest.param(200, marks=pytest.mark.long)])
def test_row_66_a_changed_configuration_is_refused_or_means_what_it_says(
    examples: int, figure: Figure
) -> None:
    counted = {"refused": 0, "taken": 0}

    @settings(max_examples=examples, deadline=None, database=None)
    @given(place=st.sampled_from(keys_of(DEFAULTS)), value=ANYTHING)
    def changed(place: tuple[str, ...], value: object) -> None:
        table = deepcopy(NEEDED.get(place[0], {}))
        inner = table
        for section in place[:-1]:
            inner = inner.setdefault(section, {})
        inner[place[-1]] = value
        try:
            config = config_from_table(table)
        except AlignDAError as error:
            assert isinstance(error, ConfigError)  # noqa: PT017 (any other is a defect)
            counted["refused"] += 1
            return
        counted["taken"] += 1
        found = config.model_dump(mode="json")
        for name in place:
            found = found[name]
        assert found == value
        assert not isinstance(value, float) or math.isfinite(value)
        again = config_from_table(config.model_dump(mode="json"))
        assert digest_of(again) == digest_of(config)

    changed()
    assert counted["refused"] > 0
    figure(f"{examples} changed configurations: {counted['refused']} refused, none misread")
