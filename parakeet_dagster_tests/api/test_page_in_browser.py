"""The page in a browser, over a server, a database and a lake that are real."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from parakeet_api.app import create_app
from parakeet_api.services import Services
from parakeet_dagster import clock
from parakeet_dagster.places import open_lake
from parakeet_dagster.reports.palette import DARK, LIGHT
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.reports import write_report
from parakeet_dagster_tests.api.clients import MANY, api_on, module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.servers import listening
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of
from strategy.portfolio.comparison import COMPARED
from strategy.portfolio.compose import FIGURES as FIGURE_UNITS

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason=f"no browser is installed: {', '.join(NAMES)}"
)

SESSIONS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08")
MINUS = "\N{MINUS SIGN}"
EVIL = "<img src=x onerror=alert(1)>"
PATIENCE_MS = 20_000

INVALID = (
    "This key is not valid. It may have been revoked; parakeet keys lists those that are in use."
)
NO_KEY = "This is not an API key: one begins with pk_. Look at what was printed when it was made."
NO_REPORT = (
    "No report yet: run parakeet backfill FROM TO over more sessions than the strategies look back"
    " on."
)

CURVES = {
    "dual_momentum": [100_000.0, 102_500.0, 101_000.0, 180_000.0, 456_789.4],
    "equal_weight": [100_000.0, 99_000.0, 98_000.0, 97_000.0, 112_345.6],
}
FIGURES = {
    "dual_momentum": {"CAGR": 0.1234, "Sharpe ratio": 0.876, "maximum drawdown": -0.0456},
    "equal_weight": {"CAGR": -0.0213, "Sharpe ratio": -0.111, "maximum drawdown": -0.2},
}


def store(database: Any) -> None:
    """Two strategies with a report, one with a name that would be markup."""
    lake = open_lake(load_settings().lake_url)
    for name, values in CURVES.items():
        write_report(lake, f"performance/{name}", "<p>report</p>", report(name, values))
    database.merge_market_data(bars_of(bar(SESSIONS[-1], "KO", 60.0)), days(SESSIONS[-1]), "new")
    database.write_allocations(
        "dual_momentum", weights(("KO", 0.5), ("BHP.AX", 0.125), ("CASH", 0.375), rebalance=True)
    )
    database.write_allocations("equal_weight", weights(*((f"T{n:02d}", 0.05) for n in range(20))))
    database.write_allocations(EVIL, weights((EVIL, 1.0)))
    names = ["date", "ticker", "side", "quantity", "price_estimate_aud", "cost_estimate_aud"]
    rows = [
        (SESSIONS[-1], "KO", "buy", 264.0, 92.41, 185.98, "enter: 0 to 18.6%"),
        (SESSIONS[-1], "JNJ", "sell", 9.5, 1259.08, 3.0, EVIL),
    ]
    orders = pd.DataFrame(rows, columns=[*names, "reason"]).astype({"date": "datetime64[us]"})
    database.write_orders("dual_momentum", orders, days(SESSIONS[-1]))
    database.write_orders("equal_weight", orders.iloc[:0], days(SESSIONS[-2]))


def weights(*rows: tuple[str, float], rebalance: bool = False) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["ticker", "weight"])
    frame["date"] = pd.Timestamp(SESSIONS[-1])
    return frame.assign(rebalance=rebalance).astype({"date": "datetime64[us]"})


def report(name: str, values: list[float]) -> dict[str, pd.DataFrame]:
    index = pd.DatetimeIndex(SESSIONS, name="date").astype("datetime64[us]")
    curves = pd.DataFrame({"strategy": values}, index=index)
    curves = curves.assign(after_tax=curves["strategy"] * 0.9, benchmark=100_000.0)
    of = FIGURES[name]
    told = {figure: FIGURE_UNITS[figure] for figure, _ in COMPARED.values()}
    figures = pd.DataFrame({"unit": told}).rename_axis("figure")
    figures["strategy"] = [of.get(figure, 0.01) for figure in told]
    figures["after_tax"] = figures["strategy"] / 2
    figures["benchmark"] = 0.05
    chance = pd.DataFrame(
        {"unit": ["ratio", "sessions", "number", "number"], "value": [0.05, 500.0, 0.0, 3.0]},
        index=pd.Index(
            [
                *("Sharpe ratio of a session", "sessions"),
                *("skewness of excess returns", "kurtosis of excess returns"),
            ],
            name="figure",
        ),
    )
    return {"curves": curves, "figures": figures, "chance": chance}


@dataclass
class Tab:
    """A tab of the browser, and all that went on in it.

    complaints: errors of the console, of scripts and of the policy. asked: the requests.
    """

    page: Any
    address: str
    key: str
    complaints: list[str] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request))

    def _on_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, key: str | None = None) -> Any:
        self.page.goto(f"{self.address}#key={key or self.key}")
        return self.page

    def show(self) -> Any:
        """Open it with the key, and wait until everything is there."""
        self.open()
        self.page.wait_for_selector("polyline")
        self.page.wait_for_selector("body:not([aria-busy])")
        return self.page

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(module_api) -> Iterator[tuple[str, str]]:
    """The address of the server, and a key."""
    store(module_api.database)
    services = Services(load_settings(), anonymous_per_minute=MANY)
    with listening(create_app(services)) as port:
        yield page_at(port), module_api.keys["reader"]


@pytest.fixture
def open_tab(browser) -> Iterator[Callable[..., Tab]]:
    """Opens tabs that share nothing; what they complained of is a failure."""
    tabs: list[Tab] = []

    def opened(site: tuple[str, str], **options: Any) -> Tab:
        context = browser.new_context(**{"viewport": {"width": 1180, "height": 900}, **options})
        context.set_default_timeout(PATIENCE_MS)
        tabs.append(Tab(context.new_page(), *site))
        tabs[-1].watch()
        return tabs[-1]

    yield opened
    for one in tabs:
        one.page.context.close()


@pytest.fixture
def tab(open_tab, site) -> Tab:
    return open_tab(site)


class TestWhatIsShown:
    def test_the_figures(self, tab):
        tab.show()
        assert tab.texts("#comparison thead th") == [
            *("Strategy", "CAGR", "Sharpe", "Max drawdown", "CAGR after tax", "Costs a year"),
            *("From", "To"),
        ]
        ends = "2024-01-02\t2024-01-08"
        assert tab.texts("#comparison tbody tr") == [
            f"dual_momentum\t12.3%\t0.88\t{MINUS}4.6%\t6.2%\t1.00%\t{ends}",
            f"equal_weight\t{MINUS}2.1%\t{MINUS}0.11\t{MINUS}20.0%\t{MINUS}1.1%\t1.00%\t{ends}",
        ]

    def test_the_curves(self, tab):
        page = tab.show()
        assert page.locator("#chart polyline").count() == 2
        assert [points(page, name) for name in CURVES] == [5, 5]
        assert tab.texts("#day") == ["2024-01-08"]
        assert tab.texts("#legend li") == ["dual_momentum\nA$456,789", "equal_weight\nA$112,346"]
        # more than threefold, so equal growth looks equal
        assert tab.texts("#scales [aria-pressed=true]") == ["Logarithmic"]
        assert texts_of(page, ".axis-title") == ["AUD, logarithmic"]
        assert texts_of(page, ".tick.value") == [
            *("A$100,000", "A$150,000", "A$200,000", "A$300,000", "A$400,000")
        ]
        assert texts_of(page, ".tick.date") == [f"2024-01-0{day}" for day in (2, 4, 6, 8)]

    def test_the_scale(self, tab):
        page = tab.show()
        page.get_by_role("button", name="Linear").click()
        assert texts_of(page, ".axis-title") == ["AUD"]
        assert texts_of(page, ".tick.value") == [
            *("A$100,000", "A$200,000", "A$300,000", "A$400,000")
        ]
        assert heights(page, "dual_momentum") == pytest.approx(
            evenly(CURVES["dual_momentum"], heights(page, "dual_momentum")), abs=0.2
        )

    def test_the_allocations(self, tab):
        page = tab.show()
        card = page.get_by_role("article", name="Allocation of dual_momentum")
        assert card.locator("p").inner_text() == "2024-01-08, rebalanced"
        assert [text.split("\t")[::2] for text in card.locator("tr").all_inner_texts()] == [
            *(["KO", "50.00%"], ["BHP.AX", "12.50%"], ["CASH", "37.50%"]),
        ]
        bars = [bar["width"] for bar in map(box, card.locator(".bar").all())]
        assert bars[1] == pytest.approx(bars[0] / 4, abs=1)
        assert bars[2] == pytest.approx(bars[0] * 3 / 4, abs=1)

        many = page.get_by_role("article", name="Allocation of equal_weight")
        assert many.locator("p").inner_text() == "2024-01-08, held as before"
        assert many.locator("tr:visible").count() == 12
        many.locator("summary").click()
        assert many.locator("tr:visible").count() == 20

    def test_the_orders(self, tab):
        page = tab.show()
        group = page.get_by_role("article", name="Orders of dual_momentum")
        assert group.locator("tbody tr").all_inner_texts() == [
            f"sell\tJNJ\t9.5000\t1,259.08\t11,961.26\t3.00\t{EVIL}",
            "buy\tKO\t264\t92.41\t24,396.24\t185.98\tenter: 0 to 18.6%",
        ]
        assert tab.texts("#orders .nothing") == ["Nothing to trade: equal_weight on 2024-01-05."]

    @pytest.mark.parametrize(
        ("now", "state"),
        [
            ("2024-01-08T23:00:00+00:00", "up to date"),
            ("2024-01-10T00:59:00+00:00", "up to date"),
            ("2024-01-10T01:00:00+00:00", "1 session behind"),
            ("2024-01-15T07:00:00+00:00", "4 sessions behind"),  # over a weekend
        ],
    )
    def test_how_old_it_is(self, tab, now, state, monkeypatch):
        monkeypatch.setattr(clock, "now", lambda: datetime.fromisoformat(now))
        tab.show()
        assert tab.texts("#session") == [f"Session 2024-01-08\n{state}"]


class TestReadOut:
    def test_by_mouse(self, tab):
        page = tab.show()
        chart = box(page.locator("#chart"))
        first, last = box(page.locator(".grid").first)["x"], box(page.locator(".base").first)
        across = last["x"] + last["width"] - first
        page.mouse.move(first + across * 3 / 6, chart["y"] + 100)  # 2024-01-05: three of six days
        assert tab.texts("#day") == ["2024-01-05"]
        assert tab.texts("#legend li") == ["dual_momentum\nA$180,000", "equal_weight\nA$97,000"]
        assert page.locator(".cross").count() == 1
        assert page.locator("circle.dot").count() == 2
        page.mouse.move(5, 5)
        assert tab.texts("#day") == ["2024-01-08"]
        assert page.locator(".cross").count() == 0

    def test_by_keyboard(self, tab):
        page = tab.show()
        chart = page.get_by_role("slider")
        assert chart.get_attribute("aria-label") == (
            "Equity curves from 2024-01-02 to 2024-01-08: dual_momentum, equal_weight. Arrow keys"
            " move between sessions."
        )
        chart.focus()
        for key, day in [
            ("ArrowLeft", "2024-01-05"),
            ("ArrowLeft", "2024-01-04"),
            ("ArrowRight", "2024-01-05"),
            ("Home", "2024-01-02"),
            ("ArrowLeft", "2024-01-02"),
            ("PageUp", "2024-01-08"),
            ("PageDown", "2024-01-02"),
            ("End", "2024-01-08"),
        ]:
            page.keyboard.press(key)
            assert tab.texts("#day") == [day], key
        page.keyboard.press("Home")
        assert chart.get_attribute("aria-valuetext") == (
            "2024-01-02: dual_momentum A$100,000, equal_weight A$100,000"
        )
        page.keyboard.press("Escape")
        assert page.locator(".cross").count() == 0

    def test_a_curve_can_be_hidden(self, tab):
        page = tab.show()
        entry = page.locator("#legend").get_by_role("button", name="dual_momentum")
        entry.click()
        assert entry.get_attribute("aria-pressed") == "false"
        assert page.locator("polyline").count() == 1
        assert texts_of(page, ".tick.value") == [  # of 97,000 to 112,346, and a margin
            *("A$95,000", "A$100,000", "A$105,000", "A$110,000", "A$115,000")
        ]
        entry.click()
        assert page.locator("polyline").count() == 2


class TestKey:
    def test_it_is_gone_from_the_address(self, tab):
        page = tab.show()
        assert page.url == tab.address
        assert page.evaluate("history.length") <= 2
        assert tab.key not in page.content()
        assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
        page.reload()
        page.wait_for_selector("polyline")

    def test_it_goes_to_the_api_only(self, tab):
        tab.show()
        assert {request.url.startswith(tab.address) for request in tab.asked} == {True}
        assert not [request.url for request in tab.asked if tab.key in request.url]
        sent = {
            "/v1/" in request.url: request.headers.get("authorization") for request in tab.asked
        }
        assert sent == {False: None, True: f"Bearer {tab.key}"}

    def test_it_can_be_typed(self, tab):
        page = tab.page
        page.goto(tab.address)
        assert page.locator("#results").is_hidden()
        assert page.get_by_label("API key").get_attribute("type") == "password"
        page.get_by_label("API key").fill(f" {tab.key} ")
        page.keyboard.press("Enter")
        page.wait_for_selector("polyline")
        assert page.locator("#ask").is_hidden()
        assert page.get_by_label("API key").input_value() == ""
        assert tab.complaints == []

    def test_it_can_be_forgotten(self, tab):
        page = tab.show()
        page.get_by_role("button", name="Forget the key").click()
        assert page.evaluate("sessionStorage.length") == 0
        assert " ".join(tab.texts("body")[0].split()) == (
            "Parakeet The key is forgotten. API key Show parakeet keys create NAME makes one. It is"
            " kept for this tab only, and forgotten when the tab closes."
        )
        assert "BHP.AX" not in page.content()
        assert page.locator("polyline").count() == 0
        page.reload()
        assert page.get_by_label("API key").is_visible()

    @pytest.mark.parametrize(
        ("key", "message"),
        [
            (
                f"pk_{'0' * 12}_{'a' * 43}",
                INVALID,
            ),
            (
                "hunter2",
                NO_KEY,
            ),
        ],
        ids=["of nobody", "no key"],
    )
    def test_a_wrong_one(self, tab, key, message):
        page = tab.open(key)
        page.get_by_text(message, exact=True).wait_for()
        assert page.get_by_label("API key").is_visible()
        assert page.locator("#results").is_hidden()
        assert page.evaluate("sessionStorage.length") == 0
        page.get_by_label("API key").fill(tab.key)
        page.keyboard.press("Enter")
        page.wait_for_selector("polyline")
        assert page.locator("#message").is_hidden()


def test_nothing_stored_becomes_markup(tab):
    page = tab.show()
    assert page.locator("img").count() == 0
    assert page.get_by_role("heading", name=EVIL).count() == 1
    page.wait_for_timeout(200)
    assert tab.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1180])
def test_every_screen(open_tab, site, width, scheme):
    tab = open_tab(site, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = tab.show()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    drawn, place = box(page.locator("#chart svg")), box(page.locator("#chart"))
    assert drawn["width"] == pytest.approx(place["width"], abs=1)
    assert inside(page, width) == []
    palette = DARK if scheme == "dark" else LIGHT
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == rgb(palette["paper"])
    of_first = "getComputedStyle(document.querySelector('polyline')).stroke"
    assert page.evaluate(of_first) == rgb(palette["share-2" if scheme == "dark" else "share-1"])
    assert tab.complaints == []


class TestTrouble:
    def answer(self, tab: Tab, status: int, detail: str, **headers: str) -> None:
        """Let every request to the API be answered so, until it is told otherwise."""
        problem = {"status": status, "detail": detail, "request_id": "abc"}
        tab.page.route(
            "**/v1/**",
            lambda route: route.fulfill(status=status, json=problem, headers=headers),
        )

    def test_the_database_is_away(self, tab):
        tab.page.clock.install()
        self.answer(tab, 503, "the database cannot be reached; ask again", **{"Retry-After": "5"})
        page = tab.open()
        page.get_by_text("The database cannot be reached. Trying again in 5 seconds.").wait_for()
        page.clock.run_for(5_100)
        page.get_by_text("The database cannot be reached. Trying again in 10 seconds.").wait_for()
        page.unroute("**/v1/**")
        page.clock.run_for(10_100)
        page.wait_for_selector("polyline")
        page.wait_for_selector("#message", state="hidden")

    def test_too_many_requests(self, tab):
        self.answer(tab, 429, "too many", **{"Retry-After": "10"})
        page = tab.open()
        page.get_by_text(
            "Too many requests within a minute. Trying again in 10 seconds."
        ).wait_for()

    def test_the_server_is_away(self, tab):
        tab.page.route("**/v1/**", lambda route: route.abort())
        page = tab.open()
        page.get_by_text("The server does not answer. Trying again in 5 seconds.").wait_for()

    def test_a_key_that_may_not_read(self, tab):
        self.answer(tab, 403, f"the API key '{EVIL}' has not the scope read")
        page = tab.open()
        page.get_by_text(f"the API key '{EVIL}' has not the scope read").wait_for()
        assert page.locator("img").count() == 0

    def test_what_nobody_foresaw(self, tab):
        self.answer(tab, 500, "something went wrong here")
        page = tab.open()
        page.get_by_text("something went wrong here (abc)").wait_for()

    def test_one_part_does_not_take_the_others_along(self, tab):
        tab.page.route(
            "**/v1/performance", lambda route: route.fulfill(status=500, json={"detail": "broken"})
        )
        page = tab.open()
        page.get_by_text("broken").wait_for()
        page.get_by_role("article", name="Allocation of dual_momentum").wait_for()
        page.get_by_role("article", name="Orders of dual_momentum").wait_for()

    def test_an_answer_that_comes_after_the_key_is_forgotten(self, tab):
        held: list[Any] = []
        tab.page.route("**/v1/allocations*", lambda route: held.append(route))
        page = tab.open()
        page.get_by_role("article", name="Orders of dual_momentum").wait_for()
        page.get_by_role("button", name="Forget the key").click()
        held[0].continue_()
        page.wait_for_timeout(300)
        assert "BHP.AX" not in page.content()
        assert page.locator("#results").is_hidden()
        assert tab.complaints == []


def test_nothing_is_stored_yet(open_tab, database_url, monkeypatch, tmp_path):
    monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "home"))
    with api_on(database_url, monkeypatch) as api:
        services = Services(load_settings(), anonymous_per_minute=MANY)
        with listening(create_app(services)) as port:
            tab = open_tab((page_at(port), api.keys["reader"]))
            page = tab.open()
            page.wait_for_selector("#orders .nothing")
            page.wait_for_selector("body:not([aria-busy])")
            assert tab.texts("#session") == [
                "No session is stored yet: run parakeet backfill FROM TO"
            ]
            assert tab.texts(".nothing") == [
                NO_REPORT,
                "No allocation yet: run parakeet backfill FROM TO.",
                "No orders are stored yet.",
            ]
            assert page.locator("#equity").is_hidden()
            assert tab.complaints == []


def page_at(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def points(page: Any, strategy: str) -> int:
    return len(heights(page, strategy))


def heights(page: Any, strategy: str) -> list[float]:
    """Where a curve is, in pixels from above."""
    drawn = page.locator(f"polyline[data-strategy={strategy}]").get_attribute("points")
    return [float(point.split(",")[1]) for point in drawn.split()]


def evenly(values: list[float], drawn: list[float]) -> list[float]:
    """Where values belong on a linear scale that has the ends of those drawn."""
    low, high = min(values), max(values)
    bottom, top = max(drawn), min(drawn)
    return [bottom + (one - low) / (high - low) * (top - bottom) for one in values]


def texts_of(page: Any, selector: str) -> list[str]:
    """Of a drawing, where nothing has an inner text."""
    return page.locator(f"#chart {selector}").all_text_contents()


def box(locator: Any) -> dict[str, float]:
    found = locator.bounding_box()
    assert found is not None
    return found


def inside(page: Any, width: int) -> list[str]:
    """The labels of the axes that are not, as a whole, on the screen."""
    return [
        one.text_content()
        for one in page.locator("#chart text").all()
        if box(one)["x"] < 0 or box(one)["x"] + box(one)["width"] > width
    ]


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(part, 16)) for part in re.findall('..', colour[1:]))})"
