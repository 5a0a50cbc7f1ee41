"""The chat page in a real browser: add inputs, ask, watch the answer grow, stop it, ask again."""

import io

import pytest
from chat_steps import ANSWER, LONG, add, answered, ask, eventually, writing
from PIL import Image

CHIP = "#chips .chip:has-text('{}')"


def shown_colors(page, selector) -> int:
    """How many colours the element is drawn with."""
    picture = Image.open(io.BytesIO(page.locator(selector).screenshot()))
    return len(picture.convert("RGB").quantize(64).getcolors())


def test_a_shape_is_drawn_measured_and_answered_about(visit, samples):
    page = visit()
    add(page, samples / "chair.ply")
    page.wait_for_selector(".shape-view[data-state=shown] canvas")
    assert shown_colors(page, ".shape-view") > 20
    assert "2,653" in page.inner_text("#facts") and "chair.ply" in page.inner_text("#facts")
    ask(page, "What is this?")
    assert "chair" in answered(page).lower()
    ask(page, "What colour is it?")
    assert "brown" in answered(page, 2).lower()


def test_files_of_many_formats_become_chips_with_their_modality(visit, samples, tmp_path):
    (tmp_path / "note.txt").write_text("A wooden chair stands in the kitchen.")
    page = visit()
    files = [samples / name for name in ("car.mtl", "car.obj", "chair.ply", "guitar.glb", "airplane.stl", "tree.pcd",
                                         "cup.xyz", "sofa.off", "cat.jpg", "rooster.ogg", "guitar_turning.mp4")]
    add(page, *files, tmp_path / "note.txt")
    kinds = {chip.locator(".name").inner_text(): chip.locator(".kind").inner_text()
             for chip in page.locator("#chips .chip").all()}
    assert len(kinds) == 11 and "car.mtl" not in kinds
    assert [kinds[name] for name in ("car.obj", "cat.jpg", "rooster.ogg", "guitar_turning.mp4", "note.txt")] == [
        "3D", "picture", "sound", "video", "text"]
    page.click(f"{CHIP.format('car.obj')} [data-do=show]")
    page.wait_for_selector("#facts >> text=1,973")
    assert "green" in page.inner_text("#facts")  # from its materials


def test_ticks_weights_and_removal_decide_what_is_asked_about(visit, samples):
    page = visit()
    add(page, samples / "chair.ply", samples / "rooster.ogg")
    assert page.locator("#chips input[type=range]").count() == 2
    page.click(f"{CHIP.format('rooster.ogg')} [data-do=tick]")
    page.wait_for_selector("#chips [aria-checked=false]")
    assert page.locator("#chips input[type=range]").count() == 0  # one input needs no weight
    ask(page, "What is this?")
    assert "chair" in answered(page).lower()
    page.click(f"{CHIP.format('chair.ply')} [data-do=remove]")
    page.click(f"{CHIP.format('rooster.ogg')} [data-do=tick]")
    page.wait_for_selector("#chips [aria-checked=true]")
    assert page.locator("#chips .chip").count() == 1
    ask(page, "What is this?")
    assert "chair" not in answered(page, 2).lower()


def test_an_answer_grows_word_by_word(visit):
    page = visit()
    ask(page, LONG)
    page.evaluate("""() => {
        window.seen = [];
        setInterval(() => {
            const words = document.querySelector('#chat .bot.message')?.innerText ?? '';
            if (words && words !== window.seen.at(-1)) window.seen.push(words);
        }, 20);
    }""")
    answer = answered(page)
    grown = [words for words in page.evaluate("window.seen") if answer.startswith(words)]
    assert len(grown) > 1 and grown == sorted(grown, key=len)  # on a busy machine a browser draws few of the steps


@pytest.mark.parametrize("how", ["button", "escape"])
def test_stopping_ends_the_answer_and_the_next_question_is_answered(visit, answering_app, how):
    page = visit()
    stop = {"button": "document.querySelector('#question .stop-button').click()",
            "escape": "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))"}[how]
    for _ in range(2):
        ask(page, LONG)
        # done from inside the page: on a busy machine the answer may end before a click from outside arrives
        page.wait_for_function(f"""() => {{
            const words = document.querySelector('#chat .bot.message')?.innerText.length ?? 0;
            if (words <= 5 || document.querySelector('#chat .bot .status')
                || !document.querySelector('#question .stop-button')) return false;
            {stop};
            return true;
        }}""")
        page.wait_for_selector("#chat .bot.message >> text=Stopped.")
        page.wait_for_selector("#question .submit-button")
        assert eventually(page, lambda: answering_app.engine.answering == 0)
        words = page.locator(ANSWER).first.inner_text()
        ask(page, "Say hello.")  # at once: a browser that still waits for the stopped answer would hold this back
        page.wait_for_function("() => document.querySelectorAll('#chat .bot.message').length === 2"
                               " && !document.querySelectorAll('#chat .bot.message')[1].querySelector('.status')"
                               " && !document.querySelector('#question .stop-button')")
        assert page.locator(ANSWER).first.inner_text() == words
        page.click("#new-chat")
        page.wait_for_selector("#chat .example")


def test_a_new_chat_in_mid_answer_stays_empty(visit, answering_app):
    page = visit()
    for _ in range(2):
        ask(page, LONG)
        assert eventually(page, lambda: answering_app.engine.answering == 1)
        page.click("#new-chat")
        page.wait_for_selector("#chat .example")
        assert eventually(page, lambda: answering_app.engine.answering == 0)
        page.wait_for_timeout(500)
        assert page.locator("#chat .message").count() == 0
        page.wait_for_selector("#question .submit-button")


