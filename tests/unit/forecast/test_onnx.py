"""Graphs in ONNX format as forecast models: known results, and what is refused."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import pytest
from onnx import TensorProto, helper
from small_graphs import (
    GRID,
    convolving_graph,
    expected_step,
    fengwu_graph,
    frame_graph,
    model_of,
    pangu_graph,
    random_states,
    scaling_of,
    serialised,
    written,
)

from align_da.assimilation.free_run import FreeRun
from align_da.atmosphere import State
from align_da.config import Config, OnnxConfig, WorldConfig, config_from_table
from align_da.cycling.cycle import CycleParts, CycleState, make_background
from align_da.errors import AlignDAError, BadStateError, ConfigError, InputError, StorageError
from align_da.forecast import ForecastModel
from align_da.forecast.graph_kinds import LEVELS, graph_kind
from align_da.forecast.onnx import OnnxForecastModel
from align_da.observations.interpolation import interpolation_operator
from align_da.runs.forecast_models import configured_forecast_model, kind_of
from align_da.runs.forecast_models import onnx as onnx_builder
from align_da.storage.model_files import model_file_digests

TIME = np.datetime64("2019-01-01T00:00")
GRAPHS: dict[str, tuple[Callable[[], bytes], dict[str, Any]]] = {
    "fengwu": (fengwu_graph, {"kind": "fengwu"}),
    "fengwu, one frame given": (lambda: fengwu_graph(given=69), {"kind": "fengwu"}),
    "lda order": (fengwu_graph, {"kind": "fengwu", "order": "lda"}),
    "pangu": (pangu_graph, {"kind": "pangu", "step_hours": 24}),
    "frame": (lambda: frame_graph(69), {"kind": "frame"}),
    "any batch": (lambda: frame_graph(69, batch="batch"), {"kind": "frame", "order": "lda"}),
    "own channels": (
        lambda: frame_graph(5),
        {
            "kind": "frame",
            "variables": ("2m_temperature", "temperature", "u_component_of_wind"),
            "levels": (85000.0, 50000.0),
        },
    ),
}


def built(config: OnnxConfig) -> ForecastModel:
    return configured_forecast_model(Config(world=WorldConfig(model="onnx"), onnx=config))


@pytest.fixture(params=GRAPHS)
def config(request: pytest.FixtureRequest, tmp_path: Path) -> OnnxConfig:
    graph, settings = GRAPHS[request.param]
    return written(tmp_path, graph(), **settings)


def test_three_steps_are_those_of_the_graph(config: OnnxConfig) -> None:
    model, kind = built(config), kind_of(config)
    std = scaling_of(kind)[1] if config.kind == "fengwu" else np.ones(len(kind.channels))
    states, previous = (random_states(model.layout, batch=3, seed=seed) for seed in (0, 1))
    before, now = np.asarray(previous.values), np.asarray(states.values)
    for _ in range(3):
        before, now = now, expected_step(kind, model.layout, now, before, std)
    found = model.forecast(states, TIME, 3 * model.step_hours, previous)
    scale = np.abs(now).max(axis=(0, 1, 2))
    np.testing.assert_allclose(np.asarray(found.values) / scale, now / scale, atol=2e-6)
    assert found.layout == model.layout


def test_a_missing_frame_is_the_same_frame_again(config: OnnxConfig) -> None:
    model = built(config)
    states, other = (random_states(model.layout, seed=seed) for seed in (0, 1))
    alone, twice, moving = (
        np.asarray(model.forecast(states, TIME, model.step_hours, previous).values)
        for previous in (None, states, other)
    )
    np.testing.assert_array_equal(alone, twice)
    assert np.array_equal(alone, moving) == (model.frames == 1)


def test_the_layout_is_south_to_north_with_variables_in_table_order(tmp_path: Path) -> None:
    model = built(written(tmp_path, fengwu_graph(), kind="fengwu"))
    assert model.layout.grid.latitude == (
        -78.75,
        -56.25,
        -33.75,
        -11.25,
        11.25,
        33.75,
        56.25,
        78.75,
    )
    assert model.layout.grid.longitude == tuple(22.5 * i for i in range(16))
    assert model.layout.grid.vertical.levels == LEVELS
    assert model.layout.variables[:5] == (
        "u_component_of_wind",
        "v_component_of_wind",
        "temperature",
        "specific_humidity",
        "geopotential",
    )
    assert model.layout.shape == (8, 16, 69)


def test_rows_from_pole_to_pole_are_those_of_the_published_graphs(tmp_path: Path) -> None:
    config = written(tmp_path, frame_graph(69, (9, 16)), kind="frame")
    model = built(config.model_copy(update={"rows": "poles"}))
    assert model.layout.grid.latitude == tuple(-90 + 22.5 * i for i in range(9))


def test_the_first_channels_of_fengwu_are_those_of_its_readme(tmp_path: Path) -> None:
    """u10, v10, t2m, msl, z50: a unit in one of them comes back in the same."""
    orders: dict[Literal["fengwu", "lda"], str] = {
        "fengwu": "10m_u_component_of_wind",
        "lda": "mean_sea_level_pressure",
    }
    for order, first in orders.items():
        graph = frame_graph(69, offset=0.0)
        model = built(written(tmp_path / order, graph, kind="frame", order=order))
        kind = graph_kind("frame", order)
        assert kind.channels[0] == (first, None)
        assert kind.channels[4] == ("geopotential", 5000.0)
        assert kind.channels[-1] == ("temperature", 100000.0)
        assert model.layout.shape[-1] == 69
    pangu = graph_kind("pangu")
    assert pangu.channels[0] == ("geopotential", 100000.0)
    assert pangu.channels[12] == ("geopotential", 5000.0)
    assert pangu.channels[65:] == (
        ("mean_sea_level_pressure", None),
        ("10m_u_component_of_wind", None),
        ("10m_v_component_of_wind", None),
        ("2m_temperature", None),
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_a_new_session_gives_the_same_bits(threads: int) -> None:
    graph = convolving_graph()
    values = []
    for _ in range(2):
        model = OnnxForecastModel(graph, graph_kind("frame"), rows="bands", threads=threads)
        states = random_states(model.layout, batch=3)
        values.append(np.asarray(model.forecast(states, TIME, 24).values))
    np.testing.assert_array_equal(*values)
    alone = model.forecast(State(states.values[1:2], states.layout), TIME, 24)
    np.testing.assert_array_equal(np.asarray(alone.values), values[0][1:2])


def test_what_is_not_finite_goes_on_to_whoever_judges_it(tmp_path: Path) -> None:
    model = built(written(tmp_path, frame_graph(69, offset=np.nan), kind="frame"))
    states = random_states(model.layout)
    assert bool(jnp.isnan(model.forecast(states, TIME, 6).values).any())
    parts = CycleParts(model, FreeRun(interpolation_operator), 6)
    with pytest.raises(BadStateError, match="background of cycle 3: member 0 has"):
        make_background(parts, CycleState(states, TIME, 3))


def test_digests_name_every_file_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    graph = fengwu_graph()
    config = written(tmp_path, graph, kind="fengwu")
    digest = hashlib.sha256(graph).hexdigest()
    found = model_file_digests(config.files)
    assert sorted(found) == ["onnx.mean", "onnx.path", "onnx.std"]
    assert found["onnx.path"] == digest
    assert built(config.model_copy(update={"sha256": digest})).frames == 2
    with pytest.raises(StorageError, match="another file"):
        built(config.model_copy(update={"sha256": "0" * 64}))


def test_states_of_another_grid_are_told_which_one_the_graph_wants(tmp_path: Path) -> None:
    model = built(written(tmp_path, frame_graph(69), kind="frame"))
    states = random_states(model.layout)
    poles = tuple(np.linspace(-90, 90, 8).tolist())
    layout = replace(model.layout, grid=replace(model.layout.grid, latitude=poles))
    with pytest.raises(
        InputError, match=r"8 x 16 points with latitudes -78.75, .*got -90.0, .*rows"
    ):
        model.forecast(State(states.values, layout), TIME, 6)
    layout = replace(model.layout, variables=model.layout.variables[::-1])
    with pytest.raises(InputError, match="with variables u_component_of_wind"):
        model.forecast(State(states.values, layout), TIME, 6)


def other_shape() -> bytes:
    """One frame that comes back with a row less, which the graph does not tell before it runs."""
    nodes = [helper.make_node("Slice", ["state", "zero", "rows", "axis"], ["next"])]
    constants = {"zero": [0], "rows": [7], "axis": [2]}
    return model_of(
        [("state", (1, 69, *GRID))],
        [("next", ("a", "b", "c", "d"))],
        nodes,
        {name: np.array(value, np.int64) for name, value in constants.items()},
    )


def failing() -> bytes:
    """One frame whose step asks for an element that is not there."""
    nodes = [
        helper.make_node("ReduceMax", ["state"], ["largest"], keepdims=0),
        helper.make_node("Cast", ["largest"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["state", "place"], ["some"], axis=0),
        helper.make_node("Reshape", ["some", "shape"], ["next"]),
    ]
    shape = (1, 69, *GRID)
    constants = {"shape": np.array(shape, np.int64)}
    return model_of([("state", shape)], [("next", shape)], nodes, constants)


def external(location: str = "../../etc/passwd") -> bytes:
    """Weights in another file."""
    tensor = TensorProto(name="offset", data_type=TensorProto.FLOAT, dims=[1, 69, 1, 1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "276")):
        tensor.external_data.add(key=key, value=value)
    shape = (1, 69, *GRID)
    graph = helper.make_graph(
        [helper.make_node("Add", ["state", "offset"], ["next"])],
        "external",
        [helper.make_tensor_value_info("state", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("next", TensorProto.FLOAT, shape)],
        [tensor],
    )
    return serialised(graph)


def identity(shape: tuple[int | str, ...], number: int = TensorProto.FLOAT) -> bytes:
    """What comes in goes out."""
    node = helper.make_node("Identity", ["state"], ["next"])
    return model_of([("state", shape)], [("next", shape)], [node], {}, number)


def short_output() -> bytes:
    """Fewer channels come out than go in."""
    nodes = [helper.make_node("Slice", ["state", "zero", "some", "axis"], ["next"])]
    constants = {"zero": [0], "some": [60], "axis": [1]}
    return model_of(
        [("state", (1, 69, *GRID))],
        [("next", (1, 60, *GRID))],
        nodes,
        {name: np.array(value, np.int64) for name, value in constants.items()},
    )


def unknown_operator() -> bytes:
    node = helper.make_node("Magic", ["state"], ["next"], domain="elsewhere")
    shape = (1, 69, *GRID)
    return model_of([("state", shape)], [("next", shape)], [node], {})


FRAME: dict[str, Any] = {"kind": "frame"}
BROKEN_GRAPHS: dict[str, tuple[Callable[[], bytes], dict[str, Any], str]] = {
    "an empty file": (lambda: b"", FRAME, "graph cannot be loaded"),
    "no graph": (lambda: b"\x89PNG\r\n", FRAME, "graph cannot be loaded"),
    "half a graph": (lambda: frame_graph(69)[:400], FRAME, "graph cannot be loaded"),
    "an unknown operator": (unknown_operator, FRAME, "graph cannot be loaded.*Magic"),
    "weights elsewhere": (
        external,
        FRAME,
        "graph cannot be loaded.*one ONNX file with its weights",
    ),
    "two frames for one": (fengwu_graph, FRAME, r"takes \(1, 69, lat, lon\).*'input' \(1, 138, 8"),
    "one frame for two": (
        lambda: frame_graph(69),
        {"kind": "fengwu"},
        r"takes \(1, 138, lat, lon\)",
    ),
    "one array for two": (
        lambda: frame_graph(69),
        {"kind": "pangu"},
        r"\(5, 13, lat, lon\) and \(4,",
    ),
    "two arrays for one": (
        pangu_graph,
        FRAME,
        r"'input' \(5, 13, 8, 16\) and 'input_surface' \(4",
    ),
    "another number of channels": (lambda: frame_graph(70), FRAME, r"'state' \(1, 70, 8, 16\)"),
    "a batch of two": (lambda: frame_graph(69, batch=2), FRAME, r"'state' \(2, 69, 8, 16\)"),
    "channels last": (lambda: identity((1, *GRID, 69)), FRAME, r"'state' \(1, 8, 16, 69\)"),
    "double precision": (
        lambda: identity((1, 69, *GRID), TensorProto.DOUBLE),
        FRAME,
        r"tensor\(double\) in 'state': export it in single",
    ),
    "half precision": (
        lambda: identity((1, 69, *GRID), TensorProto.FLOAT16),
        FRAME,
        r"tensor\(float16\)",
    ),
    "an open grid": (
        lambda: identity((1, 69, "lat", "lon")),
        FRAME,
        "export it with fixed shapes",
    ),
    "a single row": (lambda: frame_graph(69, (1, 16)), FRAME, "2 or more"),
    "too few channels out": (
        short_output,
        FRAME,
        r"gives 'next' \(1, 60, 8, 16\)",
    ),
    "a row less out": (other_shape, FRAME, r"\(1, 69, 8, 16\), the graph gave \(1, 69, 7, 16\)"),
    "a step that fails": (failing, FRAME, "fails in a step"),
}


@pytest.mark.parametrize("name", BROKEN_GRAPHS)
def test_a_graph_that_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    graph, settings, told = BROKEN_GRAPHS[name]
    config = written(tmp_path, graph(), **settings)

    def forecast() -> None:
        model = built(config)
        model.forecast(random_states(model.layout), TIME, 6)

    with pytest.raises(InputError, match=f"(?s){told}"):
        forecast()


def test_weights_in_the_working_directory_are_no_part_of_a_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No digest would cover them."""
    (tmp_path / "offset.bin").write_bytes(np.ones(69, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"offset\.bin.*save them into it"):
        built(written(tmp_path, external("offset.bin"), kind="frame"))


SECTION: dict[str, Any] = {"path": "graph.onnx", "kind": "frame"}
WRONG_SECTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no section": (
        {"world": {"model": "onnx"}},
        r"section \[onnx\] with its path belong together",
    ),
    "a section without the model": ({"onnx": SECTION}, "belong together"),
    "no path": ({"onnx": {"kind": "frame"}}, "onnx.path"),
    "a misspelt key": ({"onnx": {**SECTION, "pth": "a"}}, "did you mean 'onnx.path'"),
    "another kind": ({"onnx": {"path": "a", "kind": "graphcast"}}, "onnx.kind"),
    "another provider": ({"onnx": {**SECTION, "provider": "tpu"}}, "onnx.provider"),
    "no threads": ({"onnx": {**SECTION, "threads": 0}}, "onnx.threads"),
    "no digest": ({"onnx": {**SECTION, "sha256": "abc"}}, "onnx.sha256"),
    "no step": ({"onnx": {**SECTION, "step_hours": 5}}, "onnx.step_hours"),
    "half a normalisation": ({"onnx": {**SECTION, "mean": "a"}}, "belong together"),
    "FengWu as it is": ({"onnx": {"path": "a"}}, "wants normalised input"),
    "FengWu by the day": (
        {"onnx": {"path": "a", "mean": "m", "std": "s", "step_hours": 24}},
        "step of 6 hours",
    ),
    "Pangu normalised": (
        {"onnx": {"path": "a", "kind": "pangu", "mean": "m", "std": "s"}},
        "normalises by itself",
    ),
    "an order of Pangu": ({"onnx": {"path": "a", "kind": "pangu", "order": "lda"}}, "onnx.order"),
    "channels of FengWu": (
        {"onnx": {"path": "a", "mean": "m", "std": "s", "levels": [50000.0]}},
        "only onnx.kind = 'frame'",
    ),
    "variables without levels": (
        {"onnx": {**SECTION, "variables": ["temperature"]}},
        "onnx.variables needs onnx.levels",
    ),
}


