"""Fan-out: everybody gets every packet, whatever happens to one of them or to the list."""

import socket
import threading
import time

import pytest

from controller.engine import fanout as module
from controller.engine.fanout import BATCH, WAIT_MS, Fanout
from controller.engine.mediasocket import open_media
from controller.engine.settings import EngineSettings
from tests.controller.engine.harness import Listener


@pytest.fixture
def media():
    with open_media(EngineSettings(host="127.0.0.1", port=0)) as found:
        yield found


@pytest.fixture
def listeners():
    found = [Listener() for _ in range(20)]
    yield found
    for listener in found:
        listener.close()


def test_every_member_gets_the_packet(media, listeners):
    packet = bytearray(b"hello, horns")
    fanout = Fanout(media, packet)
    fanout.set_members([tuple(listener.address) for listener in listeners])
    fanout.send(5)
    packet[:5] = b"again"
    fanout.send(12)
    assert all(listener.drain() == [b"hello", b"again, horns"] for listener in listeners)
    assert (fanout.sent, fanout.errors, fanout.members) == (40, 0, 20)


def test_more_members_than_one_call_takes(media, listeners):
    fanout = Fanout(media, bytearray(4))
    count = 2 * BATCH + 20
    fanout.set_members([tuple(listeners[number % 20].address) for number in range(count)])
    fanout.send(4)
    assert fanout.sent == count
    assert sum(len(listener.drain()) for listener in listeners) == count


def test_one_that_cannot_be_reached_costs_only_its_own(media, listeners):
    fanout = Fanout(media, bytearray(4))
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    closed.bind(("127.0.0.1", 0))
    gone = closed.getsockname()
    closed.close()
    # Broadcast is forbidden to this socket, and a network address beyond it has no route from 127.0.0.1.
    bad = [("255.255.255.255", 5004), gone, ("192.0.2.1", 9)]
    fanout.set_members([bad[0], *(tuple(listener.address) for listener in listeners[:10]), bad[1], bad[2],
                        *(tuple(listener.address) for listener in listeners[10:])])  # fmt: skip
    for _ in range(3):
        fanout.send(4)
    assert all(len(listener.drain()) == 3 for listener in listeners)
    assert fanout.errors >= 3


def test_nobody_is_no_error(media):
    fanout = Fanout(media, bytearray(4))
    fanout.send(4)
    assert (fanout.sent, fanout.errors) == (0, 0)


def test_the_list_changes_without_a_gap(media, listeners):
    fanout = Fanout(media, packet := bytearray(4))
    everybody = [tuple(listener.address) for listener in listeners]
    fanout.set_members(everybody)
    stop = threading.Event()

    def change():
        while not stop.is_set():
            fanout.set_members(everybody[:10])
            fanout.set_members(everybody)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for number in range(200):
            packet[:] = number.to_bytes(4, "big")
            fanout.send(4)
    finally:
        stop.set()
        changer.join()
    for listener in listeners[:10]:
        assert [int.from_bytes(packet, "big") for packet in listener.drain()] == list(range(200))


@pytest.fixture
def narrow():
    """A pair of sockets that holds a few packets: whoever sends must wait for whoever reads."""
    sending, receiving = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    sending.setblocking(False)
    with sending, receiving:
        yield sending, receiving


def fan_out_to(connected, count):
    """Return a fan-out to `count` members by a socket that is connected, whose packets therefore name nobody."""
    fanout = Fanout(connected, bytearray(4))
    fanout.set_members([("127.0.0.1", 9)] * count)
    headers = fanout._destinations._headers["header"]
    headers["name"] = headers["name_length"] = 0
    return fanout


def test_a_full_send_buffer_is_waited_for_as_often_as_it_fills(narrow, monkeypatch):
    monkeypatch.setattr(module, "WAIT_MS", 20_000)
    sending, receiving = narrow
    fanout = fan_out_to(sending, 100)
    received = []
    reader = threading.Thread(target=lambda: received.extend(receiving.recv(16) for _ in range(100)), daemon=True)
    reader.start()
    fanout.send(4)
    assert (fanout.sent, fanout.errors) == (100, 0)
    reader.join(10)
    assert len(received) == 100


def test_a_send_buffer_that_stays_full_is_given_up_in_time_and_counted(narrow):
    fanout = fan_out_to(narrow[0], 100)
    began_s = time.monotonic()
    fanout.send(4)
    took_s = time.monotonic() - began_s
    assert fanout.sent < 100
    assert fanout.sent + fanout.errors == 100
    assert WAIT_MS / 1000 <= took_s < 1.0