def test_closing_the_page_frees_the_worker(visit, answering_app):
    page = visit()
    ask(page, LONG)
    assert eventually(page, lambda: answering_app.engine.answering == 1)
    page.close()
    other = visit()
    assert eventually(other, lambda: answering_app.engine.answering == 0)


def test_a_file_that_cannot_be_used_is_told_in_words(visit, tmp_path):
    broken, large = tmp_path / "broken.ply", tmp_path / "large.ply"
    broken.write_text("no mesh at all")
    with large.open("wb") as file:
        file.truncate(300_000_000)
    page = visit()
    page.set_input_files("#question input[type=file]", str(broken))
    line = page.locator("#chat [role=alert]")
    line.wait_for()
    assert "broken.ply" in line.inner_text() and "/" not in line.inner_text() and "Traceback" not in page.content()
    assert page.locator("#chips .chip").count() == 0
    page.set_input_files("#question input[type=file]", str(large))
    page.wait_for_selector("text=/maximum|exceed|too large|limit/i")


def test_an_example_answers_at_one_click_and_is_asked_again_judged_and_edited(visit):
    page = visit()
    page.click("#chat .example >> nth=1")
    first = answered(page)
    assert first.strip() and "car.obj" in page.inner_text("#facts") and "green" in page.inner_text("#facts")
    with page.expect_response("**/queue/join*"):
        page.click("#chat button[aria-label=Retry]")
    assert answered(page) == first and page.locator(ANSWER).count() == 1
    page.click("#chat button[aria-label=Like]")
    page.wait_for_function("() => JSON.parse(window.pointllm.carried()).turns[0].feedback === 'Like'")
    page.locator("#chat button[aria-label=Edit]:visible").first.click()
    page.fill("#chat textarea", "What colour is it?")
    page.click("#chat button[aria-label=Submit]")
    page.wait_for_selector("#chat .user >> text=What colour is it?")
    page.wait_for_selector(f"{ANSWER} >> text=/green/i")
    assert answered(page) != first and page.locator(ANSWER).count() == 1


def test_files_dropped_or_pasted_anywhere_on_the_page_are_taken(visit, samples):
    give = """([type, name, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name));
        const event = type === 'paste' ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true})
            : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
        document.querySelector('#preview').dispatchEvent(event);
    }"""
    page = visit()
    for kind, name, fact in (("drop", "sofa.off", "808"), ("paste", "cat.jpg", "451 × 300")):
        page.evaluate(give, [kind, name, list((samples / name).read_bytes())])
        page.wait_for_selector(f"#facts >> text={fact}")


def test_a_picture_taken_with_the_camera_becomes_an_input(visit):
    page = visit(permissions=["camera"])
    page.click("[data-tool-of-chat=camera]")
    page.wait_for_function("() => document.querySelector('dialog video')?.videoWidth > 0")
    page.click("[data-camera=photo]")
    page.wait_for_selector("#chips .chip.ready:has-text('photo-')")
    assert page.locator("dialog").count() == 0


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, {"width": 360, "height": 740}])
def test_the_page_never_scrolls_sideways(visit, samples, viewport):
    page = visit(viewport=viewport)
    add(page, samples / "chair.ply", samples / "cat.jpg")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.locator("#new-chat").bounding_box()["x"] + 20 < viewport["width"]


def test_language_and_theme_change_without_a_reload_and_are_kept(visit):
    page = visit(locale="zh-CN", color_scheme="light")
    page.wait_for_selector("#new-chat >> text=新对话")
    page.evaluate("window.notReloaded = true")
    page.click("#language input")
    page.click("[role=option]:has-text('English')")
    page.wait_for_selector("#new-chat >> text=New chat")
    page.click("#theme")
    assert page.evaluate("window.notReloaded && document.body.classList.contains('dark')")
    page.reload()
    page.wait_for_selector("#new-chat >> text=New chat")
    assert page.evaluate("document.body.classList.contains('dark')")


def test_settings_are_used_kept_and_put_back(visit):
    page = visit()
    page.click("#settings button")
    page.fill("#seed input", "7")
    page.press("#seed input", "Tab")
    page.wait_for_function("() => localStorage.getItem('pointllm-settings')")
    page.wait_for_timeout(300)
    page.reload()
    page.click("#settings button")
    page.wait_for_function("() => document.querySelector('#seed input')?.value === '7'")
    page.click("#reset-settings")
    page.wait_for_function("() => document.querySelector('#seed input').value === '0'")


def test_after_the_network_was_cut_in_mid_answer_its_words_stay_and_the_next_question_is_answered(visit, answering_app):
    page = visit()
    ask(page, LONG)
    writing(page)
    page.context.set_offline(True)
    page.wait_for_selector("#notice")
    page.context.set_offline(False)
    page.wait_for_selector("#notice", state="detached")
    if page.locator("#question .stop-button").count():
        page.evaluate("document.querySelector('#question .stop-button')?.click()")
    assert eventually(page, lambda: answering_app.engine.answering == 0)
    page.wait_for_selector("#question .submit-button")
    words = page.locator(ANSWER).first.inner_text()
    assert len(words) > 5
    ask(page, "Say hello.")
    page.wait_for_function("() => document.querySelectorAll('#chat .bot.message').length === 2"
                           " && !document.querySelectorAll('#chat .bot.message')[1].querySelector('.status')"
                           " && !document.querySelector('#question .stop-button')")
