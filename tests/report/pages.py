"""What tests of pages share: a parser that checks them, and the worst that a table can hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "hr", "br", "img", "input", "link", "path", "use", "rect", "line"}
EVIL = "<script>alert('x')</script> & \"quoted\" $\\alpha$ `--code`"


class Page(HTMLParser):
    """Checks that elements nest, that nothing runs and nothing is loaded, and collects ids, links and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert not any(name.startswith("on") for name in values), tag
        assert tag not in ("script", "link", "iframe", "img", "object"), tag
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def needs_nothing_else(page: str) -> bool:
    """Return whether all links are to places of the page itself, and no id is there twice."""
    parsed = Page(page)
    inside = all(link.startswith("#") and link[1:] in parsed.ids for link in parsed.links)
    alone = "url(" not in re.sub(r"url\(#", "", page) and "@import" not in page
    return inside and alone and len(parsed.ids) == len(set(parsed.ids))
