from dataclasses import replace
from decimal import Decimal

import pytest

from giar_ml.annotations.gold import (
    Gold,
    GoldCell,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    box_poly,
    gold_path,
)
from giar_ml.document import BBox
from giar_ml.errors import InputError

POLY = box_poly(BBox(10, 20, 30, 40))
GOLD = Gold(
    file="a.pdf",
    sha256="0" * 64,
    kind="scan",
    form="2021",
    organisation="栖云县水利局",
    year=2023,
    cells={
        "requests.new.natural_person": GoldCell(22, "22（其中修订16件）", (Place(1, POLY),)),
        "disclosure.fees.amount": GoldCell(Decimal("3.50"), "3.50", (Place(line=7),)),
        "requests.new.enterprise": GoldCell(None),
    },
    misprints={"requests.new.natural_person": 23},
    pages=(GoldPage(1, 100.0, 200.0, 72.0),),
    tokens=(GoldToken("自然人", "column:requests.natural_person", Place(1, POLY)),),
    tables=(GoldTable(1, 1, 2, (GoldTableCell(0, 1, 0, 2, POLY, "自然人"),)),),
    origin={"seed": [1, 2], "severity": "clean"},
)


def test_json_round_trip():
    assert Gold.from_json(GOLD.to_json()) == GOLD


def test_decimals_keep_their_zeros():
    assert str(Gold.from_json(GOLD.to_json()).cells["disclosure.fees.amount"].printed) == "3.50"


def test_an_amount_may_be_a_number():
    assert '"printed":"3.50"' in GOLD.to_json()
    assert Gold.from_json(GOLD.to_json().replace('"printed":"3.50"', '"printed":3.5')) == GOLD
    gold = replace(GOLD, misprints={"disclosure.fees.amount": Decimal("251.3")})
    assert Gold.from_json(gold.to_json().replace('"251.3"', "251.3")) == gold


def test_bad_gold_says_which_file(tmp_path):
    path = gold_path(tmp_path / "a.pdf")
    path.write_text('{"schema_version": "0"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.pdf\.gold\.json"):
        Gold.read(path)


def test_moving_takes_every_place_along():
    turned = GOLD.moved([GoldPage(3, 200.0, 100.0)], [lambda points: [(200 - y, x) for x, y in points]])
    poly = ((180, 10), (180, 30), (160, 30), (160, 10))
    assert turned.tokens[0].place == Place(3, poly)
    assert turned.tables[0].page == 3
    assert turned.tables[0].cells[0].poly == poly
    assert turned.cells["requests.new.natural_person"].places == (Place(3, poly),)
    assert turned.cells["disclosure.fees.amount"].places == (Place(line=7),)
    assert turned.tokens[0].place.bbox == BBox(160, 10, 180, 30)
