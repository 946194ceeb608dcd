"""`monitor.html`: timelines of all series in a bounded page, and nothing of the data acts as HTML."""

from html.parser import HTMLParser

from mlci.monitor.document import MonitorDocument
from mlci.monitor.history import SeriesPoint, SeriesView, WindowRecord
from mlci.report.monitor.page import BUDGET, render_monitor_page

ODD = 'drift[<script>alert("x")</script>]'


def document(series=3, windows=20):
    names = [ODD, *(f"drift[column{number}]" for number in range(series))]
    points = {
        name: SeriesPoint(finding="bad" if name == ODD else "ok", value=0.1, low=0.05, high=0.2) for name in names
    }
    timeline = tuple(
        WindowRecord(
            start=f"20{10 + at // 12}-{at % 12 + 1:02}-01T00:00",
            end=f"20{10 + (at + 1) // 12}-{(at + 1) % 12 + 1:02}-01T00:00",
            version=1,
            rows=1_000,
            labelled=10,
            points=points,
        )
        for at in range(windows)
    )
    views = tuple(
        SeriesView(series=name, state="warn" if name == ODD else "ok", since=None, finding=points[name].finding)
        for name in names
    )
    return MonitorDocument(
        model="scored", version=1, unit="month", state="warn", since="2011-08-01T00:00", series=views, timeline=timeline
    )


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.open, self.text, self.classes = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.classes.append(dict(attributes).get("class"))

    def handle_data(self, data):
        self.text.append(data)


def test_page__timelines():
    reader = Reader()
    reader.feed(render_monitor_page(document()))
    assert "script" not in reader.tags
    assert ODD in reader.text
    assert {"drift[column0]", "drift[column2]", "3 series are well", "Warning since 2011-08-01"} <= set(reader.text)
    assert reader.tags.count("h3") == 4


def read_series(points, *, state="ok"):
    """Render a monitor of one series with these points, one a day; ``None`` is a window without a value."""
    timeline = tuple(
        WindowRecord(
            start=f"2026-01-0{day}T00:00",
            end=f"2026-01-0{day + 1}T00:00",
            version=1,
            rows=50,
            labelled=0,
            points={} if point is None else {"drift[x]": point},
        )
        for day, point in enumerate(points, 1)
    )
    finding = points[-1].finding if points[-1] else "unknown"
    views = (SeriesView(series="drift[x]", state=state, since=None, finding=finding),)
    reader = Reader()
    reader.feed(
        render_monitor_page(
            MonitorDocument(
                model="scored", version=1, unit="day", state="ok", since=None, series=views, timeline=timeline
            )
        )
    )
    return reader


def at(value, finding="ok"):
    return SeriesPoint(finding=finding, value=value)


def test_page__beyond_the_limit_is_not_well():
    reader = read_series([at(0.1), at(0.4, "bad")])
    assert "beyond its limit" in reader.text
    assert "state inconclusive" in reader.classes
    assert "state passed" not in reader.classes


def test_page__newest_window_not_known():
    reader = read_series([at(0.1), None])
    assert {"unknown", "1 series is unknown"} <= set(reader.text)
    assert "state none" in reader.classes


def test_page__missing_value_breaks_the_line():
    assert read_series([at(0.1), at(0.2), at(0.3)]).classes.count("join") == 2
    assert read_series([at(0.1), None, at(0.3)]).classes.count("join") == 0


def test_page__labels_with_room():
    assert {"0.1", "0.3"} <= set(read_series([at(0.1), at(0.3)]).text)
    assert read_series([at(0.3)]).text.count("0.3") == 1


def test_page__bounded():
    page = render_monitor_page(document(series=150, windows=60))
    assert len(page.encode()) <= BUDGET
    assert "&lt;script&gt;" in page
