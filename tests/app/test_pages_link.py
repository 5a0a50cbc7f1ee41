"""Links to the pages: what was filled in comes back, and what strangers write into a link does no harm."""

import pytest

from app.pages.combine import CombinePage
from app.pages.find import FindPage
from app.pages.link import page_of, read_link, write_link
from app.pages.recognise import RecognisePage
from app.pages.samples import names, paths_of

PAGES = [RecognisePage, FindPage, CombinePage]


@pytest.mark.parametrize("page", PAGES)
def test_every_example_survives_a_link(page):
    for _, values in page.examples:
        link = write_link(page.key, page.fields, values)
        assert page_of(link) == page.key
        assert read_link(page.fields, link) == {key: value for key, value in values.items()}


def test_words_with_signs_lines_and_chinese_survive_a_link():
    values = {"labels": "a & b, 椅子\nc=d #1 100% +", "top": 7, "none": True}
    link = write_link("recognise", RecognisePage.fields, values)
    assert read_link(RecognisePage.fields, link) == values
    assert link.isascii() and " " not in link


def test_what_is_as_the_page_has_it_stays_out_of_the_link():
    assert write_link("find", FindPage.fields, {"words": "", "top": 12, "samples": ()}) == "?page=find"


@pytest.mark.parametrize("query", [
    "?page=recognise&top=9999", "?page=recognise&top=nan", "?page=recognise&top=many", "?page=recognise&templates=/etc",
    "?page=recognise&none=perhaps&unknown=1", "?page=recognise&labels=" + "x" * 5000,
    "?page=recognise&" + "&".join(f"a{n}=1" for n in range(500)),
    "?page=recognise&samples=../../secret.ply,/etc/passwd",
])
def test_a_value_that_a_page_cannot_have_is_passed_over(query):
    assert not any(read_link(RecognisePage.fields, query).values())


def test_a_link_names_samples_only_by_names_that_exist():
    found = read_link(FindPage.fields, "?page=find&samples=cat.jpg,../cat.jpg,nothing.ply,cat.jpg")
    assert found == {"samples": ("cat.jpg",)}
    assert paths_of(["../README.md", "cat.jpg"]) == paths_of(["cat.jpg"]) and "samples.json" not in names()
