import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.pages.markup import render_markdown


def render(text: str) -> str:
    return render_markdown(text, files="/a/m/blob/main", images="/a/m/file/main")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One\n\n*two*", "<h1>One</h1>\n<p><em>two</em></p>\n"),
        ("~~no~~ `yes`", "<p><s>no</s> <code>yes</code></p>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("[a](data:text/html,x)", "<p>[a](data:text/html,x)</p>\n"),
    ],
)
def test_markdown_becomes_html_that_runs_nothing(text: str, html: str) -> None:
    assert render(text) == html


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("docs/use.md", "/a/m/blob/main/docs/use.md"),
        ("./x.md#part", "/a/m/blob/main/x.md#part"),
        ("../../../bob/secret", "/a/m/blob/main/bob/secret"),
        ("/api/whoami-v2", "/a/m/blob/main/api/whoami-v2"),
        ("sp%20ace/%C3%BC", "/a/m/blob/main/sp%20ace/%C3%BC"),
        ("#part", "#part"),
        ("https://example.com/x", "https://example.com/x"),
        ("//example.com/x", "//example.com/x"),
    ],
)
def test_links_lead_into_the_repo_or_away(address: str, leads_to: str) -> None:
    assert f'<a href="{leads_to}" rel="nofollow noopener noreferrer">' in render(f"[a]({address})")


def test_pictures_are_the_repos_own_bytes() -> None:
    assert render("![a](b.png)") == '<p><img src="/a/m/file/main/b.png" alt="a" loading="lazy" /></p>\n'


_TAGS = re.compile(
    "h[1-6]|p|em|strong|s|code|pre|a|img|ul|ol|li|blockquote|hr|br|table|thead|tbody|tr|th|td", re.ASCII
)
_HOSTILE = st.lists(st.sampled_from([*"<>\"'&[]()!\n a`#", "javascript:"]), max_size=30).map("".join)


@given(st.one_of(_HOSTILE, st.text(max_size=200)))
def test_no_tag_or_address_of_the_text_gets_through(text: str) -> None:
    html = render(text)
    for tag in re.findall(r"<\s*/?\s*([^\s>/]*)", html):
        assert _TAGS.fullmatch(tag)
    for address in re.findall(r'(?:href|src)="([^"]*)"', html):
        assert not address.lower().lstrip().startswith(("javascript:", "data:text", "vbscript:"))
