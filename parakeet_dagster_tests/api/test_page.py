"""The files of the page: who gets them, how, and that nothing in them comes from elsewhere."""

import re
from importlib.resources import files

import pytest
from starlette.testclient import TestClient

from parakeet_api.app import create_app
from parakeet_api.routers.page import FILES
from parakeet_api.services import Services
from parakeet_dagster.reports.palette import DARK, LIGHT
from parakeet_dagster.settings import load_settings

PATHS = {"/" if name == "index.html" else f"/{name}": name for name in FILES}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def content(name: str) -> str:
    return files("parakeet_api.page").joinpath(name).read_text()


@pytest.fixture
def client(monkeypatch):
    """Without a database: the page needs none."""
    monkeypatch.setenv("NEON_DATABASE_URL", "postgres:///none?host=/no/such/socket")
    services = Services(load_settings(), anonymous_per_minute=20)
    with TestClient(create_app(services, ("page",))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/chart.js", "text/javascript; charset=utf-8"),
        ("/words.js", "text/javascript; charset=utf-8"),
    ],
)
def test_a_file(client, path, media_type):
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.text == content(PATHS[path])
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"

    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))
    assert head.headers["etag"] == answer.headers["etag"]

    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == POLICY


def test_every_file_is_served():
    stored = {one.name for one in files("parakeet_api.page").iterdir() if one.is_file()}
    assert stored - {"__init__.py"} == set(FILES)


@pytest.mark.parametrize("path", ["/page.py", "/__init__.py", "/index.html", "/page/page.css"])
def test_nothing_else_is(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_sent_to_it(client, method):
    assert client.request(method, "/").status_code == 405


def test_an_address_may_not_ask_for_ever(client):
    statuses = [client.get("/").status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]


def test_it_is_not_in_the_description_of_the_api(client):
    from parakeet_api.app import description

    assert set(description(client.app)["paths"]) == {"/v1/health"}


def test_nothing_is_inline():
    page = content("index.html")
    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page, re.IGNORECASE) == []


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_from_elsewhere(name):
    addresses = set(re.findall(r"https?://[^\s\"')]+", content(name)))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # the name of SVG; nobody asks there
    assert "@import" not in content(name)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_no_text_becomes_markup(name):
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\.srcdoc"
    assert re.findall(ways, content(name)) == []


def test_the_key_is_kept_for_the_tab_only():
    script = content("page.js")
    assert re.findall(r"localStorage|document\.cookie|indexedDB", script) == []


def test_the_colours_are_those_of_the_reports():
    light, dark = content("page.css").split("@media (prefers-color-scheme: dark)", 1)
    of_dark = dark.split("\n}\n", 1)[0]
    named = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
    assert {name: LIGHT[name] for name, _ in named.findall(light)} == dict(named.findall(light))
    changed = dict(named.findall(of_dark))
    assert changed == {name: DARK[name] for name in changed}
    assert {name for name, _ in named.findall(light) if DARK[name] != LIGHT[name]} == set(changed)
    rules = dark.split("\n}\n", 1)[1]
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgb\(", rules) == []
