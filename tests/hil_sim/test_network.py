"""The network between controller and nodes: what is set is what is measured, and what passes is captured."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hil_sim.impairment import QUEUE_S, Impairment
from hil_sim.network import Network
from hil_sim.packets import FROM_NODE, TO_NODE, Datagram, pack, read_log, write_pcap
from hil_sim.scenario import LinkSettings

MS = 1_000_000
STEP_NS = 20 * MS


def arrivals(settings: LinkSettings, count: int = 40_000, seed: int = 1) -> list[int | None]:
    link = Impairment(settings, seed)
    return [link.arrival_ns(k * STEP_NS, 120) for k in range(count)]


@pytest.mark.parametrize(("loss", "burst"), [(0.01, 1.0), (0.05, 1.0), (0.05, 3.0), (0.2, 8.0)])
def test_loss_and_bursts_are_as_set(loss: float, burst: float) -> None:
    lost = np.array([at is None for at in arrivals(LinkSettings(loss=loss, burst=burst), 200_000)])
    assert np.mean(lost) == pytest.approx(loss, rel=0.15)
    starts = np.count_nonzero(lost[1:] & ~lost[:-1]) + lost[0]
    ideal = max(burst, 1.0 / (1.0 - loss))
    assert np.count_nonzero(lost) / starts == pytest.approx(ideal, rel=0.1)


def test_delay_and_jitter_are_as_set_and_packets_overtake() -> None:
    delays = np.array(
        [at - k * STEP_NS for k, at in enumerate(arrivals(LinkSettings(delay_ms=50, jitter_ms=10))) if at is not None]
    )
    assert np.mean(delays) / MS == pytest.approx(50, abs=0.2)
    assert np.std(delays) / MS == pytest.approx(10, rel=0.03)
    assert np.any(np.diff(delays) < -STEP_NS)


def test_jitter_never_makes_time_run_backwards() -> None:
    found = arrivals(LinkSettings(delay_ms=1, jitter_ms=5))
    assert all(at is not None and at >= k * STEP_NS for k, at in enumerate(found))


def test_a_bottleneck_queues_and_then_drops() -> None:
    link = Impairment(LinkSettings(rate_kbps=64), 1)
    sent = [link.arrival_ns(0, 972) for _ in range(10)]  # 1000 bytes with headers: 125 ms each
    assert sent[:3] == [125 * MS, 250 * MS, 375 * MS]
    assert sent[3:] == [None] * 7
    assert QUEUE_S == 0.3


def test_the_same_seed_is_the_same_network() -> None:
    settings = LinkSettings(delay_ms=5, jitter_ms=3, loss=0.1, burst=2)
    assert arrivals(settings, 500, seed=3) == arrivals(settings, 500, seed=3)
    assert arrivals(settings, 500, seed=3) != arrivals(settings, 500, seed=4)


@pytest.fixture
def controller() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(2)
        yield made


def node(network: Network, number: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.connect(("127.0.0.1", network.media_ports[number - 1]))
    made.settimeout(2)
    return made


def test_each_node_has_an_address_of_its_own_and_is_answered_there(tmp_path: Path, controller: socket.socket) -> None:
    with Network(tmp_path, 3, LinkSettings(), controller.getsockname(), ("127.0.0.1", 1)) as network:
        nodes = [node(network, number) for number in (1, 2, 3)]
        addresses = []
        for number, each in enumerate(nodes):
            each.send(b"I am %d" % number)
            data, address = controller.recvfrom(100)
            assert data == b"I am %d" % number
            addresses.append(address)
        assert len(set(addresses)) == 3
        for number, address in enumerate(addresses):
            controller.sendto(b"for %d" % number, address)
        assert [each.recv(100) for each in nodes] == [b"for 0", b"for 1", b"for 2"]
        for each in nodes:
            each.close()
    seen = network.datagrams()
    assert [(d.direction, d.data) for d in seen if d.node == 2] == [(FROM_NODE, b"I am 1"), (TO_NODE, b"for 1")]


def test_delivery_keeps_to_its_plan(tmp_path: Path, controller: socket.socket) -> None:
    """Not a timing test of this machine: the median over a hundred packets of what the relay itself stamped."""
    with Network(tmp_path, 1, LinkSettings(delay_ms=20), controller.getsockname(), ("127.0.0.1", 1)) as network:
        with node(network, 1) as one:
            for _ in range(100):
                one.send(b"x")
                time.sleep(0.003)
            for _ in range(100):
                controller.recv(10)
    delays = [(d.left_ns - d.entered_ns) / MS for d in network.datagrams() if d.left_ns]
    assert len(delays) == 100
    assert min(delays) >= 20.0
    assert np.median(delays) < 20.5


def test_a_cut_line_is_dead_and_a_restored_one_alive(tmp_path: Path, controller: socket.socket) -> None:
    controller.settimeout(0.3)
    with Network(tmp_path, 2, LinkSettings(), controller.getsockname(), ("127.0.0.1", 1)) as network:
        with node(network, 1) as one, node(network, 2) as two:
            network.cut(1)
            time.sleep(0.1)
            one.send(b"lost")
            two.send(b"heard")
            assert controller.recv(100) == b"heard"
            with pytest.raises(TimeoutError):
                controller.recv(100)
            network.restore(1)
            time.sleep(0.1)
            one.send(b"again")
            assert controller.recv(100) == b"again"
    assert [d.left_ns is None for d in network.datagrams() if d.node == 1] == [True, False]


def test_an_attacker_comes_from_both_sides_and_is_told_apart(tmp_path: Path, controller: socket.socket) -> None:
    with Network(tmp_path, 1, LinkSettings(), controller.getsockname(), ("127.0.0.1", 1)) as network:
        with node(network, 1) as one:
            one.send(b"hello")
            _, address = controller.recvfrom(100)
            network.inject(1, b"evil" * 500)
            assert one.recv(9999) == b"evil" * 500
            assert controller.recvfrom(9999) == (b"evil" * 500, address)
    assert [d.injected for d in network.datagrams()] == [False, True, True]


@pytest.fixture
def broker() -> Iterator[socket.socket]:
    """An echo server that stands for the broker."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
            except OSError:
                return

        def echo(end: socket.socket) -> None:
            with end:
                while data := end.recv(65536):
                    end.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_tcp_is_delayed_keeps_its_order_and_survives_a_cut(
    tmp_path: Path, controller: socket.socket, broker: socket.socket
) -> None:
    settings = LinkSettings(delay_ms=30)
    with Network(tmp_path, 1, settings, controller.getsockname(), broker.getsockname()) as network:
        with socket.create_connection(("127.0.0.1", network.broker_ports[0]), timeout=3) as client:
            began = time.monotonic()
            client.sendall(b"ping")
            assert client.recv(10) == b"ping"
            assert 0.06 <= time.monotonic() - began < 1.0
            body = bytes(range(256)) * 4096
            threading.Thread(target=client.sendall, args=(body,), daemon=True).start()
            got = b""
            while len(got) < len(body):
                got += client.recv(65536)
            assert got == body
            network.cut(1)
            time.sleep(0.1)
            client.sendall(b"late")
            client.settimeout(0.3)
            with pytest.raises(TimeoutError):
                client.recv(10)
            network.restore(1)
            client.settimeout(3)
            assert client.recv(10) == b"late"


