"""The rendered sounds: a score that players understand, formulas that can be heard. Nothing is played here."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "render_sounds.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("render_sounds", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_score_holds_every_note_at_its_time(script):
    clips = [(24, False, [(0.0, 1.0, 60, 100)]), (0, True, [(0.5, 0.2, 38, 90)])]
    data = script.midi(clips)
    assert data[:4] == b"MThd" and data[14:18] == b"MTrk" and len(data) == 22 + int.from_bytes(data[18:22], "big")
    assert data.endswith(b"\xff\x2f\0")
    time, at, heard = 0, 22 + 7, []  # after the tempo
    while data[at + 1:at + 3] != b"\xff\x2f" and at < len(data) - 4:
        delta = 0
        while True:
            delta, more, at = delta << 7 | data[at] & 0x7F, data[at] & 0x80, at + 1
            if not more:
                break
        time += delta
        if data[at] == 0xFF:
            break
        if data[at] & 0xF0 == 0x90:
            heard.append((round(time / script.TICKS, 2), data[at] & 0x0F, data[at + 1]))
        at += 2 if data[at] & 0xF0 == 0xC0 else 3
    assert heard == [(0.0, 0, 60), (script.SLOT + 0.5, script.DRUMS, 38)]


@pytest.mark.parametrize("value, written", [(0, b"\0"), (127, b"\x7f"), (128, b"\x81\0"), (16384, b"\x81\x80\0")])
def test_long_pauses_are_written_as_midi_wants_them(script, value, written):
    assert script._variable(value) == written


def test_every_instrument_plays_notes_within_its_range_and_time(script):
    rng = np.random.default_rng(0)
    for name, (_, programs, (lowest, highest), style) in script.INSTRUMENTS.items():
        played = script.notes(style, lowest, highest, rng)
        assert played and len(programs) == script.FOLDS, name
        assert all(0 <= start < script.SECONDS + 1 and lowest - 4 <= pitch <= highest and 0 < loud < 128
                   for start, _, pitch, loud in played), name


def test_every_formula_can_be_heard_and_is_never_clipped(script):
    time = np.arange(round(script.SECONDS * script.RATE)) / script.RATE
    for name, (_, formula) in script.FORMULAS.items():
        for seed in range(4):
            samples = formula(time, np.random.default_rng(seed))
            assert len(samples) == len(time) and 0.1 < np.abs(samples).max() < 1.5, name