@pytest.mark.parametrize("name", WRONG_SECTIONS)
def test_a_section_that_does_not_fit_is_refused(name: str) -> None:
    table, told = WRONG_SECTIONS[name]
    world = {} if "without the model" in name else {"world": {"model": "onnx"}}
    with pytest.raises(ConfigError, match=told):
        config_from_table(world | table)


def remove(config: OnnxConfig) -> OnnxConfig:
    Path(config.path).unlink()
    return config


def write_std(values: object) -> Callable[[OnnxConfig], OnnxConfig]:
    def write(config: OnnxConfig) -> OnnxConfig:
        assert config.std is not None
        np.save(config.std, values)  # type: ignore[arg-type]
        return config

    return write


def write_no_npy(config: OnnxConfig) -> OnnxConfig:
    assert config.mean is not None
    Path(config.mean).write_bytes(b"no npy")
    return config


def write_archive(config: OnnxConfig) -> OnnxConfig:
    assert config.mean is not None
    with Path(config.mean).open("wb") as file:
        np.savez(file, mean=np.zeros(69))
    return config


def with_channels(*variables: str) -> Callable[[OnnxConfig], OnnxConfig]:
    changes = {"kind": "frame", "variables": variables, "levels": (50000.0, 85000.0)}
    return lambda config: config.model_copy(update=changes)


