"""Records and packs without end, and says after each minute that it is kept; for a test that kills it."""

import asyncio
import sys
from pathlib import Path

from controller.storage.database import Database, sqlite_url
from controller.trends.compact import compact
from tests.controller.trends.village import Village


async def main(folder: Path, first: int) -> None:
    """Go on from minute `first`."""
    database = Database(sqlite_url(folder))
    village = Village(database, nodes=40)
    village.minute = first
    while True:
        await village.pass_minutes(1)
        print(village.minute - 1, flush=True)
        if village.minute % 15 == 0:
            await compact(database, village.minute, 30)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
