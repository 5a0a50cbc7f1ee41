"""Every page and state against axe-core's rules (WCAG 2.2 A and AA, and its best practices): nothing serious found."""

import pytest

SERIOUS = ("serious", "critical")
# Rule → part of the selector → why it stays. Findings that match are not held against the page.
EXCEPTIONS: dict[str, dict[str, str]] = {}


def findings(page) -> list[str]:
    """A line for each serious or critical finding."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page.wait_for_timeout(600)  # colours fade in; half-way they have too little contrast
    found = []
    for violation in axe.Axe().run(page).response["violations"]:
        if violation["impact"] not in SERIOUS:
            continue
        known = EXCEPTIONS.get(violation["id"], {})
        for node in violation["nodes"]:
            place = " ".join(map(str, node["target"]))
            if not any(part in place for part in known):
                reason = node["failureSummary"].splitlines()[-1].strip()
                found.append(f"{violation['id']} at {place}: {reason} {node['html'][:160]}")
    return found


def answered(page, count=1):
    page.wait_for_function(
        "count => document.querySelectorAll('#chat .bot.message').length >= count"
        " && !document.querySelector('#chat .bot .status:not(:empty)')"
        " && !document.querySelector('#question .stop-button')", arg=count)


def conversation(page, samples):
    """A shape and a sound, asked about together."""
    page.set_input_files("#question input[type=file]", [str(samples / "chair.ply"), str(samples / "rooster.ogg")])
    page.wait_for_selector("#facts >> text=chair.ply")
    page.fill("#question textarea", "What is this?")
    page.press("#question textarea", "Enter")
    answered(page)
    page.wait_for_selector("#report .bars")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_start_page_is_accessible(visit, scheme, locale):
    page = visit(color_scheme=scheme, locale=locale)
    page.wait_for_selector("#chat .example")
    assert findings(page) == []


@pytest.mark.parametrize(("scheme", "viewport"), [
    ("light", {"width": 1280, "height": 800}), ("dark", {"width": 1280, "height": 800}),
    ("light", {"width": 390, "height": 844})], ids=["light", "dark", "phone"])
def test_a_conversation_with_its_panel_is_accessible(visit, samples, scheme, viewport):
    page = visit(color_scheme=scheme, viewport=viewport)
    conversation(page, samples)
    assert findings(page) == []


def test_an_error_and_open_settings_are_accessible(visit, tmp_path):
    broken = tmp_path / "broken.ply"
    broken.write_text("no mesh at all")
    page = visit()
    page.set_input_files("#question input[type=file]", str(broken))
    page.locator("#chat [role=alert]").first.wait_for()
    if page.locator("#settings button").count():
        page.locator("#settings button").first.click()
    assert findings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_beside_the_chat_are_accessible(visit, scheme):
    page = visit(color_scheme=scheme)
    tabs = page.locator("[role=tab]:visible")
    found = []
    for number in range(1, tabs.count()):
        tabs.nth(number).click()
        found += findings(page)
    assert tabs.count() > 3 and found == []


def test_the_list_of_conversations_is_accessible(visit, samples):
    page = visit()
    page.set_input_files("#question input[type=file]", str(samples / "chair.ply"))
    page.wait_for_selector("#facts >> text=chair.ply")
    page.click("[data-drawer=toggle]")
    page.wait_for_selector("#drawer:not([hidden])")
    assert findings(page) == []


def test_everything_can_be_reached_by_the_tab_key_and_shows_where_it_is(visit, samples):
    page = visit()
    page.set_input_files("#question input[type=file]", str(samples / "chair.ply"))
    page.wait_for_selector(".shape-view[data-state=shown]")
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    passed = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        passed.add(page.evaluate("""() => {
            const at = document.activeElement, style = getComputedStyle(at);
            const ring = (s) => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none';
            const seen = ring(style) || (at.parentElement && ring(getComputedStyle(at.parentElement)))
                || !!at.closest('#question, #language');  // the box around them changes its border
            const name = at.id || at.dataset.tool || at.closest('[id]')?.id || at.tagName;
            return (seen ? '' : 'unseen ') + name;
        }"""))
    assert {"new-chat", "theme", "points", "fullscreen"} <= passed
    # between the last and the first stands the page itself
    assert [name for name in passed if name.startswith("unseen ") and name != "unseen BODY"] == []


def test_nothing_moves_for_those_who_asked_for_stillness(visit):
    page = visit(reduced_motion="reduce")
    longest = page.evaluate("""() => Math.max(...[...document.querySelectorAll('*')].map((one) => {
        const style = getComputedStyle(one);
        return Math.max(...(style.transitionDuration + ',' + style.animationDuration).split(',').map(parseFloat));
    }))""")
    assert longest < 0.01
