"""A commune as it might be: villages with names and borders, clusters of horns on their poles, and what is wrong."""

import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from hil_sim.network import Network
from hil_sim.nodes import Node, NodeSetup
from hil_sim.office import Office, OfficeError
from hil_sim.scenario import LinkSettings

CENTRE = (20.9312, 106.3145)
"""Latitude and longitude of the office, in the delta of the Red River."""

ZONES = (
    ("thon-dong", "Thôn Đông", 0.0065, 0.0120),
    ("thon-doai", "Thôn Đoài", 0.0040, -0.0110),
    ("thon-thuong", "Thôn Thượng", 0.0135, 0.0010),
    ("thon-ha", "Thôn Hạ", -0.0110, 0.0035),
    ("xom-moi", "Xóm Mới", -0.0060, -0.0125),
    ("cho-huyen", "Chợ Huyện", 0.0000, 0.0000),
)
"""Id, title, and how far its middle is from the office, degrees of latitude and longitude."""

PLACES = (
    ("dinh-dong", "Đình làng Đông", "thon-dong", 0.0, 0.0),
    ("cong-dong", "Cổng thôn Đông", "thon-dong", 0.0012, -0.0022),
    ("dap-dong", "Đập tràn Đông", "thon-dong", -0.0017, 0.0020),
    ("nha-van-hoa-doai", "Nhà văn hóa thôn Đoài", "thon-doai", 0.0, 0.0),
    ("chua-doai", "Chùa Phúc Lâm", "thon-doai", 0.0016, -0.0015),
    ("truong-thuong", "Trường tiểu học Thượng", "thon-thuong", 0.0, 0.0),
    ("de-thuong", "Đê sông Thượng", "thon-thuong", 0.0020, 0.0026),
    ("tram-bom-ha", "Trạm bơm thôn Hạ", "thon-ha", 0.0, 0.0),
    ("nga-ba-ha", "Ngã ba thôn Hạ", "thon-ha", -0.0014, -0.0021),
    ("cay-da-ha", "Cây đa thôn Hạ", "thon-ha", -0.0022, 0.0012),
    ("nha-van-hoa-moi", "Nhà văn hóa Xóm Mới", "xom-moi", 0.0, 0.0),
    ("cau-moi", "Cầu Xóm Mới", "xom-moi", -0.0015, 0.0019),
    ("cho", "Chợ trung tâm", "cho-huyen", 0.0, 0.0),
    ("tram-y-te", "Trạm y tế xã", "cho-huyen", 0.0011, 0.0016),
)
"""Id, title, zone, and how far it is from the middle of its village, degrees."""


PROVINCE = "tinh-hai-phuong"
COMMUNE = "xa-dong-phuong"
LINK = LinkSettings(delay_ms=12.0, jitter_ms=4.0)
FAULTS: dict[str, dict[str, Any]] = {
    "cong-dong": {"speaker": "open"},
    "tram-bom-ha": {"door_open": 1},
    "chua-doai": {"wifi_dbm": -86},
}
"""What is wrong with boards, by node; an open line is known only where something is on air."""
OFF = "cau-moi"
"""A node that goes off line once it has been on line."""
NEW = "tram-y-te"
"""A node that no board was enrolled for yet."""
WRONG = {"speaker_open", "tampered", "weak_signal", "offline"}
"""The kinds of alerts that come of these."""
_ALERTS_S = 150.0
_ONLINE_S = 90.0


