"""What the pages use of others' work: from a lock file that names no place, complete, and bearing its licences."""

import json
import re
from pathlib import Path

from controller.web.page import STATIC
from tests import needs

ROOT = Path(__file__).resolve().parent.parent
VENDOR = STATIC / "vendor"


def test_the_lock_file_has_checksums_and_names_no_place() -> None:
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    packages = json.loads(text)["packages"]
    names = {name.removeprefix("node_modules/") for name in packages if name}
    assert names == wanted["dependencies"].keys() | wanted["devDependencies"].keys()
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert packages[f"node_modules/{name}"]["version"] == version
        assert packages[f"node_modules/{name}"]["integrity"].startswith("sha512-")


def test_what_is_served_is_of_the_locked_version_and_bears_its_licence() -> None:
    if not VENDOR.exists():
        needs.missing("no maps and plots; run: scripts/assets")
    versions = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name, version in versions.items():
        assert version in (VENDOR / name / f"{name}.js").read_text(encoding="utf-8")[:400]
        assert "copyright" in (VENDOR / name / "LICENSE").read_text(encoding="utf-8").lower()
        for picture in re.findall(r"url\(([^)#]+)\)", (VENDOR / name / f"{name}.css").read_text(encoding="utf-8")):
            assert (VENDOR / name / picture).is_file(), picture
