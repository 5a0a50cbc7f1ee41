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
    assert write_link("find", FindPage.fields, {"words": "", "top": 12, "samples": ()}) == "?use=find"


@pytest.mark.parametrize("query", [
    "?use=recognise&top=9999", "?use=recognise&top=nan", "?use=recognise&top=many", "?use=recognise&templates=/etc",
    "?use=recognise&none=perhaps&unknown=1", "?use=recognise&labels=" + "x" * 5000,
    "?use=recognise&" + "&".join(f"a{n}=1" for n in range(500)),
    "?use=recognise&samples=../../secret.ply,/etc/passwd",
])
def test_a_value_that_a_page_cannot_have_is_passed_over(query):
    assert not any(read_link(RecognisePage.fields, query).values())


def test_words_that_are_too_long_stay_out_of_the_link():
    link = write_link("recognise", RecognisePage.fields, {"labels": "thing, " * 1000, "top": 3})
    assert link == "?use=recognise&top=3"


def test_a_link_names_samples_only_by_names_that_exist():
    found = read_link(FindPage.fields, "?use=find&samples=cat.jpg,../cat.jpg,nothing.ply,cat.jpg")
    assert found == {"samples": ("cat.jpg",)}
    assert paths_of(["../README.md", "cat.jpg"]) == paths_of(["cat.jpg"]) and "samples.json" not in names()