WRONG_FILES: dict[str, tuple[Callable[[OnnxConfig], OnnxConfig], type[AlignDAError], str]] = {
    "no graph": (remove, StorageError, r"graph\.onnx: No such file"),
    "a deviation of zero": (write_std(np.zeros(69)), InputError, "onnx.std.*above 0.*channel 0"),
    "a deviation of nothing": (write_std(np.full(69, np.nan)), InputError, "onnx.std.*got nan"),
    "other channels": (write_std(np.ones(68)), InputError, r"69 numbers.*shape \(68,\)"),
    "text": (write_std(np.array(["a"] * 69)), InputError, "onnx.std: expected 69 numbers"),
    "objects": (write_std(np.array([{}] * 69)), InputError, "onnx.std.*no npy file of numbers"),
    "no npy": (write_no_npy, InputError, "onnx.mean.*no npy file"),
    "an archive": (write_archive, InputError, "onnx.mean.*got an archive"),
    "an unknown variable": (with_channels("ozone"), ConfigError, "unknown variable 'ozone'"),
    "a variable twice": (with_channels("temperature", "temperature"), ConfigError, "twice"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_file_that_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    spoil, error, told = WRONG_FILES[name]
    config = spoil(written(tmp_path, fengwu_graph(), kind="fengwu"))
    with pytest.raises(error, match=told):
        built(config)


def test_a_missing_package_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"pip install 'align-da\[onnx\]'"):
        built(written(tmp_path, frame_graph(69), kind="frame"))


def test_a_missing_graphics_card_is_no_reason_to_use_the_processor(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in runtime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    config = written(tmp_path, frame_graph(69), kind="frame", provider="cuda")
    with pytest.raises(ConfigError, match=r"CUDAExecutionProvider.*onnx\.provider = 'cpu'"):
        built(config)


def test_a_card_that_does_not_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime would go on with the processor and say so in its log only."""
    runtime = pytest.importorskip("onnxruntime")
    graph = frame_graph(69)
    session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    monkeypatch.setattr(runtime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(runtime, "InferenceSession", lambda *_, **__: session)
    with pytest.raises(ConfigError, match="does not start on this machine"):
        built(written(tmp_path, graph, kind="frame", provider="cuda"))


def test_a_model_without_a_graph_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"name its file in onnx\.path"):
        onnx_builder(Config())
