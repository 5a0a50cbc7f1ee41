"""Renders a data folder of sounds from what Debian ships: instruments, speech, and alarms made by formulas.

    apt-get install fluidsynth fluid-soundfont-gm espeak-ng
    python scripts/render_sounds.py --out runs/rendered
    pointllm data build ../shared/data runs/rendered --out runs/sounds --no-prepare

Each class has as many clips in each of four folds; where a class has several instruments or voices, a fold has its own,
so that a fold that is held out is heard from what was not trained on. The same seed, sound font and versions give the
same clips. Instruments come from one MIDI file that fluidsynth plays, speech from espeak-ng, the rest from numpy.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from pointllm.data.sound_disturbances import resampled

RATE = 44100
SECONDS, SLOT = 5.0, 8.0  # of a clip, and from one clip to the next in the MIDI file, so that notes can die away
FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
FOLDS = 4
TICKS = 480  # a second: 480 ticks a quarter note, 60 quarters a minute
DRUMS = 9  # General MIDI's channel of percussion

# class → (object_label, General MIDI programs by fold, lowest and highest note, how it is played)
INSTRUMENTS = {
    "guitar": ("guitar", (24, 25, 27, 30), (40, 72), "strummed"),
    "piano": ("piano", (0, 1, 2, 3), (36, 88), "chords"),
    "synthesizer": ("synthesizer", (81, 80, 90, 62), (36, 84), "melody"),
    "xylophone": ("xylophone", (13, 13, 12, 12), (60, 96), "melody"),
    "bell": ("bell", (14, 14, 112, 14), (55, 84), "slow"),
    "doorbell": ("doorbell", (11, 14, 11, 9), (64, 80), "ding-dong"),
    "telephone_ring": ("telephone", (124,) * 4, (55, 79), "held"),
    "bird_tweet": ("bird", (123,) * 4, (55, 79), "held"),
    "gunshot": ("pistol", (127,) * 4, (48, 72), "slow"),
    "violin": (None, (40, 41, 40, 44), (55, 88), "melody"),
    "trumpet": (None, (56, 57, 59, 56), (52, 80), "melody"),
    "flute": (None, (73, 72, 74, 75), (60, 90), "melody"),
    "organ": (None, (19, 16, 18, 20), (36, 84), "chords"),
    "drums": (None, (0, 8, 16, 25), (35, 57), "drums"),
    "applause": (None, (126,) * 4, (48, 72), "held"),
}
SENTENCES = (
    "Good morning, how did you sleep last night?", "The train to the coast leaves at half past seven.",
    "I would like two loaves of bread and some butter, please.", "Could you tell me where the library is?",
    "We have been waiting here for almost an hour.", "Turn left at the corner, and then it is the third door.",
    "She told me that the meeting was moved to Friday.", "That is one of the best stories I have ever heard.",
)
VOICES = (("en-us+m1", "en-us+f1", "en-gb+m4"), ("en-gb+m2", "en-us+f2", "de+m7"),
          ("en-us+m3", "en-gb+f3", "fr+f4"), ("en-gb+m5", "en-us+f5", "es+m6"))  # by fold

Note = tuple[float, float, int, int]  # start and length in seconds, pitch, loudness 1 to 127


def notes(style: str, lowest: int, highest: int, rng: np.random.Generator) -> list[Note]:
    """What is played in a clip of SECONDS."""
    scale = np.array([p for p in range(lowest, highest + 1) if (p - lowest) % 12 in (0, 2, 4, 5, 7, 9, 11)])
    loud = int(rng.integers(70, 120))
    if style == "held":
        return [(0.0, SECONDS, int(rng.integers(lowest, highest + 1)), loud)]
    if style == "ding-dong":
        high, step = int(rng.integers(lowest, highest + 1)), rng.uniform(0.4, 0.9)
        return [(0.0, 1.5, high, loud), (step, 3.0, high - 4, loud)]
    if style == "slow":
        times = np.cumsum(rng.uniform(0.5, 2.0, 8))
        return [(t - times[0], 1.5, int(rng.choice(scale)), loud) for t in times if t - times[0] < SECONDS - 0.3]
    beat = rng.uniform(0.18, 0.5)
    if style == "drums":
        pattern = [(35, 8, 0), (38, 8, 4), (42, 2, 0), (int(rng.integers(41, 51)), 16, 14)]
        return [(k * beat / 2, 0.2, pitch, loud) for pitch, every, first in pattern
                for k in range(first, int(2 * SECONDS / beat), every)]
    found, time, place = [], 0.0, int(rng.integers(len(scale)))
    while time < SECONDS - 0.1:
        length = beat * int(rng.choice([1, 1, 2, 4]))
        place = int(np.clip(place + rng.integers(-4, 5), 0, len(scale) - 1))
        together = {"melody": (0,), "chords": (0, 2, 4), "strummed": (0, 2, 4, 7)}[style]
        if rng.random() < 0.3:
            together = (0,)
        for number, above in enumerate(together):
            delay = 0.02 * number if style == "strummed" else 0.0
            found.append((time + delay, length * 1.1, int(scale[min(place + above, len(scale) - 1)]), loud))
        time += length
    return found


def midi(clips: list[tuple[int, bool, list[Note]]]) -> bytes:
    """Clips (program, on the channel of percussion, notes), SLOT seconds apart → a MIDI file of one track."""
    events: list[tuple[int, int, bytes]] = []
    for number, (program, drums, played) in enumerate(clips):
        begin, channel = number * SLOT, DRUMS if drums else 0
        events.append((round(begin * TICKS), 0, bytes([0xC0 | channel, program])))
        for start, length, pitch, loud in played:
            end = min(start + length, SECONDS)
            events.append((round((begin + start) * TICKS) + 1, 2, bytes([0x90 | channel, pitch, loud])))
            events.append((round((begin + end) * TICKS) + 1, 1, bytes([0x80 | channel, pitch, 0])))
    track, now = bytearray(b"\0\xff\x51\x03" + (1_000_000).to_bytes(3, "big")), 0
    for time, _, event in sorted(events):
        track += _variable(time - now) + event
        now = time
    track += _variable(round(len(clips) * SLOT * TICKS) - now) + b"\xff\x2f\0"
    return (b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1]) + TICKS.to_bytes(2, "big")
            + b"MTrk" + len(track).to_bytes(4, "big") + bytes(track))


def _variable(value: int) -> bytes:
    """MIDI's numbers of variable length: seven bits a byte, the highest bit set in all but the last."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def played(font: Path, clips: list[tuple[int, bool, list[Note]]]) -> list[np.ndarray]:
    """The clips as fluidsynth plays them."""
    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder, "score.mid"), Path(folder, "score.wav")
        score.write_bytes(midi(clips))
        subprocess.run(["fluidsynth", "-niq", "-R", "0", "-C", "0", "-g", "0.5", "-r", str(RATE), "-T", "wav",
                        "-F", str(wave), str(font), str(score)], check=True, stdout=subprocess.DEVNULL)
        samples = soundfile.read(wave, dtype="float32", always_2d=True)[0].mean(axis=1)
    starts = [round(number * SLOT * RATE) for number in range(len(clips))]
    return [samples[start:start + round(SECONDS * RATE)] for start in starts]


