"""The view of a 3D file in a real browser: what its buttons, pointers and keys change on the screen."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

VIEW = ".shape-view"


def shown(visit, samples, name, **options):
    """A page with the view of a sample drawn."""
    page = visit(**options)
    page.set_input_files("#question input[type=file]", str(samples / name))
    page.wait_for_selector(f"{VIEW}[data-state=shown]")
    return page


def picture(page) -> np.ndarray:
    """The view's own pixels, (H, W, 4) int, once it has come to rest."""
    page.wait_for_timeout(400)
    data = page.evaluate("() => document.querySelector('.shape-view canvas').toDataURL().split(',')[1]")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"), int)


def differ(one, other) -> float:
    """Share of pixels that differ visibly."""
    return float((np.abs(one - other).max(axis=2) > 24).mean())


def press(page, *keys):
    for key in keys:
        page.locator(f"{VIEW} canvas").press(key)


@pytest.mark.parametrize("name", ["tree.pcd", "cup.xyz"])
def test_formats_that_browsers_do_not_know_are_drawn_as_points(visit, samples, name):
    page = shown(visit, samples, name)
    assert (picture(page)[..., 3] > 0).mean() > 0.05
    assert page.locator("[data-tool=points]").is_hidden()  # a bare cloud has no surface


def test_keys_turn_move_zoom_and_bring_back(visit, samples):
    page = shown(visit, samples, "chair.ply")
    at_first = picture(page)
    for keys in (["ArrowLeft"] * 3, ["Shift+ArrowRight"] * 3, ["+"] * 3):
        press(page, *keys)
        changed = picture(page)
        assert differ(at_first, changed) > 0.02, keys
        press(page, "Home")
        assert differ(at_first, picture(page)) < 0.002


def test_the_wheel_zooms_and_drags_turn_or_move(visit, samples):
    page = shown(visit, samples, "chair.ply")
    box = page.locator(f"{VIEW} canvas").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    at_first = picture(page)

    def drag():
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 40, middle[1] + 10)
        page.mouse.up()

    seen = []
    for act in (drag, lambda: (page.keyboard.down("Shift"), drag(), page.keyboard.up("Shift")),
                lambda: page.mouse.wheel(0, -400)):
        page.mouse.move(*middle)
        act()
        seen.append(picture(page))
        press(page, "Home")
    assert all(differ(at_first, one) > 0.02 for one in seen)
    assert differ(seen[0], seen[1]) > 0.02  # to turn is not to move


def test_a_mesh_can_be_shown_as_points_in_other_colours_without_axes_and_with_z_up(visit, samples):
    page = shown(visit, samples, "car.obj")
    at_first = picture(page)
    for tool in ("points", "color", "axes", "up"):
        button = page.locator(f"[data-tool={tool}]")
        before = button.get_attribute("aria-pressed"), button.get_attribute("aria-label")
        button.click()
        assert (button.get_attribute("aria-pressed"), button.get_attribute("aria-label")) != before
        assert differ(at_first, picture(page)) > 0.002, tool
        at_first = picture(page)


def test_the_scale_reads_in_units_of_the_file(visit, samples):
    page = visit()
    page.add_init_script("""
        window.written = [];
        const fill = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (words, ...rest) {
            window.written.push(words);
            return fill.call(this, words, ...rest);
        };
    """)
    page.reload()
    page.wait_for_selector("#question textarea")
    page.set_input_files("#question input[type=file]", str(samples / "airplane.stl"))
    page.wait_for_selector(f"{VIEW}[data-state=shown]")
    written = set(page.evaluate("window.written"))
    assert {"x", "y", "z", "100", "300"} <= written  # the file is about 430 long


def test_the_view_fills_the_screen_and_comes_back(visit, samples):
    page = shown(visit, samples, "chair.ply")
    small = page.locator(VIEW).bounding_box()["width"]
    press(page, "f")
    page.wait_for_function("() => document.fullscreenElement?.classList.contains('shape-view')")
    assert page.locator(VIEW).bounding_box()["width"] > small
    press(page, "f")
    page.wait_for_function("() => !document.fullscreenElement")


def test_two_fingers_zoom(visit, samples):
    page = shown(visit, samples, "chair.ply", has_touch=True)
    at_first = picture(page)
    page.evaluate("""() => {
        const canvas = document.querySelector('.shape-view canvas');
        canvas.setPointerCapture = () => {};
        const finger = (type, id, x) => canvas.dispatchEvent(new PointerEvent(type,
            {pointerId: id, pointerType: 'touch', clientX: x, clientY: 200, buttons: 1, bubbles: true}));
        finger('pointerdown', 11, 100); finger('pointerdown', 12, 200);
        finger('pointermove', 12, 300); finger('pointerup', 11, 100); finger('pointerup', 12, 300);
    }""")
    assert differ(at_first, picture(page)) > 0.02


def test_a_view_keeps_its_camera_when_the_language_changes(visit, samples):
    page = shown(visit, samples, "chair.ply")
    press(page, "ArrowLeft", "ArrowLeft", "ArrowLeft")
    turned = picture(page)
    page.click("#language input")
    page.click("[role=option]:has-text('中文')")
    page.wait_for_selector(f"{VIEW} [aria-label='全屏']")
    assert differ(turned, picture(page)) < 0.005


def test_any_element_of_the_class_becomes_a_view_and_a_broken_one_says_so(visit, samples):
    page = shown(visit, samples, "chair.ply")
    source = page.get_attribute(VIEW, "data-src")
    page.evaluate("""(source) => {
        for (const [id, address] of [['bare', source], ['broken', 'gradio_api/file=/nowhere.glb']]) {
            const view = Object.assign(document.createElement('div'), {id, className: 'shape-view'});
            Object.assign(view.style, {position: 'fixed', inset: '0 auto auto 0', width: '200px', height: '200px'});
            view.dataset.src = address;
            document.body.append(view);
        }
    }""", source)
    page.wait_for_selector("#bare[data-state=shown] canvas")
    page.wait_for_selector("#broken[data-state=failed]")
    assert page.locator("#bare .tools").count() == 0


def test_a_sound_is_drawn_and_played_from_where_one_clicks(visit, samples):
    page = visit()
    page.set_input_files("#question input[type=file]", str(samples / "rooster.ogg"))
    page.wait_for_selector(".sound-view[data-state=shown]")
    page.locator(".sound-view input").fill("2.5")
    page.wait_for_function("() => document.querySelector('.sound-view output').textContent === '0:02'")
    page.click(".sound-view button")
    page.wait_for_selector(".sound-view button[aria-label='Pause']")
    drawn = page.evaluate("""() => {
        const canvas = document.querySelector('.sound-view canvas');
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(pixels.buffer)).size;
    }""")
    assert drawn > 2  # nothing, what was played, what was not
