"""News of payments: up to which day all that was paid is known here (promise 3)."""

from __future__ import annotations

from datetime import date

from domain.calendars import add_bank_days


def last_bank_day_before(today: date) -> date:
    """The last day on which banks settled before `today`: what was paid until then can be known now."""
    return add_bank_days(today, -1)


def news_are_fresh(news_on: date | None, today: date) -> bool:
    """Whether all payments up to the last bank day before `today` are known; `news_on` None = nobody ever told.

    Nothing escalates on older news (promise 3): banks report a day's payments by the next bank day, so on a Monday the
    news of Friday are fresh, and on a Tuesday they are not.
    """
    return news_on is not None and news_on >= last_bank_day_before(today)
