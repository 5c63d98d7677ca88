"""What is told, how often, and that nothing of it is lost: the real database, a real server, times of our own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.alerts import store as stores
from controller.alerts.kinds import SEVERITY
from controller.alerts.ledger import Ledger
from controller.alerts.notify import courier as couriers
from controller.alerts.notify import queue as queues
from controller.alerts.notify.notifier import Notifier
from controller.alerts.notify.queue import Queue
from controller.alerts.notify.registry import read_channels
from controller.alerts.notify.words import alerts_message, texts
from controller.alerts.store import Store
from controller.alerts.watch import Change
from controller.clock import wall_us
from controller.errors import ConflictError, NotFoundError, StartError
from controller.storage.database import Database
from tests.controller.alerts.servers import Hook

S = 1_000_000
AGAIN_US = 600 * S


class Desk:
    """Ledger, store and one channel's queue on a clock of our own."""

    def __init__(self, database: Database) -> None:
        self.now_us = 1_800_000_000 * S
        self.ledger = Ledger(AGAIN_US)
        self.store = Store(database, AGAIN_US)
        self.queue = Queue(database, "truc")

    async def happen(self, *nodes: str, raised: bool = True, kind: str = "offline") -> None:
        changes = [Change(node, kind, raised, 0, {"reason": "gone"}) for node in nodes]
        steps = [self.ledger.apply(change, self.now_us, self.now_us) for change in changes]
        await self.store.keep([step for step in steps if step], lambda alert: ["truc"], self.now_us)

    async def told(self, seconds: int) -> list[tuple[list[str | None], list[str | None]]]:
        """Let time pass; return what each message would tell: who began, who is over."""
        found = []
        for _ in range(seconds):
            self.now_us += S
            due_us = await self.queue.next_us(self.now_us)
            if due_us is not None and due_us <= self.now_us:
                batch = await self.queue.take(self.now_us)
                found.append(([each.node for each in batch.raised], [each.node for each in batch.cleared]))
                await self.queue.done(batch)
        return found


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def test_told_once_when_it_begins_and_once_when_it_is_over(desk: Desk) -> None:
    await desk.happen("cum-1")
    assert await desk.told(4) == []
    assert await desk.told(300) == [(["cum-1"], [])]
    await desk.happen("cum-1", raised=False)
    assert await desk.told(119) == []
    assert await desk.told(300) == [([], ["cum-1"])]
    assert await desk.queue.waiting() == 0


async def test_a_node_that_comes_and_goes_is_one_alert_and_two_messages(desk: Desk) -> None:
    messages = []
    for _ in range(12):
        await desk.happen("cum-1")
        messages += await desk.told(40)
        await desk.happen("cum-1", raised=False)
        messages += await desk.told(20)
    messages += await desk.told(700)
    assert messages == [(["cum-1"], []), ([], ["cum-1"])]
    (alert,) = await desk.store.page(None, None, None, 10)
    assert (alert.detail or {})["count"] == 12
    assert alert.since_wall_us == 1_800_000_000 * S


async def test_what_is_over_before_it_was_told_is_told_once(desk: Desk) -> None:
    await desk.happen("cum-1")
    await desk.happen("cum-1", raised=False)
    assert await desk.told(119) == []
    await desk.happen("cum-1")
    assert await desk.told(100) == [(["cum-1"], [])], "it is back, and that it began was never told"
    await desk.happen("cum-2")
    await desk.happen("cum-2", raised=False)
    assert await desk.told(300) == [([], ["cum-2"])]


async def test_what_is_back_after_it_was_told_to_be_over_is_told_again_but_seldom(desk: Desk) -> None:
    await desk.happen("cum-1")
    await desk.happen("cum-1", raised=False)
    await desk.told(200)
    messages = []
    for _ in range(4):
        await desk.happen("cum-1")
        messages += await desk.told(130)
        await desk.happen("cum-1", raised=False)
        messages += await desk.told(130)
    assert messages == [(["cum-1"], [])]
    assert await desk.told(700) == [([], ["cum-1"])]


async def test_a_village_that_goes_off_over_half_a_minute_is_one_message(desk: Desk) -> None:
    names = [f"cum-{number:03d}" for number in range(500)]
    messages = []
    for second in range(20):
        await desk.happen(*names[25 * second : 25 * second + 25])
        messages += await desk.told(1)
    messages += await desk.told(60)
    assert [(len(raised), len(cleared)) for raised, cleared in messages] == [(500, 0)]


