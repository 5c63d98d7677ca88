"""Bodies about enrolment."""

from datetime import datetime

from pydantic import BaseModel, Field

from codec.wire.enrolment import MAX_BOARD_CHARS, MAX_SERIAL_CHARS
from controller.bodies import Body
from controller.web.models.nodes import PRINTABLE, NodeOut


class EnrolmentOut(BaseModel):
    """A code that makes one board this node, once and soon. It is told here and never again."""

    node: str
    line: str = Field(description="what the technician gives the board: loaxa:HOST:PORT:CODE:PIN")
    expires_at: datetime | None
    qr_svg: str = Field(description="the line as a QR code, an SVG to put into a page")


class NodeAdded(NodeOut):
    """A new node. broker, media: where it will connect. enrolment: null for a plain RTP receiver, and where nodes
    could not enrol because they reach the controller without TLS."""

    broker: tuple[str, int]
    media: tuple[str, int]
    enrolment: EnrolmentOut | None


class EnrolRequest(Body):
    """What a fresh board asks with."""

    code: str = Field(min_length=1, max_length=32, examples=["S34W-NJYC-SQ7C-ZM6H"])
    board: str = Field("", max_length=MAX_BOARD_CHARS, pattern=PRINTABLE, description="its kind", examples=["esp32"])
    serial: str = Field("", max_length=MAX_SERIAL_CHARS, pattern=PRINTABLE, description="of its hardware")


class Identity(BaseModel):
    """All that makes a board a node. key: 64 hexadecimal digits; whoever has it is this node.
    ca: the authority in PEM that the broker's certificate is from; null: the broker is spoken to in the clear."""

    id: str
    key: str
    ca: str | None
    broker: tuple[str, int]
    media: tuple[str, int]
    zone: str
    gain_db: float
    delay_us: int
