import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_core.manifest.references import (
    GIT_FACTS,
    TARGET_FACTS,
    Kind,
    Reference,
    fill,
    fill_all,
    find_references,
    list_references,
)

names = st.text(string.ascii_letters + "_", min_size=1, max_size=5)
references = st.one_of(
    names.map(lambda name: Reference(Kind.ENV, name)),
    names.map(lambda name: Reference(Kind.FILE, f"./{name}.txt")),
    names.map(lambda name: Reference(Kind.CMD, f"{name} --flag")),
    st.sampled_from(GIT_FACTS).map(lambda fact: Reference(Kind.GIT, fact)),
    st.sampled_from(TARGET_FACTS).map(lambda fact: Reference(Kind.TARGETS, "app", fact)),
)
plain = st.text(max_size=8).map(lambda text: text.replace("$", "").replace("{", ""))
parts = st.lists(st.one_of(references, plain), max_size=6)


@settings(deadline=None)
@given(parts, st.text())
def test_a_text_is_filled_in_its_places_whatever_the_values_say(given: list, value: str) -> None:
    text = "".join(map(str, given))
    found = [part for part in given if isinstance(part, Reference)]
    assert list(list_references(text)) == found
    values = {reference: f"{value}{n}" for n, reference in enumerate(dict.fromkeys(found))}
    assert fill(text, values) == "".join(values[p] if isinstance(p, Reference) else p for p in given)


@settings(deadline=None)
@given(st.text())
def test_every_text_can_be_written_so_that_it_means_itself(text: str) -> None:
    escaped = text.replace("${", "$${")
    assert (list_references(escaped), fill(escaped, {})) == ((), text)


def test_what_a_value_says_is_never_read_again() -> None:
    reference = Reference(Kind.ENV, "A")
    assert fill("${env:A}", {reference: "${cmd:rm -rf x}"}) == "${cmd:rm -rf x}"


def test_lists_and_mappings_are_filled_but_for_their_keys() -> None:
    value = {"${env:A}": ["x-${env:A}", 3, {"k": "${git.sha}"}]}
    a, sha = Reference(Kind.ENV, "A"), Reference(Kind.GIT, "sha")
    assert find_references(value) == {a, sha}
    assert fill_all(value, {a: "1", sha: "2"}) == {"${env:A}": ["x-1", 3, {"k": "2"}]}


@pytest.mark.parametrize(
    "text", ["${}", "${env:}", "${env:a b}", "${env.X}", "${x", "${git.sha", "${targets.a.b.c}"]
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"'|git"):
        list_references(text)
