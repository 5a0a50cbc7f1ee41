"""Conversations outlive a reload and a restart of the browser, lie in a drawer, and belong to one person alone."""

import json

from chat_steps import ANSWER, LONG, add, answered, ask, eventually, writing

DRAWER = "[data-drawer=toggle][aria-controls]"


def test_a_reload_keeps_messages_inputs_and_what_was_being_written(visit, samples, answering_app):
    page = visit()
    add(page, samples / "sofa.off")
    ask(page, "What is this?")
    answer = answered(page)
    page.reload()
    page.wait_for_selector("#chips .chip.ready:has-text('sofa.off')")
    assert page.locator(ANSWER).inner_text() == answer
    page.wait_for_selector(".shape-view[data-state=shown]")
    ask(page, LONG)
    writing(page, 2)
    page.reload()
    page.wait_for_selector("#chat .user >> text=castle")
    page.wait_for_selector("#question .submit-button")
    assert eventually(page, lambda: answering_app.engine.answering == 0)
    ask(page, "Say hello.")
    page.wait_for_function("() => document.querySelectorAll('#chat .bot.message').length === 3"
                           " && !document.querySelector('#question .stop-button')")


def test_chats_are_listed_opened_renamed_saved_deleted_and_brought_back(visit, samples, tmp_path):
    page = visit()
    add(page, samples / "cat.jpg")
    ask(page, "What is this?")
    answer = answered(page)
    page.click("#new-chat")
    page.wait_for_selector("#chat .example")
    ask(page, "Say hello.")
    answered(page)
    page.click(DRAWER)
    page.wait_for_selector("#drawer li >> nth=1")
    row = page.locator("#drawer li:has-text('cat.jpg')")
    with page.expect_download() as saving:
        row.locator("[data-drawer=json]").click()
    saving.value.save_as(tmp_path / "saved.json")
    with page.expect_download() as saving:
        row.locator("[data-drawer=markdown]").click()
    saving.value.save_as(tmp_path / "saved.md")
    assert answer.split()[0] in (tmp_path / "saved.md").read_text(encoding="utf-8")
    saved = json.loads((tmp_path / "saved.json").read_text())
    assert saved["inputs"][0]["files"][0]["data"].startswith("data:image/jpeg")
    row.locator("[data-drawer=rename]").click()
    page.fill("#drawer li input", "My cat")
    page.press("#drawer li input", "Enter")
    page.locator("#drawer .open:has-text('My cat')").click()
    page.wait_for_selector("#chips .chip.ready:has-text('cat.jpg')")
    assert page.locator(ANSWER).inner_text() == answer
    page.locator("#drawer li:has-text('My cat') [data-drawer=ask-delete]").click()
    page.locator("#drawer .sure").click()
    page.wait_for_selector("#drawer >> text=My cat", state="detached")
    page.wait_for_selector("#chat .example")
    page.set_input_files("#bring input[type=file]", str(tmp_path / "saved.json"))
    page.wait_for_selector("#chips .chip.ready:has-text('cat.jpg')")
    assert page.locator(ANSWER).inner_text() == answer
    page.set_input_files("#bring input[type=file]", str(samples / "samples.json"))
    page.wait_for_selector("text=samples.json: not a saved chat")
    assert page.locator(ANSWER).inner_text() == answer
    page.keyboard.press("Escape")
    assert page.locator("#drawer").is_hidden()


def test_a_file_that_is_gone_is_named_and_the_text_stays(visit, samples):
    from app import keeping

    page = visit()
    add(page, samples / "sofa.off")
    ask(page, "What is this?")
    answer = answered(page)
    ticket = page.evaluate("JSON.parse(window.pointllm.carried()).inputs[0].file")
    for file in (keeping.folder() / ticket["key"]).iterdir():
        file.unlink()
    page.reload()
    page.wait_for_selector("#chips .chip.lost:has-text('add it again')")
    assert page.locator(ANSWER).inner_text() == answer
    ask(page, "What colour is it?")
    page.wait_for_selector("#chat [role=alert]:has-text('sofa.off')")


def test_two_people_see_only_their_own(visit, samples, tmp_path):
    one, other = visit(), visit()
    (tmp_path / "secret.off").write_bytes((samples / "sofa.off").read_bytes())
    add(one, tmp_path / "secret.off")
    ask(one, "What is this?")
    answered(one)
    other.reload()
    other.wait_for_selector("#chat .example")
    other.click(DRAWER)
    other.wait_for_selector("#drawer .empty")
    assert "secret.off" not in other.content() and other.locator("#chat .message").count() == 0
    # One who learns the id of a conversation, and guesses at a ticket, gets nothing but what was sent along.
    forged = one.evaluate("""() => {
        const kept = JSON.parse(window.pointllm.carried());
        kept.inputs[0].file.key = 'A'.repeat(32);
        return JSON.stringify(kept);
    }""")
    other.evaluate("kept => window.pointllm.send('open_chat', {kept})", forged)
    other.wait_for_selector("#chips .chip.lost")
