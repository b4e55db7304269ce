"""Published indices: months in part, months that are missing, chained and simple growth, and whose law holds when."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_samples import of_months, published

from domain.errors import BadInput
from domain.indices import (
    NONE,
    REGIMES,
    SERIES,
    SHARES,
    IndexValue,
    Indices,
    SeriesCode,
    growth,
    legal,
    series_code,
)

IPCA = published(ipca={"2026-03": "0.50", "2026-04": "0.30"})
LEGAL = published(legal={"2026-03": "0.600000", "2026-04": "-0.200000", "2026-05": "0.500000"})
LAST_OF_FEBRUARY, LAST_OF_MAY = date(2026, 2, 28), date(2026, 5, 31)


def d(number: str) -> Decimal:
    return Decimal(number)


def test_whole_months_of_a_correction_index_are_chained() -> None:
    grown = growth(IPCA, "ipca", LAST_OF_FEBRUARY, date(2026, 4, 30))
    assert grown.factor == d("1.00801500")
    assert (grown.start, grown.end, grown.days, grown.missing) == (date(2026, 3, 1), date(2026, 4, 30), 61, ())


def test_a_part_of_a_month_has_that_part_of_its_per_cent_by_calendar_days() -> None:
    grown = growth(IPCA, "ipca", date(2026, 3, 2), date(2026, 4, 15))
    assert [(share.month.month, share.days, share.of) for share in grown.shares] == [(3, 29, 31), (4, 15, 30)]
    assert grown.factor == d("1.00618444")  # (1 + 0,005 x 29/31) x (1 + 0,003 x 15/30) = 1,0061844355


def test_a_factor_is_rounded_once_half_even_to_eight_decimals() -> None:
    even = published(ipca={"2026-04": "0.0000750"})  # 20 of 30 days: 1,0000005 exactly
    assert growth(even, "ipca", date(2026, 3, 31), date(2026, 4, 20)).factor == d("1.00000050")
    assert growth(published(ipca={"2026-04": "0.0000025"}), "ipca", date(2026, 3, 31), date(2026, 4, 30)).factor == d(
        "1.00000002"
    )
    assert growth(published(ipca={"2026-04": "0.0000035"}), "ipca", date(2026, 3, 31), date(2026, 4, 30)).factor == d(
        "1.00000004"
    )


def test_the_legal_rate_is_added_never_multiplied_and_a_negative_month_counts_as_zero() -> None:
    grown = growth(LEGAL, "legal", LAST_OF_FEBRUARY, LAST_OF_MAY)
    assert grown.percent == d("1.100000")
    assert grown.parts == d("1.1") * SHARES
    assert grown.missing == ()


def test_a_correction_index_may_be_negative() -> None:
    deflation = published(ipca={"2026-03": "-0.50"})
    assert growth(deflation, "ipca", LAST_OF_FEBRUARY, date(2026, 3, 31)).factor == d("0.99500000")


def test_a_month_that_is_not_published_adds_nothing_and_is_named() -> None:
    grown = growth(LEGAL, "legal", date(2026, 1, 31), date(2026, 7, 2))
    assert grown.missing == (date(2026, 2, 1), date(2026, 6, 1), date(2026, 7, 1))
    assert grown.percent == d("1.100000")
    nothing = growth(NONE, "ipca", LAST_OF_FEBRUARY, LAST_OF_MAY)
    assert (nothing.factor, nothing.parts, len(nothing.missing)) == (1, 0, 3)


def test_a_month_of_zero_per_cent_is_not_a_missing_one() -> None:
    assert growth(published(ipca={"2026-03": "0.00"}), "ipca", LAST_OF_FEBRUARY, date(2026, 3, 31)).missing == ()


def test_values_are_found_by_any_day_of_their_month() -> None:
    found = IPCA.value("ipca", date(2026, 3, 17))
    assert found is not None
    assert (found.percent, found.source) == (d("0.50"), "inventado")
    assert IPCA.value("ipca", date(2026, 5, 1)) is None
    assert IPCA.value("legal", date(2026, 3, 1)) is None
    assert (IPCA.last("ipca"), IPCA.last("legal")) == (date(2026, 4, 1), None)


def test_the_same_values_are_equal_in_any_order_and_with_any_zeros_and_a_changed_one_is_not() -> None:
    values = list(IPCA)
    same = Indices([IndexValue(v.series, v.month, v.percent + d("0.000000"), v.source) for v in reversed(values)])
    assert same == IPCA
    assert hash(same) == hash(IPCA)
    assert published(ipca={"2026-03": "0.51", "2026-04": "0.30"}) != IPCA
    assert IPCA != "IPCA"
    assert len(IPCA) == 2
    assert len(NONE) == 0


def test_a_month_given_twice_and_a_month_that_begins_in_its_middle_are_refused() -> None:
    with pytest.raises(BadInput, match=r"ipca of 03/2026: it is given twice"):
        Indices([*IPCA, *IPCA])
    with pytest.raises(BadInput, match="first day"):
        IndexValue("ipca", date(2026, 3, 2), d("0.5"), "x")


@pytest.mark.parametrize(
    ("written", "code"), [("ipca", "ipca"), ("433", "ipca"), (" IPCA ", "ipca"), ("29543", "legal"), ("4390", "selic")]
)
def test_a_series_is_named_by_our_word_or_by_its_number_at_the_central_bank(written: str, code: str) -> None:
    assert series_code(written) == code


def test_an_unknown_series_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"'igpm' is not known; use ipca \(SGS 433\), legal \(SGS 29543\), selic"):
        series_code("igpm")


# --- whose law -------------------------------------------------------------------------------------------------------
def test_the_law_changed_on_30_august_2024_and_its_last_two_days_have_the_rate_of_that_august() -> None:
    known = published(
        selic={"2024-07": "0.93", "2024-08": "0.62"},
        legal={"2024-08": "0.310000", "2024-09": "0.600000"},
        ipca={"2024-08": "0.31", "2024-09": "0.30"},
    )
    (before, selic), (since, rate) = legal(known, "interest", date(2024, 6, 30), date(2024, 9, 30))
    assert (selic.series, selic.start, selic.end) == ("selic", date(2024, 7, 1), date(2024, 8, 29))
    assert selic.percent == d("1.510000")  # 0,93 + 0,62 x 29/31
    assert (rate.series, rate.start, rate.percent) == ("legal", date(2024, 8, 30), d("0.620000"))  # 0,31 x 2/31 + 0,60
    assert "1.795.982" in before.source
    assert "14.905/2024" in since.source
    ((_, correction),) = legal(known, "correction", date(2024, 6, 30), date(2024, 9, 30))
    assert (correction.start, correction.factor) == (date(2024, 8, 30), d("1.00320060"))  # 1,0002 x 1,003


def test_the_selic_alone_is_correction_and_interest_in_one_before_that_day() -> None:
    assert legal(NONE, "correction", date(2020, 1, 1), date(2024, 8, 29)) == []
    assert [grown.series for _, grown in legal(NONE, "interest", date(2020, 1, 1), date(2024, 8, 29))] == ["selic"]


def test_every_time_follows_the_one_before_it_and_names_its_law_and_published_series() -> None:
    for earlier, later in pairwise(REGIMES):
        assert earlier.until is not None
        assert later.since == earlier.until + timedelta(days=1)
    assert REGIMES[-1].until is None
    assert all(regime.source and regime.interest in SERIES for regime in REGIMES)
    assert all(SERIES[regime.correction].kind == "correction" for regime in REGIMES if regime.correction)
    assert all(SERIES[regime.interest].kind == "interest" for regime in REGIMES)


# --- against the slow way --------------------------------------------------------------------------------------------
DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
PERCENTS = st.decimals(min_value=-2, max_value=3, places=6)
MONTHS = st.dictionaries(
    st.tuples(
        st.sampled_from(["ipca", "legal"]),
        st.builds(date, st.sampled_from([2025, 2026]), st.integers(1, 12), st.just(1)),
    ),
    PERCENTS,
)


@given(MONTHS, DAYS, st.integers(1, 500))
def test_simple_growth_is_the_sum_of_its_days(
    values: dict[tuple[SeriesCode, date], Decimal], after: date, days: int
) -> None:
    indices, until = of_months(values), after + timedelta(days=days)
    slowly = Fraction(0)
    for day in (after + timedelta(days=n) for n in range(1, days + 1)):
        found = indices.value("legal", day)
        length = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - day.replace(day=1)
        slowly += max(Fraction(found.percent), Fraction(0)) / length.days if found else 0
    assert Fraction(growth(indices, "legal", after, until).parts) == slowly * SHARES


@given(MONTHS, DAYS, st.integers(1, 300), st.integers(1, 300))
def test_two_spans_of_interest_make_one(
    values: dict[tuple[SeriesCode, date], Decimal], after: date, days: int, more: int
) -> None:
    indices, middle = of_months(values), after + timedelta(days=days)
    end = middle + timedelta(days=more)
    first, second = growth(indices, "legal", after, middle), growth(indices, "legal", middle, end)
    whole = growth(indices, "legal", after, end)
    assert whole.parts == first.parts + second.parts
    assert set(whole.missing) == {*first.missing, *second.missing}
    assert whole.days == first.days + second.days == days + more


@given(MONTHS, DAYS, st.integers(1, 500))
def test_a_factor_is_that_of_exact_fractions_to_its_last_decimal(
    values: dict[tuple[SeriesCode, date], Decimal], after: date, days: int
) -> None:
    grown = growth(of_months(values), "ipca", after, after + timedelta(days=days))
    exactly = Fraction(1)
    for share in grown.shares:
        exactly *= 1 + Fraction(share.percent or 0) * share.days / (100 * share.of)
    assert abs(Fraction(grown.factor) - exactly) <= Fraction(1, 2 * 10**8)
    assert grown.factor == grown.factor.quantize(Decimal("0.00000001"))
