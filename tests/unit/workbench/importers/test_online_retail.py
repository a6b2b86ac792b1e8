"""Online Retail becomes events of the wire: an invoice is one purchase, cleaned as the protocol says."""

from typing import Any

import pytest

from tests.builders.importing import DATA, wire
from workbench.importers import online_retail
from workbench.importers.reading import FileSource, opened

# ── Online Retail ───────────────────────────────────────────────────────────────────────────


def row(**changed: str) -> dict[str, str]:
    return {
        "InvoiceNo": "536365", "StockCode": "85123A", "Description": "WHITE  HANGING HOLDER",
        "Quantity": "6", "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55",
        "CustomerID": "17850.0", "Country": "United Kingdom", **changed,
    }  # fmt: skip


def retail(*rows: dict[str, str]) -> list[dict[str, Any]]:
    return [wire(made) for made in online_retail.events(online_retail.read(rows)).events]


def test_an_invoice_is_one_purchase_of_its_customer() -> None:
    item, other, purchase = retail(row(), row(StockCode="22633", Quantity="2", UnitPrice="1.5"))
    assert (item["item"], other["item"]) == ("85123A", "22633")
    assert (purchase["visitor"], purchase["country"]) == ("17850", "GB")
    assert (purchase["currency"], purchase["value"]) == ("GBP", 18.3)
    assert purchase["lines"][1] == {"item": "22633", "quantity": 2, "price": 1.5}
    assert purchase["time"] == 1291191960000


def test_an_item_has_its_commonest_description_and_its_last_price() -> None:
    (item, *_) = retail(
        row(Description="HEART HOLDER"), row(Description="A HOLDER"),
        row(Description="HEART HOLDER", UnitPrice="2.95", InvoiceNo="9"),
    )  # fmt: skip
    assert item["properties"]["title"] == "Heart holder"
    assert item["properties"]["price"] == 2.95


@pytest.mark.parametrize(
    "change",
    [{"CustomerID": ""}, {"Quantity": "-1"}, {"UnitPrice": "0.0"}, {"InvoiceNo": "C536365"},
     {"StockCode": "POST"}, {"StockCode": "851234"}, {"UnitPrice": "free"}],
)  # fmt: skip
def test_what_the_protocol_does_not_count_is_left_out_and_counted(change: dict[str, str]) -> None:
    sales = online_retail.read([row(), row(**change)])
    assert sales.left_out == 1
    assert len(sales.invoices["536365"].lines) == 1


def test_a_long_invoice_is_cut_into_pieces_of_different_ids() -> None:
    made = retail(*[row(StockCode=f"{n:05d}") for n in range(1100)])
    purchases = [event for event in made if event["type"] == "purchase"]
    assert [len(event["lines"]) for event in purchases] == [500, 500, 100]
    assert len({event["id"] for event in purchases}) == 3


def test_the_head_noun_of_a_description_is_its_category() -> None:
    titles = {f"bag{n}": f"LUNCH BAG NUMBER{'X' * n} BAGS" for n in range(12)}
    titles |= {"jumbo": "JUMBO BAG RED RETROSPOT", "lone": "FELTCRAFT HAIRBAND"}
    found = online_retail.categories(titles)
    assert (found["jumbo"], found["bag3"], found["lone"]) == ("bag", "bag", "other")


# ── Events, files, batches ──────────────────────────────────────────────────────────────────


@pytest.mark.data
@pytest.mark.skipif(
    not (DATA / "online-retail").exists(), reason="Online Retail is not beside the project"
)
def test_the_real_online_retail_is_cleaned_as_its_protocol_says() -> None:
    with opened(DATA / "online-retail/online_retail.csv.gz") as source:
        assert isinstance(source, FileSource)
        sales = online_retail.read(source.rows())
    assert len(sales.products) == 3659
    assert len(sales.invoices) == 18_402
    assert sum(len(invoice.lines) for invoice in sales.invoices.values()) == 396_337
    assert len({invoice.customer for invoice in sales.invoices.values()}) == 4334
    assert sales.left_out == 541_909 - 396_337
