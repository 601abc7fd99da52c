"""The page in a browser: no error, sorting, links to records, contrast, narrow screens, print."""

import shutil

import pytest
from records_for_report import everything

from bench.report import claims, page
from bench.report.results import Results

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCHEMES = ("light", "dark")

# Each text's contrast with the nearest ground behind it, as (ratio, text, colours).
# Source: Web Content Accessibility Guidelines 2.2, relative luminance and contrast ratio.
CONTRASTS = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = text => parts(text).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = it => {
    for (; it; it = it.parentElement) {
      const colour = getComputedStyle(it).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    throw Error("no ground");
  };
  const found = new Map(), texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const it = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
    if (!text || !it.checkVisibility()) continue;
    const [fore, back] = [getComputedStyle(it).color, ground(it)];
    const [low, high] = [light(fore), light(back)].sort((a, b) => a - b);
    found.set(fore + back, [(high + 0.05) / (low + 0.05), text, fore, back]);
  }
  return [...found.values()];
}"""


def results():
    """Records of one data set, and what their models were trained with."""
    table = everything()
    environment = {"5eed": {"python": {"3.11.7": 9}, "threads": {"1": 8, "2": 1}}}
    return Results(table[table["dataset"] == "made-up"], environment=environment)


@pytest.fixture(scope="module")
def told():
    """What the browser complained of, and what it asked for."""
    return {"errors": [], "requests": []}


@pytest.fixture(scope="module")
def tab(tmp_path_factory, told):
    """The page in a tab of the system's Chromium, loaded once, without a network."""
    reason = "Playwright is not installed: pip install -e .[dev]"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"there is no browser: none of {', '.join(BROWSERS)} on the path")
    path = tmp_path_factory.mktemp("page") / "report.html"
    page.write(results(), path)
    quiet = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=quiet)
        tab = browser.new_page(offline=True)
        tab.on("console", lambda it: told["errors"].append(it.text) if it.type != "log" else None)
        tab.on("pageerror", lambda it: told["errors"].append(str(it)))
        tab.on("request", lambda it: told["requests"].append(it.url))
        tab.on("requestfailed", lambda it: told["errors"].append(it.url))
        tab.goto(path.as_uri())
        yield tab
        browser.close()


def column(tab, table, index):
    cells = tab.locator(f"{table} tbody tr > :nth-child({index + 1})")
    return cells.evaluate_all("all => all.map(it => [it.dataset.v ?? null, it.textContent])")


def sort_by(tab, table, name):
    """Click on a column's name; its index, and how the page says that it is sorted."""
    head = tab.locator(f"{table} thead th").filter(has_text=name).first
    head.locator("button").click()
    return head.evaluate("it => [it.cellIndex, it.ariaSort]")


def test_no_error_and_no_request_but_for_the_page(tab, told):
    assert told["errors"] == []
    outside = [url for url in told["requests"] if not url.startswith("data:")]
    assert len(outside) == 1
    assert outside[0].startswith("file:")


def test_records_sort_by_a_click_numbers_as_numbers_and_none_last(tab):
    for order, sign in (("ascending", 1), ("descending", -1)):
        index, said = sort_by(tab, ".records", "fid")
        assert said == order
        values = [None if v is None else float(v) for v, _ in column(tab, ".records", index)]
        there = [value for value in values if value is not None]
        assert there == sorted(there, reverse=sign < 0)
        assert values[len(there) :] == [None] * (len(values) - len(there))
        # As texts 10 would come before 9.
        assert len({len(str(int(value))) for value in there}) > 1
    index, said = sort_by(tab, ".records", "system")
    names = [text for _, text in column(tab, ".records", index)]
    assert names == sorted(names)
    assert tab.locator(".records th[aria-sort]").count() == 1


def test_a_table_of_means_sorts_by_a_dimension(tab):
    first = tab.locator("#tables table >> nth=0")
    for _ in range(2):  # the second time it descends
        first.locator("thead button").nth(1).click()
    cells = first.locator("tbody td:nth-child(2)")
    values = [float(it) for it in cells.evaluate_all("all => all.map(it => it.dataset.v)")]
    assert len(values) > 2
    assert values == sorted(values, reverse=True)


def test_a_verdicts_record_link_leads_to_that_row(tab):
    one = next(it for it in claims.judge(results().records) if it.system == "aae" and it.records)
    place = f"v-{one.claim}-{one.dataset}-{one.system}"
    tab.locator(f'.summary a[href="#{place}"]').click()
    shown = tab.locator(f"#{place}")
    assert tab.evaluate("document.querySelector('.verdict:target').id") == place
    assert one.finding in shown.inner_text()
    shown.locator("summary").click()
    used = one.records[0]
    wanted = f"r-{one.dataset}-{used.system}-{used.dim}-{used.seeds[-1]}"
    shown.locator(f'a[href="#{wanted}"]').click()
    row = tab.locator(".records tr:target")
    assert row.get_attribute("id") == wanted
    texts = dict(
        zip(
            tab.locator(".records thead th").all_inner_texts(),
            row.locator("td").all_inner_texts(),
            strict=True,
        )
    )
    texts = {name.strip(" ▲▼"): text for name, text in texts.items()}
    expected = (one.dataset, used.system, str(used.dim), str(used.seeds[-1]))
    assert tuple(texts[name] for name in ("dataset", "system", "dim", "seed")) == expected
    assert row.evaluate("it => Math.abs(it.getBoundingClientRect().top) < innerHeight")


def test_a_link_to_what_is_folded_unfolds_it(tab):
    assert not tab.locator("#not-run").evaluate("it => it.open")
    tab.locator(".summary .badge.not-run").first.click()
    tab.wait_for_function("document.querySelector('#not-run').open")
    assert tab.locator("#not-run li:target").is_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read_in(tab, scheme):
    """At least 4.5 to 1, the guidelines' level AA for text of any size."""
    tab.emulate_media(color_scheme=scheme)
    found = tab.evaluate(CONTRASTS)
    assert len(found) > 8
    assert [it for it in found if it[0] < 4.5] == []
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_narrow_screen_is_not_scrolled_sideways(tab):
    before = tab.viewport_size
    tab.set_viewport_size({"width": 360, "height": 640})
    width = tab.evaluate("document.documentElement.scrollWidth")
    tab.set_viewport_size(before)
    assert width <= 360


def test_paper_has_verdicts_and_tables_but_nothing_to_click_on(tab):
    tab.emulate_media(media="print", color_scheme="dark")
    shown = {
        name: tab.locator(name).first.is_visible()
        for name in ("nav", ".records", ".verdict details", "#tables table", ".verdict", ".print")
    }
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    found = [it for it in tab.evaluate(CONTRASTS) if it[0] < 4.5]
    tab.emulate_media(media="screen", color_scheme="light")
    assert shown == {
        "nav": False,
        ".records": False,
        ".verdict details": False,
        "#tables table": True,
        ".verdict": True,
        ".print": True,
    }
    assert ground == "rgb(255, 255, 255)"
    assert found == []