def test_tcp_that_jitters_keeps_its_order(tmp_path: Path, controller: socket.socket, broker: socket.socket) -> None:
    settings = LinkSettings(delay_ms=10, jitter_ms=5)
    with Network(tmp_path, 1, settings, controller.getsockname(), broker.getsockname()) as network:
        with socket.create_connection(("127.0.0.1", network.broker_ports[0]), timeout=3) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            trips_s = []
            for _ in range(40):
                began = time.monotonic()
                client.sendall(b"x")
                assert client.recv(10) == b"x"
                trips_s.append(time.monotonic() - began)
            assert max(trips_s) - min(trips_s) > 0.01
            for number in range(200):  # each a read of its own, some quicker than the one before
                client.sendall(bytes((number,)))
                time.sleep(0.0005)
            got = b""
            while len(got) < 200:
                got += client.recv(65536)
            assert got == bytes(range(200))


def test_a_broker_that_is_gone_closes_the_nodes_connection(tmp_path: Path, controller: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with Network(tmp_path, 1, LinkSettings(), controller.getsockname(), address) as network:
        with socket.create_connection(("127.0.0.1", network.broker_ports[0]), timeout=3) as client:
            assert client.recv(10) == b""


def test_the_log_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    datagrams = [Datagram(TO_NODE, 3, 5, 7, b"abc"), Datagram(FROM_NODE, 300, 6, None, b"", injected=True)]
    path = tmp_path / "log"
    path.write_bytes(b"".join(pack(each) for each in datagrams) + pack(datagrams[0])[:-1])
    assert read_log(path) == datagrams
    assert read_log(tmp_path / "absent") == []


def test_the_capture_is_what_reached_or_left_the_nodes(tmp_path: Path) -> None:
    datagrams = [
        Datagram(TO_NODE, 1, 1_000, 3_000_000_007, b"to"),
        Datagram(FROM_NODE, 2, 2_000_000_000, None, b"from"),
        Datagram(TO_NODE, 1, 1_500, None, b"lost"),
    ]
    write_pcap(tmp_path / "p.pcap", datagrams, 0)
    raw = (tmp_path / "p.pcap").read_bytes()
    assert struct.unpack_from("<IHHiIII", raw) == (0xA1B23C4D, 2, 4, 0, 0, 65535, 101)
    seconds, nanoseconds, size, _ = struct.unpack_from("<IIII", raw, 24)
    first = raw[40 : 40 + size]
    assert (seconds, nanoseconds, first[28:]) == (2, 0, b"from")
    assert first[12:20] == bytes((10, 77, 0, 2, 10, 77, 255, 1))
    words = struct.unpack(">10H", first[:20])
    assert (sum(words) & 0xFFFF) + (sum(words) >> 16) == 0xFFFF  # RFC 1071
    seconds, nanoseconds, size, _ = struct.unpack_from("<IIII", raw, 40 + size)
    assert (seconds, nanoseconds, size) == (3, 7, 30)
