"""The data: rows in and out of each layer, what was rejected and repaired, missing days and parts, archives."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.page import shown, text_of
from tests.support.report_folder import HOSTILE_ARCHIVE, ReportFolder


@pytest.mark.parametrize(
    "sentence",
    [
        # rows in and out: two archives, two days, three days of tiles, and the days that each table looks at
        "landing visit lines to records 120 108 9 rejected, 1 header, 2 joined to the line before",
        "events visit records to events 108 95 7 rejected, 6 duplicate",
        "daily 3 days events to customer-days 95 75",
        "features as of 2024-03-03 customer-days to customers 50 1,200 3 left out as bots",
        "features as of 2024-03-05 customer-days to customers 45 2,100 1 left out as bots",
        "scores as of 2024-03-05 customers to scores 2,100 2,000 100 not eligible",
        # by reason, the most frequent first
        "visit too many fields more fields than a line has 7 5.8 % landing",
        "visit blank an empty line 2 1.7 % landing",
        "visit customer id unreadable customer_id cannot be read as bigint 4 3.7 % events",
        "visit too much too much 3 2.8 % events",
        "visit in cents in cents 3 2.8 % events",
        # days, parts, bots, archives
        "2024-03-03 1,200 1,000 250 25.0 % 3 2 1 2024-03-05 2,100 2,000 not known yet 1 1 0",
        "4 days, 2024-03-01 to 2024-03-04. Without any log: 2024-03-03.",
        "visit: 2 of 3 on 2024-03-02, 2024-03-04 sale: 0 of 1 on 2024-03-02",
        "3 customer-days marked as a bot's. More than three visits in a day.",
        f"1 failed: {HOSTILE_ARCHIVE} 1 undated: 20240399_visit.log.gz 1 duplicate: 20240301_visit.log (1).gz",
        "1 not a log: list.html 2 unpacked",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


@pytest.mark.parametrize("closed", ["sunday", date(2024, 3, 3)])
def test_a_closed_day_lacks_no_logs(tmp_path: Path, sail: SparkSession, closed: str | date) -> None:
    """3 March 2024 was a Sunday; the feature table as of that day also lacks 29 February, a Thursday."""
    said = shown(ReportFolder(tmp_path / "data", coverage={"closed": [closed]}).with_everything(), sail)
    assert "4 days, 2024-03-01 to 2024-03-04. Each has logs." in said
    assert "without any log" not in said
    assert "2024-03-03 1,200 1,000 250 25.0 % 3 1 1 2024-03-05 2,100 2,000 not known yet 1 0 0" in said
