"""What a node does when it is told to: what the controller says to this node, once, in its time, and no more."""

from check_clock import _exchange
from voice import LAN, NODE_KEY, Voice

from codec.wire import announcement, chain, command, names
from codec.wire.errors import ForgedError, WireError
from codec.wire.mac import Mac, derive
from firmware.node.clock import Clock
from firmware.node.commands import Commands
from firmware.node.config import Config
from firmware.node.settings import Settings

EPOCH_US = 10**15
KEY = Mac(derive(NODE_KEY, "command"))
ANSWERS = Mac(derive(NODE_KEY, "ack"))


class Storage:
    """A board's, as it is after a power cut."""

    def __init__(self):
        self.kept = None
        self.lines = []

    def load_settings(self):
        return self.kept

    def save_settings(self, data):
        self.kept = data

    def log(self, line):
        self.lines.append(line)


class Control:
    """Writes down what is to be done."""

    def __init__(self):
        self.done = []

    def apply_settings(self):
        self.done.append("settings")

    def stop(self):
        self.done.append("stop")

    def tone(self, duration_ms):
        self.done.append(duration_ms)
        return duration_ms != 13

    def reboot(self, cause):
        self.done.append(cause)

    def take_air(self, terms, chains, session, lan):
        self.done.append((terms.name, len(chains), session))


class Node:
    """A node with a clock that is known, or is not."""

    def __init__(self, storage=None, locked=True):
        self.storage = storage or Storage()
        self.control = Control()
        self.settings = Settings(Config("node-1", NODE_KEY, None, ("h", 1), ("h", 2)), self.storage)
        self.clock = Clock(names.node_tag("node-1"), Mac(derive(NODE_KEY, "time")), lambda: 7)
        self.commands = Commands("node-1", NODE_KEY, self.settings, self.control, self.clock)
        self.now_us = 1000000
        if locked:
            self.lock()

    def lock(self):
        self.now_us = _exchange(self.clock, self.now_us, lambda: 4000, lambda: 4000, EPOCH_US)

    def raw(self, counter, operation=command.STOP, arguments=None, for_us=30000000, node="node-1", key=KEY):
        return command.build(node, counter, operation, arguments, EPOCH_US + self.now_us + for_us, key)

    def hear(self, raw):
        """Return the answers, as the controller reads them."""
        self.commands.receive(raw)
        return self.answers()

    def answers(self):
        found = [command.parse_ack(answer, ANSWERS) for answer in self.commands.poll(self.now_us)]
        for _, error, last in found:
            assert last == (self.settings.counter if error and error.startswith("counter must grow") else None)
        return [(counter, error) for counter, error, _ in found]

    def refuses(self, raw, kind=WireError):
        try:
            self.commands.receive(raw)
        except kind:
            return self.commands.poll(self.now_us) == []
        return False


def check_each_operation_is_done_and_answered():
    node = Node()
    assert node.hear(node.raw(1, command.CONFIGURE, {"zone": "thon-1", "gain_db": -3.0, "delay_us": 7})) == [(1, None)]
    assert node.hear(node.raw(2, command.SET_GAIN, {"gain_db": 2.0})) == [(2, None)]
    assert node.hear(node.raw(3, command.MUTE, {"muted": True})) == [(3, None)]
    assert (node.settings.zone, node.settings.gain_db, node.settings.delay_us) == ("thon-1", 2.0, 7)
    assert node.settings.muted
    assert node.hear(node.raw(4)) == [(4, None)]
    assert node.hear(node.raw(5, command.TEST_TONE, {"duration_ms": 20})) == [(5, None)]
    assert node.hear(node.raw(6, command.TEST_TONE, {"duration_ms": 13})) == [(6, "a programme is on air")]
    assert node.hear(node.raw(7, command.REBOOT)) == [(7, None)]
    assert node.control.done == ["stop", "settings", "settings", "settings", "stop", 20, 13, "command"]


def check_what_is_on_air_is_told_with_its_keys():
    node = Node()
    voice = Voice(LAN, EPOCH_US, 50)
    voice.extend(50)
    session = announcement.fields("thon-1", [announcement.Stream(5, 20000, EPOCH_US, 150000, 3)])
    anchors = [chain.anchor_fields(anchor) for anchor in voice.anchors(EPOCH_US)]
    air = {"terms": chain.terms_fields(LAN), "chains": anchors, "session": session}
    assert node.hear(node.raw(1, command.AIR, air)) == [(1, None)]
    assert node.control.done == [("lan", 2, session)]


