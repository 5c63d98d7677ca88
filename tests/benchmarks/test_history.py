"""The benchmark of what is kept fills a real database and finds in it what it put there."""

from benchmarks import history, reports
from controller.link.presence import OFFLINE
from controller.trends.frame import NOTHING
from controller.trends.pack import pack


def test_few_days_of_few_nodes_say_what_a_month_takes() -> None:
    result = history.run(nodes=10, days=2)
    assert (result["nodes"], result["days"]) == (10, 2)
    assert 0 < result["bytes_a_sample"] < 24, "2 GB for 2,000 nodes and 30 days"
    assert result["month_bytes"] < 2_000_000_000
    assert result["held_ms"]["times"] > 60
    assert "writer held" in history.describe(result)


def test_made_up_reports_have_noise_outages_and_losses() -> None:
    days = [reports.day(node, 3, 0) for node in range(40)]
    assert all(len(set(day.numbers["round_trip_us"].tolist())) > 1000 for day in days)
    assert len({pack(day) for day in days}) == len(days)
    states = [day.words["state"] for day in days]
    away = sum(
        int((each.codes == each.vocabulary.index(OFFLINE)).sum()) for each in states if OFFLINE in each.vocabulary
    )
    assert 0 < away < 40 * 1440 * 0.05
    lost = [day.numbers["lost"] for day in days]
    assert sum(int(each[each != NOTHING].sum()) for each in lost) > 1000