async def test_who_never_stops_failing_is_told_after_half_a_minute(desk: Desk) -> None:
    messages = []
    for second in range(60):
        await desk.happen(f"cum-{second:03d}")
        messages += await desk.told(1)
    assert len(messages) == 1
    assert 30 <= len(messages[0][0]) <= 36


async def test_the_queue_is_bounded_by_number_and_age(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "MAX_WAITING", 10)
    await desk.happen(*(f"cum-{number:02d}" for number in range(25)))
    assert await desk.queue.bound(desk.now_us) == 15
    batch = await desk.queue.take(desk.now_us + 10 * S)
    assert [alert.node for alert in batch.raised] == [f"cum-{number:02d}" for number in range(15, 25)]
    assert await desk.queue.bound(desk.now_us + 8 * 86_400 * S) == 10
    assert await desk.queue.waiting() == 0


async def test_active_alerts_survive_a_restart_with_their_beginning(desk: Desk, database: Database) -> None:
    await desk.happen("cum-1", "cum-2")
    began_us = desk.now_us
    desk.now_us += 3600 * S
    await desk.happen("cum-2", raised=False)
    later = Store(database, AGAIN_US)
    ledger = Ledger(AGAIN_US)
    for alert in await later.load(desk.now_us + 60 * S):
        ledger.put(alert)
    assert [(key, alert.since_wall_us) for key, alert in ledger.active.items()] == [(("cum-1", "offline"), began_us)]
    assert ledger.worst_kinds == {"cum-1": "offline"}
    step = ledger.apply(Change("cum-2", "offline", True, 0, {}), desk.now_us, desk.now_us + 60 * S)
    assert step is not None
    assert (step.what, (step.alert.detail or {})["count"]) == ("again", 2)


async def test_the_history_is_bounded_by_age_and_what_is_active_stays(desk: Desk, database: Database) -> None:
    await desk.happen("cum-1", "cum-2", "cum-3")
    await desk.happen("cum-2", raised=False)
    desk.now_us += 100 * S
    await desk.happen("cum-3", raised=False)
    assert await desk.store.prune(desk.now_us - 50 * S) == 1
    assert {alert.node for alert in await desk.store.page(None, None, None, 10)} == {"cum-1", "cum-3"}
    assert await desk.store.prune(desk.now_us + 50 * S) == 1
    assert [alert.node for alert in await desk.store.page(True, None, None, 10)] == ["cum-1"]
    assert await desk.store.page(False, None, None, 10) == []


async def test_the_worst_of_a_node(desk: Desk) -> None:
    await desk.happen("cum-1", kind="hot")
    assert (desk.ledger.worst("cum-1"), desk.ledger.worst_kinds["cum-1"]) == ("warning", "hot")
    await desk.happen("cum-1", kind="tampered")
    assert (desk.ledger.worst("cum-1"), desk.ledger.worst_kinds["cum-1"]) == ("fault", "tampered")
    await desk.happen("cum-1", kind="tampered", raised=False)
    await desk.happen("cum-1", kind="hot", raised=False)
    assert (desk.ledger.worst("cum-1"), desk.ledger.worst_kinds) == (None, {})


# ---- what messages say ----


async def test_one_alert_in_full_and_many_as_a_digest(desk: Desk) -> None:
    await desk.happen("cum-1")
    titles = {"cum-1": "Nhà văn hóa {thôn}", "cum-2": ""}
    (alert,) = desk.ledger.active.values()
    one = alerts_message([alert], [], titles, "vi")
    assert one.title.startswith("Mất liên lạc: Nhà văn hóa {thôn} (cum-1) từ ")
    assert "(ngắt kết nối)" in one.title
    assert "Cần làm: Kiểm tra điện tại cụm loa" in one.text
    await desk.happen(*(f"cum-{number}" for number in range(2, 501)))
    many = alerts_message(list(desk.ledger.active.values()), [], titles, "en")
    assert many.title == "Offline: 500 nodes"
    assert "and 490 more" in many.text
    assert len(many.text) < 1000
    await desk.happen("cum-1", raised=False)
    over = next(each for each in await desk.store.page(False, None, None, 1))
    both = alerts_message([alert] * 5, [over], titles, "vi")
    assert both.title == "5 sự cố mới, 1 đã hết"
    assert "Đã hết: Mất liên lạc: Nhà văn hóa {thôn} (cum-1), từ " in both.text


def test_every_kind_says_what_it_is_and_what_to_do() -> None:
    vietnamese, english = texts("vi"), texts("en")
    assert list(vietnamese) == list(english)
    for kind in SEVERITY:
        for part in ("kind", "todo"):
            name = f"alerts.{part}.{kind}"
            assert vietnamese[name] != english[name]


