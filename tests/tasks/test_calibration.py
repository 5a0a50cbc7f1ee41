"""Fitting how similarities are read, and keeping it beside the weights."""

import json

import numpy as np
import pytest
from tiny_space import DIM, TinyBind, write_profile

from pointllm.errors import DataError, WeightsError
from pointllm.profiles import read_config
from pointllm.tasks import calibrate
from pointllm.tasks.calibrate import Sample
from pointllm.tasks.calibration import FILE, Calibration, save
from pointllm.tasks.fingerprint import fingerprint

RNG = np.random.default_rng(0)
TETRAHEDRON = "OFF\n4 4 6\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n"
NAMES = [f"label {i}" for i in range(60)]


def rows(count, centre, noise, base=None):
    base = RNG.standard_normal((count, DIM)) if base is None else base
    vectors = base + centre + noise * RNG.standard_normal((count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


TEXT = rows(60, 0.5, 0.0)
LABELS = RNG.integers(0, 60, 120)
SAMPLES = {"point": Sample(rows(120, -0.3, 0.15, TEXT[LABELS]), tuple(NAMES[i] for i in LABELS))}


def test_centres_are_means_and_spreads_are_of_unrelated_pairs():
    found = calibrate.fit(SAMPLES, NAMES, TEXT, TEXT)
    np.testing.assert_allclose(found.centres["text"], TEXT.mean(axis=0), atol=1e-6)
    a, b = found.centred(SAMPLES["point"].vectors, "point"), found.centred(TEXT, "text")
    unrelated = LABELS[:, None] != np.arange(60)[None]
    assert found.spread_of("text", "point") == pytest.approx(float((a @ b.T)[unrelated].std()), abs=1e-3)
    assert found.spread_of("point", "text") == found.spread_of("text", "point")


def test_the_temperature_fits_better_than_its_neighbours():
    found = calibrate.fit(SAMPLES, NAMES, TEXT, TEXT)
    cosines = SAMPLES["point"].vectors @ TEXT.T
    losses = [calibrate.negative_log_likelihood(cosines, LABELS, t, calibrate.LIST_SIZES)
              for t in (found.temperature["point"] / 2, found.temperature["point"], found.temperature["point"] * 2)]
    assert losses[1] < min(losses[0], losses[2])


def test_the_threshold_errs_alike_on_both_sides():
    threshold, error = calibrate.fit_none(SAMPLES["point"].vectors, LABELS, TEXT, TEXT)
    inside, outside = calibrate.none_scores(SAMPLES["point"].vectors, LABELS, TEXT, TEXT)
    assert np.mean(inside < threshold) == pytest.approx(np.mean(outside >= threshold), abs=0.02)
    assert error < 0.35 and inside.mean() > outside.mean()


def test_lists_hold_the_right_label_first_or_not_at_all():
    for holds in (True, False):
        lists = calibrate.draw_lists(LABELS, 60, 10, holds_right=holds, seed=1)
        assert all(len(set(row)) == 10 for row in lists)
        assert ((lists == LABELS[:, None]).sum(axis=1) == holds).all() and ((lists[:, 0] == LABELS) == holds).all()


def test_nothing_to_fit_to_and_unknown_labels_are_refused():
    with pytest.raises(DataError, match="nothing to calibrate"):
        calibrate.fit({}, NAMES, TEXT, TEXT)
    with pytest.raises(DataError, match="strange"):
        calibrate.fit({"point": Sample(TEXT[:1], ("strange",))}, NAMES, TEXT, TEXT)


def test_a_stored_calibration_is_read_back_and_leaves_the_weights_what_they_are(tmp_path):
    profile = write_profile(tmp_path / "p", views=6)
    before = fingerprint(profile)
    assert not Calibration.of(profile).is_measured and Calibration.of(profile).spread_of("text", "point") == 1.0
    found = calibrate.fit(SAMPLES, NAMES, TEXT, TEXT)
    save(tmp_path / "p", found)
    again = Calibration.of(profile)
    assert again.is_measured and again.temperature == found.temperature and again.none == found.none
    np.testing.assert_array_equal(again.centres["point"], found.centres["point"])
    assert read_config(tmp_path / "p")["views"] == 6
    assert read_config(tmp_path / "p")["temperature"] == found.temperature["point"]
    assert fingerprint(profile) == before
    files = {str(path.relative_to(tmp_path / "p")) for path in (tmp_path / "p").rglob("*") if path.is_file()}
    assert files == {"config.json", "model.safetensors", FILE}
    assert again.spread_of("video", "text") == again.spread_of("image", "text")


def test_a_newer_calibration_without_sounds_leaves_what_was_measured_on_sounds():
    spread = {"point": {"audio": 0.1, "text": 0.2}, "audio": {"text": 0.3}}
    old = Calibration({"audio": TEXT[0], "point": TEXT[1]}, spread,
                      {"audio": 0.04, "point": 0.03}, {"audio": -0.1})
    newer = Calibration({"point": TEXT[2]}, {"text": {"point": 0.5}}, {"point": 0.02}, {"point": -0.2})
    found = old.updated(newer)
    np.testing.assert_array_equal(found.centres["audio"], TEXT[0])
    np.testing.assert_array_equal(found.centres["point"], TEXT[2])
    assert found.spread == {"point": {"audio": 0.1, "text": 0.5}, "audio": {"text": 0.3}}
    assert found.temperature == {"audio": 0.04, "point": 0.02} and found.none == {"audio": -0.1, "point": -0.2}
    assert old.spread_of("point", "text") == 0.2  # which stays as it was


def test_data_are_embedded_as_shapes_and_pictures_and_broken_ones_left_out(tmp_path):
    rows = []
    for name in ("a", "b", "broken"):
        (tmp_path / f"{name}.off").write_text(TETRAHEDRON if name != "broken" else "OFF\n")
        rows.append({"id": name, "path": f"{name}.off", "label": f"label {len(rows)}", "split": "val"})
    rows.append({"id": "seen", "path": "a.off", "label": "label 0", "split": "train"})
    (tmp_path / "objects.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = calibrate.embed_data(TinyBind(), tmp_path)
    assert set(found) == {"point", "image"}
    assert found["point"].labels == found["image"].labels == ("label 0", "label 1")
    assert found["image"].vectors.shape == (2, DIM)


def test_a_damaged_calibration_is_one_line(tmp_path):
    profile = write_profile(tmp_path / "p")
    (tmp_path / "p" / FILE).parent.mkdir()
    (tmp_path / "p" / FILE).write_bytes(b"not tensors")
    with pytest.raises(WeightsError, match="pointllm calibrate"):
        Calibration.of(profile)


def test_a_fingerprint_changes_with_the_weights_and_with_what_they_need(tmp_path):
    first = fingerprint(write_profile(tmp_path / "a"))
    assert fingerprint(write_profile(tmp_path / "b")) == first  # another place, the same weights
    assert fingerprint(write_profile(tmp_path / "c", seed=1)) != first
    assert fingerprint(write_profile(tmp_path / "d", views=4)) != first
    (tmp_path / "b" / "llm").mkdir()
    (tmp_path / "b" / "llm" / "adapters.safetensors").write_bytes(b"other")
    (tmp_path / "b" / "results.json").write_text(json.dumps({"top1": 1}))
    assert fingerprint(str(tmp_path / "b")) == first
    (tmp_path / "b" / "text").mkdir()
    (tmp_path / "b" / "text" / "model.safetensors").write_bytes(b"words")
    assert fingerprint(str(tmp_path / "b"), "text") != fingerprint(str(tmp_path / "b")) != first


def test_the_embedded_profile_is_calibrated():
    found = Calibration.of("embedded")
    assert found.is_measured and set(found.centres) == {"point", "image", "audio", "text"}
    assert {"point", "image", "audio"} <= set(found.temperature) and "point" in found.none