def check_a_command_that_is_heard_again_is_answered_and_not_done():
    node = Node()
    raw = node.raw(5, command.TEST_TONE, {"duration_ms": 13})
    for _ in range(3):
        assert node.hear(raw) == [(5, "a programme is on air")]
    assert node.control.done == [13]
    assert node.hear(node.raw(4)) == [(4, "counter must grow; the last was 5")]
    assert node.hear(node.raw(6)) == [(6, None)]
    assert node.hear(raw) == [(5, "counter must grow; the last was 6")]
    assert node.control.done == [13, "stop"]


def check_the_counter_survives_a_reboot():
    node = Node()
    raw = node.raw(5, command.MUTE, {"muted": True})
    node.hear(raw)
    again = Node(node.storage)
    assert again.settings.counter == 5 and again.settings.muted
    assert again.hear(raw) == [(5, None)] and again.control.done == []
    other = again.raw(5, command.MUTE, {"muted": False})  # of a controller that counts anew from an older database
    assert again.hear(other) == [(5, "counter must grow; the last was 5")] and again.settings.muted
    assert again.hear(again.raw(3)) == [(3, "counter must grow; the last was 5")]
    assert again.control.done == []


def check_what_failed_is_not_said_to_be_done_after_a_reboot():
    node = Node()
    raw = node.raw(5, command.TEST_TONE, {"duration_ms": 13})
    assert node.hear(raw) == [(5, "a programme is on air")]
    assert Node(node.storage).hear(raw) == [(5, "not done, before a restart")]


def check_a_command_that_is_too_old_is_not_done_and_never_will_be():
    node = Node()
    raw = node.raw(5, for_us=-2000000)
    assert node.hear(raw) == [(5, "it came 2 s after it had expired")]
    assert node.hear(raw) == [(5, "it came 2 s after it had expired")]
    held = node.raw(6, for_us=1000000)  # by a broker that waits
    node.now_us += 31000000
    assert node.hear(held) == [(6, "it came 30 s after it had expired")]
    assert node.control.done == []
    assert Node(node.storage).settings.counter == 6
    assert node.hear(node.raw(7, for_us=1000)) == [(7, None)]


def check_who_has_another_key_commands_nobody():
    node = Node()
    good = node.raw(1)
    other = Mac(derive(bytes(32), "command"))
    for key in (other, Mac(NODE_KEY), Mac(b""), ANSWERS, Mac(derive(NODE_KEY, "audio"))):
        assert node.refuses(node.raw(1, key=key), ForgedError)
    for at in (0, 15, 16, 40, len(good) - 1):
        assert node.refuses(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :], ForgedError)
    for raw in (b"", good[:16], good[16:], good[:-1], good + b" "):
        assert node.refuses(raw, ForgedError)
    assert node.control.done == [] and node.settings.counter == -1
    assert node.hear(good) == [(1, None)]


def check_a_command_for_another_node_is_not_done():
    node = Node()
    assert node.refuses(node.raw(1, node="node-2"))
    assert node.refuses(node.raw(1, "format"))
    assert node.refuses(node.raw(1, command.SET_GAIN, {"gain_db": 99}))
    assert node.control.done == [] and node.settings.counter == -1


def check_before_the_time_is_known_commands_wait():
    node = Node(locked=False)
    for counter in range(8):
        assert node.hear(node.raw(counter, for_us=0 if counter == 3 else 30000000)) == []
    assert node.control.done == []
    assert node.refuses(node.raw(8))  # a broker must not fill the memory
    assert node.refuses(b"x" * 60, ForgedError)
    node.lock()
    assert [answer[0] for answer in node.answers()] == list(range(8))
    assert node.control.done == ["stop"] * 7  # one has expired meanwhile
    assert node.answers() == []
    assert node.hear(node.raw(8)) == [(8, None)]


def check_an_answer_is_no_command_and_no_other_nodes_answer():
    node = Node()
    node.commands.receive(node.raw(1))
    (answer,) = node.commands.poll(node.now_us)
    assert node.refuses(answer, ForgedError)
    try:
        command.parse_ack(answer, Mac(derive(bytes(32), "ack")))
        raise AssertionError("taken")
    except ForgedError:
        pass


def check_a_new_zone_is_silent_until_it_is_told_what_is_on_air():
    node = Node()
    for counter, zone in enumerate(("thon-1", "thon-1", "thon-2")):
        node.hear(node.raw(counter, command.CONFIGURE, {"zone": zone}))
    assert node.control.done == ["stop", "settings", "settings", "stop", "settings"]
