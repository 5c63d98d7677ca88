"""Every operation of a real controller under schemathesis, in a network of its own with nothing but a loopback: made-up
sources, groups and addresses of receivers must reach nobody.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from controller import localaccess
from hil_sim.office import Office, OfficeError, tail

ROOT = Path(__file__).resolve().parent.parent
WAYS = ("routes", "routes-unsigned")
"""As administrator, and without credentials."""
UNSIGNED_SHARE = 4
"""One part in so many of the time: nearly everything is answered by 401."""
REQUEST_S = 20
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "one_form_of_errors",
)
EXCLUDED = {
    "/api/events": "its answer never ends",
    "/api/nodes/{node_id}/events": "nor does this one's",
    "/api/ca/rotate": "from then on the run's own certificate of the authority is the wrong one",
    "/api/sign-out": "it ends the token that the run signs with",
}
SPARE_S = 300


def found(way: str, seconds: int, folder: Path) -> bool:
    """Fuzz the routes in this way; print a line, return whether something was found. The log is in `folder`."""
    log = folder / f"{way}.log"
    if shutil.which("unshare") is None:
        print(f"{way:<16} not run: it needs unshare (util-linux)", flush=True)
        return True
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-current-user", "--keep-caps", "--net"]
    child = f"ip link set lo up && exec {sys.executable} -m fuzz.routes {way} {seconds} {folder}"
    with log.open("wb") as output:
        code = subprocess.run(
            [*own, "sh", "-c", child], stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    print(f"{way:<16} {'ok' if code == 0 else 'FOUND, see ' + str(log)}", flush=True)
    return code != 0


def _schemathesis(office: Office, schema: Path, seconds: int, options: list[str]) -> int:
    """Run it against `office` for so long; return its exit code, -1 where it hung."""
    excluded = [part for path in EXCLUDED for part in ("--exclude-path", path)]
    arguments = [
        str(Path(sys.executable).parent / "schemathesis"), "--no-color", "run", str(schema), "--url", office.url,
        "--checks", ",".join(CHECKS), "--request-timeout", str(REQUEST_S), "--continue-on-failure",
        "--max-time", str(seconds), "--tls-verify", str(office.folder / "data" / "pki" / "ca.pem"),
        "--generation-database", "none", "--warnings", "off", *excluded, *options,
    ]  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz.hooks", "PYTHONPATH": str(ROOT)}
    environment["LOAXA_FUZZ_STATUSES"] = str(schema.with_name("statuses.json"))
    try:
        return subprocess.run(
            arguments, env=environment, cwd=schema.parent, timeout=seconds + SPARE_S, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        print("schemathesis did not come to its end", flush=True)
        return -1


def _fuzz(way: str, seconds: int, folder: Path) -> int:
    office = Office(folder / "office", record=False)
    try:
        office.wait_ready()
        access = localaccess.find(office.url)
        if access is None:
            raise OfficeError("the controller wrote no local access")
        schema = folder / "openapi.json"
        schema.write_text(json.dumps(office.get("/api/openapi.json")), encoding="utf-8")
        if way == "routes":
            code = _schemathesis(office, schema, seconds, ["--header", f"Authorization: Bearer {access.token}"])
        else:
            code = _schemathesis(office, schema, max(30, seconds // UNSIGNED_SHARE), [])
        health = office.get("/api/health")
        statuses = json.loads(schema.with_name("statuses.json").read_text(encoding="utf-8"))
        print(f"answers {statuses}, exit code {code}, health {health}", flush=True)
        print(tail(office.log, 20_000), flush=True)
        reached = "200" in statuses and (way != "routes" or {"201", "204"} <= statuses.keys())
        return 0 if code == 0 and reached and office.alive and health["ok"] else 1
    finally:
        office.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="loaxa-fuzz-") as made:
        sys.exit(_fuzz(sys.argv[1], int(sys.argv[2]), Path(made)))
