"""A commune as it might be: villages with names, clusters of horns on their poles. Only what its office knows of it."""

from typing import Any, Protocol

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


class Office(Protocol):
    """The REST interface of a controller."""

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the answer to a POST; raises where it is refused."""


def furnish(office: Office) -> dict[str, str]:
    """Add all zones and nodes; return the enrolment line of each node, by id."""
    middles = {}
    for zone, title, north, east in ZONES:
        office.post("/api/zones", {"id": zone, "title": title, "profile": "lan"})
        middles[zone] = (CENTRE[0] + north, CENTRE[1] + east)
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
