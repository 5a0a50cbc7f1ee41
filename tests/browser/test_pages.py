"""The pages beside the chat in a real browser: examples at one click, links, downloads, keyboard, small screens."""

import csv
import json
import re

import pytest


def open_tab(page, key):
    page.click(f"#tab-{key}-button")
    page.wait_for_selector(f"#{key}-run")


def download(page, key, suffix):
    with page.expect_download() as waiting:
        page.click(f"#{key}-{suffix}")
    return waiting.value.path(), waiting.value.suggested_filename


def test_files_are_recognised_at_one_click_and_taken_along(visit):
    page = visit()
    open_tab(page, "recognise")
    assert "use=recognise" in page.url
    page.click("#recognise-example-0")
    page.wait_for_selector("#recognise-results .card >> nth=2")
    assert "rooster.ogg" in page.inner_text("#recognise-results") and "%" in page.inner_text("#recognise-results")
    path, name = download(page, "recognise", "json")
    found = {row["input"]: row["top"][0]["label"] for row in json.loads(path.read_text(encoding="utf-8"))}
    assert name == "recognition.json" and found == {"chair.ply": "chair", "cat.jpg": "cat", "rooster.ogg": "rooster"}
    path, name = download(page, "recognise", "csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert name == "recognition.csv" and len(list(csv.DictReader(file))) == 12


def test_a_gallery_is_searched_at_one_click_and_a_result_opened_by_keyboard(visit):
    page = visit()
    open_tab(page, "find")
    page.click("#find-example-1")
    page.wait_for_selector("#find-results .hit img")
    first = page.locator("#find-results .hit").first
    assert "cat" in first.get_attribute("aria-label")
    shape = re.compile(r"\.(ply|obj|glb|off|stl|pcd|xyz)")  # which of them is near is the weights' matter
    page.locator("#find-results .hit").filter(has_text=shape).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#find-view .shape-view canvas")


def test_inputs_are_added_as_rows_and_each_result_tells_their_shares(visit):
    page = visit()
    open_tab(page, "combine")
    page.click("#combine-example-1")
    page.wait_for_selector("#combine-results .shares >> nth=0")
    assert page.locator(".terms .term").count() == 3
    assert page.locator("#combine-results .shares >> nth=0").locator("li").count() == 3
    page.click(".terms [data-add]")
    page.locator(".terms .term input[type=text]").last.fill("red")
    page.locator(".terms .term input[type=number]").last.fill("-2")
    assert page.input_value("#combine-terms textarea").splitlines()[-1] == "-2 × red"
    page.keyboard.press("Enter")
    page.wait_for_selector("#combine-results .shares >> nth=0 >> li >> nth=3")


def test_a_shape_is_made_at_one_click_where_the_profile_can(visit):
    page = visit()
    if not page.locator("#tab-generate-button").count():
        pytest.skip("the profile has no shape generator")
    open_tab(page, "generate")
    page.click("#generate-example-0")
    page.wait_for_selector("#generate-view .shape-view canvas")
    path, name = download(page, "generate", "glb")
    assert name == "shape-1.glb" and path.read_bytes()[:4] == b"glTF"


def test_a_link_fills_its_page_runs_it_and_says_that_uploads_stay_out(visit, answering_app, samples):
    page = visit()
    page.goto(f"{answering_app.url}/?use=recognise&samples=cat.jpg&labels=%E7%8C%AB%2C+dog&top=1")
    page.wait_for_selector("#recognise-results .card")
    assert "猫" in page.inner_text("#recognise-results") and page.locator("#recognise-results .bars li").count() == 1
    page.set_input_files("#recognise-files input[type=file]", str(samples / "cat.jpg"))
    page.wait_for_selector("#recognise-files >> text=cat.jpg")
    page.click("#recognise-link")
    page.wait_for_selector("#recognise-address")
    page.wait_for_function("() => document.querySelector('#recognise-address :is(input, textarea)')?.value"
                           ".startsWith('http')")
    assert "added can't be in a link" in page.inner_text("#recognise-address")
    assert "labels=%E7%8C%AB" in page.url and "top=1" in page.url


def test_the_chat_is_kept_while_another_page_is_looked_at_and_the_browser_goes_back(visit):
    page = visit()
    page.fill("#question textarea", "Say hello.")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#chat .bot.message")
    page.focus("#tab-chat-button")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#recognise-run")
    page.go_back()
    page.wait_for_selector("#chat .bot.message")
    assert "Say hello." in page.inner_text("#chat")


def test_a_form_that_lacks_something_says_what(visit):
    page = visit()
    open_tab(page, "find")
    page.click("#find-run")
    page.wait_for_selector("#find-status[aria-live=polite] >> text=Write what to look for")


def test_the_pages_speak_chinese_and_fit_a_phone(visit, answering_app):
    page = visit(locale="zh-CN", color_scheme="dark", viewport={"width": 360, "height": 740})
    for key, title in (("recognise", "识别"), ("find", "查找"), ("combine", "相加与相减")):
        open_tab(page, key)
        page.wait_for_selector(f"#use-{key} h2 >> text={title}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
