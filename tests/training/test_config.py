"""Config files: every fault is one line that names the file and the key."""

from pathlib import Path

import pytest
import yaml

from pointllm.errors import InputError
from pointllm.training.audio_config import AudioConfig
from pointllm.training.bind_config import BindConfig
from pointllm.training.config import differences, load_config, save_config
from pointllm.training.llm_config import LlmConfig

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
BIND = {
    "tower": {"encoder": "i2p_mae", "dim": 8}, "loss": {"label": 1.0}, "optimizer": {"learning_rate": "1e-3"},
    "batch": 4, "steps": 10,
}  # fmt: skip


def write(folder, values):
    path = folder / "c.yaml"
    path.write_text(values if isinstance(values, str) else yaml.safe_dump(values))
    return path


@pytest.mark.parametrize(("name", "schema"), [
    ("embedded/bind.yaml", BindConfig), ("embedded/llm.yaml", LlmConfig), ("embedded/audio.yaml", AudioConfig),
    ("official/bind.yaml", BindConfig), ("official/bind-pointbert.yaml", BindConfig), ("official/llm.yaml", LlmConfig),
])  # fmt: skip
def test_the_configs_that_come_with_the_repository_are_sound(name, schema):
    load_config(CONFIGS / name, schema)


def test_numbers_may_be_written_with_an_exponent_and_keys_be_set_from_outside(tmp_path):
    config = load_config(write(tmp_path, BIND), BindConfig, ["loss.text.weight=0.5", "seed=3"])
    assert (config.optimizer.learning_rate, config.loss.text.weight, config.seed) == (1e-3, 0.5, 3)


def test_what_is_saved_is_complete_and_reads_the_same(tmp_path):
    config = load_config(write(tmp_path, BIND), BindConfig)
    save_config(config, tmp_path / "saved.yaml")
    assert "smoothing" in (tmp_path / "saved.yaml").read_text()
    assert load_config(tmp_path / "saved.yaml", BindConfig) == config


@pytest.mark.parametrize(("change", "message"), [
    ({"bach": 3}, "unknown key bach; did you mean batch?"),
    ({"optimizer": {"learning_rate": 1, "warmup": 3}}, "unknown key optimizer.warmup"),
    ({"loss": {"label": 1, "text": {"wieght": 1}}}, "unknown key loss.text.wieght; did you mean weight?"),
    ({"optimizer": {}}, "missing key optimizer.learning_rate"),
    ({"batch": "many"}, "batch is 'many'; it should be a valid integer"),
    ({"batch": 1}, "batch is 1; it should be greater than or equal to 2"),
    ({"tower": {"encoder": "i2p_mea", "dim": 8}}, "unknown encoder 'i2p_mea'; known:"),
    ({"tower": {"encoder": "i2p_mae", "dim": 8, "architecture": {"width": 3}}}, "i2p_mae has no width"),
    ({"tower": {"encoder": "i2p_mae", "dim": 8, "projection_layers": 4}}, "projection_layers is 4"),
    ({"loss": {}}, "every term has weight 0"),
    ({"steps": None}, "give epochs or steps"),
    ({"augmentation": {"wobble": 1}}, "unknown key wobble; known: lying"),
])  # fmt: skip
def test_faults_are_named_in_one_line(tmp_path, change, message):
    path = write(tmp_path, BIND | change)
    with pytest.raises(InputError) as caught:
        load_config(path, BindConfig)
    assert message in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "message"), [
    ("a: [1", "is not YAML"), ("- 1", "holds no keys"), ("", "holds no keys"), ("\x00", "is not YAML")])
def test_files_that_are_no_configs_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        load_config(write(tmp_path, text), BindConfig)


def test_a_file_that_is_not_there_and_overrides_that_lead_nowhere_are_refused(tmp_path):
    with pytest.raises(InputError, match="can't be read"):
        load_config(tmp_path / "none.yaml", BindConfig)
    for override, message in (("batch", "write key=value"), ("batch.size=3", "batch has no keys"), ("a=[", "not YAML")):
        with pytest.raises(InputError, match=message):
            load_config(write(tmp_path, BIND), BindConfig, [override])


def test_differences_are_found_inside_sections():
    assert differences({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 4, "d": 3}, "e": 5}) == ["b.c", "e"]
