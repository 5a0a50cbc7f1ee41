"""The page in a real browser: add a file, ask, watch the answer grow, stop it."""

import io
import time

import pytest
from PIL import Image, ImageChops

ANSWER = "#chat .bot"
LONG = "Tell me a very long story about a castle, in many chapters."


def add(page, *files):
    page.set_input_files("#question input[type=file]", [str(file) for file in files])


def ask(page, question):
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")


def answered(page, count=1):
    """Waits until `count` answers are complete; gives the last one's text."""
    page.wait_for_function(
        "count => document.querySelectorAll('#chat .bot.message').length >= count"
        " && !document.querySelector('#chat .bot .status:not(:empty)')"
        " && !document.querySelector('#question .stop-button')", arg=count)
    return page.locator("#chat .bot.message").last.inner_text()


def shown_colors(page, selector) -> int:
    """How many colours the element is drawn with."""
    picture = Image.open(io.BytesIO(page.locator(selector).screenshot()))
    return len(picture.convert("RGB").quantize(64).getcolors())


def eventually(page, condition, seconds=60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        page.wait_for_timeout(50)
    return False


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


def test_stopping_ends_the_answer_and_the_next_question_is_answered_every_time(visit, answering_app):
    page = visit()
    for _ in range(3):
        ask(page, LONG)
        # clicked from inside the page: on a busy machine the answer may end before a click from outside arrives
        page.wait_for_function("""() => {
            const words = document.querySelector('#chat .bot.message')?.innerText.length ?? 0;
            const stop = document.querySelector('#question .stop-button');
            if (words <= 5 || document.querySelector('#chat .bot .status') || !stop) return false;
            stop.click();
            return true;
        }""")
        page.wait_for_selector("#chat .bot.message >> text=Stopped.")
        page.wait_for_selector("#question .submit-button")
        assert eventually(page, lambda: answering_app.engine.answering == 0)
        words = page.inner_text(ANSWER)
        ask(page, "Say hello.")  # at once: a browser that still waits for the stopped answer would hold this back
        page.wait_for_function("() => document.querySelectorAll('#chat .bot.message').length === 2"
                               " && !document.querySelectorAll('#chat .bot.message')[1].querySelector('.status')"
                               " && !document.querySelector('#question .stop-button')")
        assert page.locator(ANSWER).first.inner_text() == words
        page.click("#new-chat")
        page.wait_for_selector("#chat .example")


def test_a_new_chat_in_mid_answer_stays_empty(visit, answering_app):
    page = visit()
    for _ in range(3):
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


def test_a_file_that_cannot_be_read_is_told_in_the_chat_by_its_name(visit, tmp_path):
    broken = tmp_path / "broken.ply"
    broken.write_text("no mesh at all")
    page = visit()
    add(page, broken)
    line = page.locator("#chat [role=alert]")
    line.wait_for()
    assert "broken.ply" in line.inner_text() and "/" not in line.inner_text() and "Traceback" not in page.content()


def test_a_file_that_is_too_large_is_refused_with_words(visit, tmp_path):
    large = tmp_path / "large.ply"
    with large.open("wb") as file:
        file.truncate(300_000_000)
    page = visit()
    add(page, large)
    page.wait_for_selector("text=/maximum|exceed|too large|limit/i")


def test_an_example_answers_at_one_click(visit):
    page = visit()
    page.click("#chat .example >> nth=1")
    assert answered(page).strip()
    assert "car.obj" in page.inner_text("#facts") and "green" in page.inner_text("#facts")


def test_files_dropped_or_pasted_anywhere_on_the_page_are_taken(visit, samples):
    give = """([type, name, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name));
        const event = type === 'paste' ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true})
            : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
        document.querySelector('#preview').dispatchEvent(event);
    }"""
    for kind, name, fact in (("drop", "sofa.off", "808"), ("paste", "cat.jpg", "451 × 300")):
        page = visit()
        page.evaluate(give, [kind, name, list((samples / name).read_bytes())])
        page.wait_for_selector(f"#facts >> text={fact}")


def test_several_inputs_can_be_chosen_and_looked_at(visit, samples):
    page = visit()
    add(page, samples / "car.mtl", samples / "rooster.ogg", samples / "car.obj")
    page.wait_for_selector("#inputs label >> nth=1")
    assert page.locator("#inputs label:has(input)").count() == 2
    page.click("#inputs label:has-text('car.obj')")
    page.wait_for_selector(".shape-view[data-state=shown]")
    page.wait_for_selector("#facts >> text=1,973")


def test_the_view_can_be_turned_and_set_upright(visit, samples):
    page = visit()
    add(page, samples / "airplane.stl")
    page.wait_for_selector(".shape-view[data-state=shown]")
    view = page.locator(".shape-view canvas")

    def picture():
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(300)
        shown = Image.open(io.BytesIO(view.screenshot())).convert("RGB")
        # Without the rounded corners of its frame, which are drawn by the page and not always alike.
        return shown.crop((20, 20, shown.width - 20, shown.height - 20))

    def difference(one, other) -> int:
        return max(high for _, high in ImageChops.difference(one, other).getextrema())

    at_first = picture()
    page.click("[data-tool=up]")
    upright = picture()
    view.press("ArrowLeft")
    turned = picture()
    page.click("[data-tool=reset]")
    assert difference(at_first, upright) > 50 and difference(upright, turned) > 50
    assert difference(at_first, picture()) <= 3


def test_a_question_can_be_asked_again(visit):
    page = visit()
    ask(page, "Say hello.")
    first = answered(page)
    with page.expect_response("**/queue/join*"):
        page.click("#chat button[aria-label=Retry]")
    assert answered(page) == first and page.locator("#chat .user.message").count() == 1


def test_two_people_see_only_their_own(visit, samples):
    one, other = visit(), visit()
    add(one, samples / "sofa.off")
    one.wait_for_selector("#facts >> text=sofa.off")
    ask(one, "What is this?")
    answered(one)
    assert "sofa.off" not in other.content() and other.locator("#chat .message").count() == 0


def test_a_new_chat_forgets_the_old_one(visit, samples):
    page = visit()
    add(page, samples / "sofa.off")
    page.wait_for_selector("#facts >> text=sofa.off")
    ask(page, "What is this?")
    answered(page)
    page.click("#new-chat")
    page.wait_for_selector("#chat .example")
    assert "sofa.off" not in page.inner_text("#page")


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, {"width": 360, "height": 740}])
def test_the_page_never_scrolls_sideways(visit, viewport):
    page = visit(viewport=viewport)
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
