"""HTML as a browser sees it: tags, attributes, addresses and text of a whole page."""

from html.parser import HTMLParser

VOID = {"meta", "br"}


class Document(HTMLParser):
    """Tags, attributes, ids and text of a page; unbalanced tags are an error."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.ids, self.words, self.open = [], [], [], [], []
        self.headings = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if self.open and self.open[-1] in {"h1", "h2"}:
            self.headings.setdefault(self.open[-1], []).append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())