# ---- couriers ----


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes pass in no time."""
    monkeypatch.setattr(stores, "GATHER_US", 0)
    monkeypatch.setattr(stores, "QUIET_US", 0)
    monkeypatch.setattr(queues, "QUIET_US", 0)
    monkeypatch.setattr(couriers, "BETWEEN_S", 0.01)
    monkeypatch.setattr(couriers, "FIRST_RETRY_S", 0.05)


async def _titles() -> dict[str, str]:
    return {}


@contextlib.asynccontextmanager
async def running(database: Database, *tables: dict[str, Any]) -> AsyncIterator[Notifier]:
    notifier = Notifier(read_channels(list(tables)), database, _titles)
    await notifier.start()
    try:
        yield notifier
    finally:
        await notifier.stop()


async def until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("soon")
async def test_a_channel_that_is_away_gets_all_later_and_holds_up_no_other(database: Database, hook: Hook) -> None:
    desk = Desk(database)
    desk.now_us = wall_us()
    away = {"name": "away", "kind": "webhook", "url": f"{hook.url}/away"}
    there = {"name": "there", "kind": "webhook", "url": f"{hook.url}/there"}
    works = False
    hook.answer = lambda request: (503 if request.path == "/away" and not works else 200, {}, b"busy")
    async with running(database, away, there) as notifier:

        async def happen(node: str) -> None:
            step = desk.ledger.apply(Change(node, "offline", True, 0, {}), wall_us(), wall_us())
            assert step is not None
            await desk.store.keep([step], notifier.wants, wall_us())
            notifier.nudge()

        await happen("cum-1")
        await until(lambda: any(request.path == "/there" for request in hook.requests) and notifier.failing())
        assert notifier.failing() == {"away": "The webhook refused it: HTTP 503 busy"}
        await happen("cum-2")
        await until(lambda: sum(request.path == "/there" for request in hook.requests) == 2)
        assert await notifier.couriers["away"].queue.waiting() == 2
        (trial,) = await notifier.try_them("away")
        assert (trial.name, trial.error) == ("away", "The webhook refused it: HTTP 503 busy")
    # It was told to end with two notices that were not told: they are after a restart.
    hook.requests.clear()
    works = True
    async with running(database, away) as notifier:
        await until(lambda: hook.requests)
        (told,) = [request.json() for request in hook.requests]
        assert [alert["node"] for alert in told["raised"]] == ["cum-1", "cum-2"]
        queue = notifier.couriers["away"].queue
        async with asyncio.timeout(10):
            while await queue.waiting():
                await asyncio.sleep(0.01)
        assert notifier.failing() == {}


@pytest.mark.usefixtures("soon")
async def test_a_test_message_that_gets_through_ends_the_waiting(
    database: Database, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couriers, "FIRST_RETRY_S", 300.0)
    desk = Desk(database)
    desk.now_us = wall_us()
    hook.answer = lambda request: (500, {}, b"")
    async with running(database, {"name": "truc", "kind": "webhook", "url": hook.url}) as notifier:
        await desk.happen("cum-1")
        notifier.nudge()
        await until(notifier.failing)
        hook.answer = lambda request: (200, {}, b"")
        (trial,) = await notifier.try_them(None)
        assert trial.error is None
        await until(lambda: hook.requests[-1].json()["event"] == "alerts")
        assert [request.json()["event"] for request in hook.requests] == ["alerts", "test", "alerts"]
        assert notifier.failing() == {}


async def test_tests_are_one_at_a_time_and_of_channels_that_exist(database: Database, hook: Hook) -> None:
    async with running(database, {"name": "truc", "kind": "webhook", "url": hook.url}) as notifier:
        first = asyncio.create_task(notifier.try_them("truc"))
        await asyncio.sleep(0)
        with pytest.raises(ConflictError):
            await notifier.try_them("truc")
        assert (await first)[0].error is None
        with pytest.raises(NotFoundError, match="There are: truc"):
            await notifier.try_them("other")


def test_a_secret_that_cannot_be_read_keeps_the_controller_from_starting(database: Database, tmp_path: Path) -> None:
    table = {"kind": "webhook", "url": "http://127.0.0.1", "secret_file": str(tmp_path / "nowhere")}
    with pytest.raises(StartError, match=r"The secret of \[\[notify\]\] webhook cannot be read"):
        Notifier(read_channels([table]), database, _titles)