class Rest(Protocol):
    """The REST interface of a controller."""

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the answer to a POST; raises where it is refused."""


def furnish(office: Rest) -> dict[str, str]:
    """Add all areas, zones and nodes; return the enrolment line of each node, by id."""
    middles = {}
    border = outline(CENTRE, 0.021, 1)
    office.post("/api/areas", {"id": PROVINCE, "title": "Tỉnh Hải Phương", "kind": "province"})
    commune = {"id": COMMUNE, "title": "Xã Đông Phương", "kind": "commune", "parent": PROVINCE, "outline": border}
    office.post("/api/areas", commune)
    for zone, title, north, east in ZONES:
        middles[zone] = (CENTRE[0] + north, CENTRE[1] + east)
        border = outline(middles[zone], 0.0048, len(middles) + 1)
        village = f"lang-{zone}"
        office.post(
            "/api/areas", {"id": village, "title": title, "kind": "village", "parent": COMMUNE, "outline": border}
        )
        office.post("/api/zones", {"id": zone, "title": title, "profile": "lan", "area": village})
    lines = {}
    for number, (node, title, zone, north, east) in enumerate(PLACES):
        middle = middles[zone]
        body = {
            "id": node,
            "zone": zone,
            "title": title,
            "lat": round(middle[0] + north, 5),
            "lon": round(middle[1] + east, 5),
            "horns": 2 + number % 3,
            "height_m": 8.0,
            "serial": f"LX{2026_0001 + number}",
            "sim_number": f"+8490000{1000 + number}",
            "postal_address": title,
        }
        lines[node] = str(office.post("/api/nodes", body)["enrolment"]["line"])
    return lines


def outline(middle: tuple[float, float], radius_deg: float, seed: int) -> list[list[float]]:
    """Return a border around a place, as no surveyor would draw it but as villages have them."""
    chance = random.Random(seed)
    found = []
    for corner in range(14):
        angle, reach = corner / 14 * math.tau, radius_deg * chance.uniform(0.8, 1.15)
        found.append([round(middle[0] + reach * math.sin(angle), 5), round(middle[1] + reach * math.cos(angle), 5)])
    return found


class LivingCommune:
    """A controller, and real firmware on every pole but one; a context manager that leaves no process behind."""

    def __init__(self, folder: Path) -> None:
        """Nothing leaves this machine: maps are without tiles."""
        self.nodes: dict[str, Node] = {}
        self.network: Network | None = None
        self.office = Office(folder / "office", record=False, tiles=False)
        self.folder = folder

    def __enter__(self) -> "LivingCommune":
        try:
            self.office.wait_ready()
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process."""
        for node in self.nodes.values():
            node.power_off()
        if self.network is not None:
            self.network.close()
        self.office.close()

    def go_wrong(self) -> None:
        """Let the faults happen; return once the office knows of them all. Raises OfficeError where it does not."""
        for name, faults in FAULTS.items():
            self.nodes[name].faults.set(**faults)
        self.nodes[OFF].power_off()
        kinds: set[str] = set()

        def known() -> bool:
            kinds.update(alert["kind"] for alert in self.office.get("/api/alerts?active=true&limit=100")["alerts"])
            return kinds >= WRONG

        self._wait(known, _ALERTS_S, lambda: f"no alert of {', '.join(sorted(WRONG - kinds))}")

    def tend(self) -> None:
        """Start boards again that have ended."""
        for node in self.nodes.values():
            node.tend()

    def _build(self) -> None:
        lines = furnish(self.office)
        del lines[NEW]
        media, broker = ("127.0.0.1", self.office.media_port), ("127.0.0.1", self.office.broker_port)
        self.network = Network(self.folder, len(lines), LINK, media, broker, record=False)
        chance = random.Random(1)
        for number, (name, line) in enumerate(lines.items()):
            setup = NodeSetup(
                number=number + 1,
                media_port=self.network.media_ports[number],
                broker_port=self.network.broker_ports[number],
                drift_ppm=chance.uniform(-40, 40),
                seed=number,
                record=False,
            )
            self.nodes[name] = Node(setup, line, self.folder / "nodes")
        for node in self.nodes.values():
            node.enrolled()
        for node in self.nodes.values():
            node.power_on()
        self._wait(lambda: not self._away(), _ONLINE_S, lambda: f"not on line: {', '.join(self._away())}")

    def _away(self) -> list[str]:
        found = {node["id"]: node["state"] for node in self.office.get("/api/nodes")["nodes"]}
        return [name for name in self.nodes if found.get(name) != "online"]

    def _wait(self, done: Callable[[], bool], within_s: float, otherwise: Callable[[], str]) -> None:
        deadline_s = time.monotonic() + within_s
        while not done():
            if time.monotonic() > deadline_s:
                raise OfficeError(otherwise())
            self.tend()
            time.sleep(0.3)
