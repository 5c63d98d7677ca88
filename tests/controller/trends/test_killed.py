"""kill -9 at any instant loses no minute that was kept."""

import subprocess
import sys
import time
from pathlib import Path

from controller.storage.database import Database
from tests.controller.trends.village import START, Village, temperature_of

ROOT = Path(__file__).resolve().parents[3]


async def test_a_crash_loses_no_minute_that_was_kept(database: Database, tmp_path: Path) -> None:
    first = START
    # The second kill comes while an hour is packed; hours are packed every 15 minutes of this clock, days never end.
    for minutes, later_s in ((20, 0.0), (100, 0.013), (61, 0.03)):
        command = [sys.executable, "-m", "tests.controller.trends.killed", str(tmp_path), str(first)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            kept = [int(child.stdout.readline()) for _ in range(minutes)]
            time.sleep(later_s)
            child.kill()
            kept += [int(line) for line in child.stdout]
        village = Village(database, nodes=40)
        for number in (0, 39):
            found = await village.temperatures(START, kept[-1] + 1, f"cum-{number}")
            assert found == [temperature_of(minute, number) for minute in range(START, kept[-1] + 1)]
        first = kept[-1] + 1
