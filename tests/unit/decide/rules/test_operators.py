"""Every operator has a meaning and a row that says what a site file may write with it."""

from typing import get_args

from hemline.decide.rules.operator_specs import SPECS
from hemline.decide.rules.operators import OPERATORS
from hemline.model.site.rule import Operator


def test_every_operator_has_its_rows() -> None:
    assert set(OPERATORS) == set(SPECS) == set(get_args(Operator))
