"""The commune whose pages are tested."""

from dataclasses import dataclass, field
from typing import Any

PASSWORD = "mot-mat-khau-dai-2026"


@dataclass
class Commune:
    """A controller to sign in to. office: its REST interface as its administrator's. sign_ins: cookies by role."""

    url: str
    office: Any
    sign_ins: dict[str, Any] = field(default_factory=dict)

    def account(self, role: str) -> tuple[str, str]:
        """Return name and password of somebody with that role; the account is made when it is first asked for."""
        name = f"{role}.thu"
        if name not in {user["name"] for user in self.office.get("/api/users")["users"]}:
            self.office.post("/api/users", {"name": name, "roles": [role], "password": PASSWORD})
        return name, PASSWORD
