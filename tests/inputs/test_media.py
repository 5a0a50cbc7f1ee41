"""Pictures, sound, video and text, and the look-up that tells them apart."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from shapes import cloud_points, two_colored_image

from pointllm.errors import InputError
from pointllm.inputs import Video, modality_of, read_audio, read_image, read_input, read_video

TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"])
def test_pictures_of_every_format_become_rgb(tmp_path, suffix):
    two_colored_image().save(tmp_path / f"a.{suffix}", **({"quality": 95} if suffix in ("jpg", "jpeg", "webp") else {}))
    image = read_image(tmp_path / f"a.{suffix}")
    assert image.mode == "RGB" and image.size == (64, 64)
    pixels = np.asarray(image).astype(int)
    assert np.abs(pixels[32, 4] - (255, 0, 0)).max() < 12 and np.abs(pixels[32, 60] - (0, 0, 255)).max() < 12


def test_pictures_are_turned_as_the_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera stood on its right side
    two_colored_image().resize((64, 32)).save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert image.size == (32, 64)
    assert np.asarray(image)[4, 16, 0] > 200 and np.asarray(image)[60, 16, 2] > 200  # red above blue


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_over_white(tmp_path, mode):
    image = two_colored_image((0, 255, 0, 255), (9, 9, 9, 0))
    if mode == "P":
        image = image.quantize(8)
    image.convert(mode).save(tmp_path / "a.png")
    pixels = np.asarray(read_image(tmp_path / "a.png"))
    assert (pixels[:, 40:] == 255).all() and (pixels[:, :30, 0] < 200).all()


@pytest.mark.parametrize("mode, value", [("I;16", 32768), ("L", 128), ("1", 1), ("F", 0.5), ("CMYK", (0, 0, 0, 127))])
def test_modes_other_than_rgb_keep_their_brightness(tmp_path, mode, value):
    Image.new(mode, (8, 8), value).save(tmp_path / "a.tif")
    assert np.asarray(read_image(tmp_path / "a.tif")).mean() == pytest.approx(255 if mode == "1" else 128, abs=2)


def test_huge_pictures_are_scaled_down_and_monstrous_ones_refused(tmp_path, monkeypatch):
    from pointllm.inputs import image

    Image.new("RGB", (3000, 1500)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").size == (2048, 1024)
    monkeypatch.setattr(image, "MAX_PIXELS", 1000)
    with pytest.raises(InputError, match="3000 × 1500"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_sound_of_every_format_is_mixed_to_one_channel(tmp_path, suffix):
    import soundfile

    soundfile.write(tmp_path / f"a.{suffix}", np.stack([TONE, np.zeros_like(TONE)], axis=1), 16000)
    samples, rate = read_audio(tmp_path / f"a.{suffix}")
    assert rate == 16000 and samples.dtype == np.float32 and samples.ndim == 1
    assert len(samples) == pytest.approx(16000, abs=2500)
    assert np.abs(samples).max() == pytest.approx(0.25, abs=0.05)
    assert np.abs(np.fft.rfft(samples[2000:10000])).argmax() == pytest.approx(220, abs=1)  # 440 Hz in bins of 2


def write_media(path, *, video=0, audio=False, fps=10):
    """`video` frames that go from black to white, and a second of tone."""
    import av

    with av.open(str(path), "w") as container:
        streams = {}
        if video:
            codec = {".webm": "libvpx", ".avi": "mpeg4"}.get(path.suffix, "mpeg4")
            streams["video"] = container.add_stream(codec, rate=fps)
            streams["video"].width, streams["video"].height, streams["video"].pix_fmt = 64, 48, "yuv420p"
        if audio:
            streams["audio"] = container.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48000)
        for i in range(video):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 255 * i // max(video - 1, 1), np.uint8), "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, fps)
            container.mux(streams["video"].encode(frame))
        if audio:
            tone = np.repeat(TONE, 3)[None]
            frame = av.AudioFrame.from_ndarray(tone.astype(np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 48000, 0
            resampler = av.AudioResampler(format=streams["audio"].format, layout=streams["audio"].layout, rate=48000,
                                          frame_size=streams["audio"].codec_context.frame_size or 960)
            for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(streams["audio"].encode(piece))
        for stream in streams.values():
            container.mux(stream.encode(None))
    return path


def test_sound_that_libsndfile_does_not_know_is_read_all_the_same(tmp_path):
    samples, rate = read_audio(write_media(tmp_path / "a.m4a", audio=True))
    assert rate == 48000 and len(samples) == pytest.approx(48000, abs=4000)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mov", "avi", "mkv"])
def test_frames_are_spread_evenly_over_a_video(tmp_path, suffix):
    video = read_video(write_media(tmp_path / f"a.{suffix}", video=40), frames=4)
    assert isinstance(video, Video) and len(video) == 4
    assert video.fps == pytest.approx(10, abs=0.5) and video.duration == pytest.approx(4, abs=0.3)
    assert video[0].mode == "RGB" and video[0].size == (64, 48)
    brightness = [np.asarray(frame).mean() for frame in video]
    np.testing.assert_allclose(brightness, [255 * (i + 0.5) / 4 for i in range(4)], atol=14)


def test_long_videos_are_entered_at_their_key_frames(tmp_path, monkeypatch):
    from pointllm.inputs import video

    path = write_media(tmp_path / "a.mp4", video=60)
    monkeypatch.setattr(video, "SHORT", 10)
    brightness = [np.asarray(frame).mean() for frame in read_video(path, frames=4)]
    np.testing.assert_allclose(brightness, [255 * (i + 0.5) / 4 for i in range(4)], atol=14)


def test_a_video_of_one_frame_gives_one_frame(tmp_path):
    assert len(read_video(write_media(tmp_path / "a.mp4", video=1))) == 1


def test_a_recording_in_a_video_container_is_sound(tmp_path):
    read = read_input(write_media(tmp_path / "a.webm", audio=True))
    assert read.modality == "audio" and read.data[1] == 48000
    assert read_input(write_media(tmp_path / "b.webm", audio=True, video=5)).modality == "video"


def test_every_modality_is_read_as_what_it_is(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "a.wav", TONE, 16000)
    two_colored_image().save(tmp_path / "a.gif")
    np.save(tmp_path / "a.npy", cloud_points()[0])
    write_media(tmp_path / "a.mp4", video=5)
    (tmp_path / "a.txt").write_text("a red chair with four legs")
    expected = {"a.wav": "audio", "a.gif": "image", "a.npy": "point", "a.mp4": "video", "a.txt": "text"}
    for name, modality in expected.items():
        assert modality_of(tmp_path / name) == modality
        read = read_input(tmp_path / name)
        assert (read.modality, read.path) == (modality, str(tmp_path / name))
    assert read_input(tmp_path / "a.txt").data == "a red chair with four legs"


@pytest.mark.parametrize("text", ["ein Stuhl, schön", "一把红色的椅子", "1 chair, 2 tables and 3 lamps"])
def test_prose_in_any_language_is_text(tmp_path, text):
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert read_input(tmp_path / "a.txt").data == text


def test_numbers_in_a_txt_are_points(tmp_path):
    (tmp_path / "a.txt").write_text("# x y z\n" + "1.5 2 3\n" * 40)
    assert modality_of(tmp_path / "a.txt") == "point"


def test_modalities_follow_suffixes_without_regard_to_case_or_presence():
    assert [modality_of(n) for n in ("A.GLB", "b.JPG", "c.Flac", "d.MP4", "e.txt")] == [
        "point", "image", "audio", "video", "point"]
    with pytest.raises(InputError, match=r"'\.docx'.*point: \.ply.*image: \.jpg.*audio: \.wav.*video: \.mp4"):
        modality_of("letter.docx")