def spoken(fold: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Sentences by one of the fold's voices."""
    voice = VOICES[fold - 1][number % len(VOICES[fold - 1])]
    text = " ".join(rng.choice(SENTENCES, 2, replace=False))
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder, "speech.wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(rng.integers(130, 190)), "-p", str(rng.integers(30, 70)),
                        "-w", str(wave), text], check=True)
        samples, rate = soundfile.read(wave, dtype="float32")
    return resampled(samples, rate, RATE)[0][:round(SECONDS * RATE)]


def swept(frequency: np.ndarray, harmonics: int, falloff: float) -> np.ndarray:
    """A tone whose frequency (T,) changes, with overtones that fall off as 1 / n^falloff."""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    tone = sum(np.sin(n * phase) / n**falloff for n in range(1, harmonics + 1) if n * frequency.max() < RATE / 2)
    return (0.5 * tone / np.abs(tone).max()).astype(np.float32)


def police_siren(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Wail (slow) or yelp (fast): 600 to 1,400 Hz and back."""
    rate = rng.uniform(0.15, 0.35) if rng.random() < 0.5 else rng.uniform(2.5, 4.0)
    low, high = rng.uniform(500, 750), rng.uniform(1200, 1600)
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * (rate * time + rng.random()))
    return swept(low + (high - low) * wave, 6, rng.uniform(0.7, 1.5))


def two_tone_siren(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two tones a fourth apart, in turns of about 0.7 s."""
    low, turn = rng.uniform(360, 480), rng.uniform(0.4, 0.9)
    return swept(np.where((time / turn + rng.random()) % 2 < 1, low, low * 4 / 3), 8, rng.uniform(0.7, 1.5))


def smoke_alarm(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The temporal-three signal of ISO 8201: three beeps of half a second, then a pause."""
    tone = swept(np.full(len(time), rng.uniform(2900, 3500)), 3, 2.0)
    place = (time + rng.uniform(0, 4)) % 4.0
    return tone * ((place % 1.0 < 0.5) & (place < 3.0))


def car_horn(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two horns about a third apart, pressed once or several times."""
    low, falloff = rng.uniform(330, 440), rng.uniform(0.3, 0.9)
    both = swept(np.full(len(time), low), 24, falloff) + swept(np.full(len(time), low * rng.uniform(1.19, 1.27)), 24,
                                                               falloff)
    pressed, start = np.zeros(len(time), np.float32), 0.1
    while start < SECONDS - 0.4:
        length = rng.choice([0.15, 0.4, 1.5]) * rng.uniform(0.8, 1.3)
        pressed[(time >= start) & (time < start + length)] = 1
        start += length + rng.uniform(0.12, 0.8)
    ramp = round(0.01 * RATE)
    return (0.5 * both * np.convolve(pressed, np.ones(ramp) / ramp, "same")).astype(np.float32)


FORMULAS: dict[str, tuple[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]]] = {
    "police_siren": ("police car", police_siren), "two_tone_siren": ("ambulance", two_tone_siren),
    "smoke_alarm": ("smoke detector", smoke_alarm), "car_horn": ("car", car_horn)}


def render(out: Path, font: Path, a_fold: int, seed: int) -> list[dict]:
    """Write all clips below `out` → rows of audio.jsonl."""
    rng, rows, clips = np.random.default_rng(seed), [], []
    time = np.arange(round(SECONDS * RATE)) / RATE

    def keep(samples: np.ndarray, name: str, fold: int, number: int, maker: str | None, licence: str,
             creator: str) -> None:
        file = out / "audio" / name / f"{fold}-{number}.ogg"
        file.parent.mkdir(parents=True, exist_ok=True)
        peak = max(float(np.abs(samples).max(initial=0)), 1e-6)
        soundfile.write(file, samples * min(1.0, 0.9 / peak), RATE)
        rows.append({"path": str(file.relative_to(out)), "class": name, "fold": fold, "object_label": maker,
                     "license": licence, "creator": creator})

    planned = [(name, fold, number) for name in INSTRUMENTS for fold in range(1, FOLDS + 1) for number in range(a_fold)]
    for name, fold, _ in planned:
        _, programs, (lowest, highest), style = INSTRUMENTS[name]
        clips.append((programs[fold - 1], style == "drums", notes(style, lowest, highest, rng)))
    for (name, fold, number), samples in zip(planned, played(font, clips), strict=True):
        keep(samples, name, fold, number, INSTRUMENTS[name][0], "MIT" if font == FONT else "see the sound font",
             f"{font.stem}, played by fluidsynth")
    for fold in range(1, FOLDS + 1):
        for number in range(a_fold):
            keep(spoken(fold, number, rng), "person_speaking", fold, number, "person", "CC0-1.0", "espeak-ng")
            for name, (maker, formula) in FORMULAS.items():
                keep(formula(time, rng), name, fold, number, maker, "CC0-1.0", "made by a formula")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--soundfont", type=Path, default=FONT, help=f"SF2 file (default: {FONT})")
    parser.add_argument("--a-fold", type=int, default=3, help="clips of a class in each of the four folds (default: 3)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    missing = [program for program in ("fluidsynth", "espeak-ng") if not shutil.which(program)]
    if missing or not args.soundfont.is_file():
        sys.exit(f"missing: {', '.join(missing) or args.soundfont}; run: apt-get install fluidsynth fluid-soundfont-gm "
                 "espeak-ng")
    rows = render(args.out, args.soundfont, args.a_fold, args.seed)
    (args.out / "audio.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(f"{len(rows)} sounds of {len({row['class'] for row in rows})} classes in {args.out}")


if __name__ == "__main__":
    main()
