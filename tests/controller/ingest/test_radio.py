"""Streams from a web server that misbehaves."""

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest

from controller.ingest.events import Ended, Failed, Reconnecting
from controller.ingest.pool import IngestPool
from controller.ingest.request import StreamRequest
from tests.controller.ingest import media

Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Handler, int], None]


class Station:
    """A web server on loopback: `pages` maps a path to what answers it, given how often it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.closing = threading.Event()
        station = self

        class _Handler(Handler):
            def do_GET(self) -> None:
                before = station.asked.count(self.path)
                station.asked.append(self.path)
                answer = station.pages.get(self.path, not_found)
                with contextlib.suppress(OSError):
                    answer(self, before)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def head(handler: Handler, status: int, **fields: str) -> None:
    handler.send_response(status)
    for name, value in fields.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def not_found(handler: Handler, _before: int) -> None:
    head(handler, 404)


def whole(content: bytes, kind: str = "audio/mpeg") -> Answer:
    def answer(handler: Handler, _before: int) -> None:
        head(handler, 200, Content_Type=kind, Content_Length=str(len(content)))
        handler.wfile.write(content)

    return answer


def endless(content: bytes, *, then: Callable[[], object] | None = None) -> Answer:
    """Answer as a radio does, without a length; then do something, then close."""

    def answer(handler: Handler, _before: int) -> None:
        head(handler, 200, Content_Type="audio/mpeg")
        handler.wfile.write(content)
        handler.wfile.flush()
        if then is not None:
            then()

    return answer


@pytest.fixture
def station() -> Iterator[Station]:
    made = Station()
    yield made
    made.close()


@pytest.fixture
def mp3(tmp_path: Path) -> bytes:
    """Three seconds."""
    return media.write(tmp_path / "a.mp3", "libmp3lame", media.sine(440, 3.0, 44100), 44100, 2).read_bytes()


def hls(folder: Path, station: Station) -> None:
    """Put a finished HLS programme of six seconds at /hls/a.m3u8."""
    with av.open(
        str(folder / "a.m3u8"), "w", format="hls", container_options={"hls_time": "2", "hls_list_size": "0"}
    ) as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        samples = media.sine(440, 6.0)
        for start in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for file in folder.glob("*.ts"):
        station.pages[f"/hls/{file.name}"] = whole(file.read_bytes(), "video/mp2t")
    playlist = (folder / "a.m3u8").read_bytes()
    station.pages["/hls/a.m3u8"] = whole(playlist, "application/vnd.apple.mpegurl")


async def test_a_file_on_a_server_ends(pool: IngestPool, station: Station, mp3: bytes) -> None:
    station.pages["/a.mp3"] = whole(mp3)
    heard = await media.record(pool, StreamRequest(url=station.url("/a.mp3")))
    assert heard.final == Ended()
    assert heard.duration_s == pytest.approx(3.0, abs=0.1)
    assert media.pitch_hz(heard.samples[20000:100000]) == pytest.approx(440, abs=2)


async def test_a_radio_that_drops_is_connected_again(pool: IngestPool, station: Station, mp3: bytes) -> None:
    station.pages["/live"] = endless(mp3)
    tapped = await media.tap(pool, StreamRequest(url=station.url("/live"), cushion_ms=200))
    await tapped.until(7.0)
    await tapped.ingest.stop()
    await tapped.finish()
    assert Reconnecting("the connection broke off") in tapped.events
    assert station.asked.count("/live") >= 3


async def test_a_radio_that_stalls_is_connected_again(pool: IngestPool, station: Station, mp3: bytes) -> None:
    station.pages["/live"] = endless(mp3, then=lambda: station.closing.wait(60))
    tapped = await media.tap(pool, StreamRequest(url=station.url("/live"), cushion_ms=200, stall_ms=1000))
    await tapped.until(5.0)
    await tapped.ingest.stop()
    await tapped.finish()
    assert Reconnecting("no data for 1 s") in tapped.events


async def test_a_file_that_breaks_off_goes_on_where_it_was(pool: IngestPool, station: Station, mp3: bytes) -> None:
    def answer(handler: Handler, before: int) -> None:
        if before:
            return whole(mp3)(handler, before)
        head(handler, 200, Content_Type="audio/mpeg", Content_Length=str(len(mp3)))
        handler.wfile.write(mp3[: len(mp3) // 2])
        return None

    station.pages["/a.mp3"] = answer
    heard = await media.record(pool, StreamRequest(url=station.url("/a.mp3")))
    assert heard.final == Ended()
    assert heard.duration_s == pytest.approx(3.0, abs=0.2)
    assert any(isinstance(event, Reconnecting) for event in heard.events)


async def test_hls(pool: IngestPool, station: Station, tmp_path: Path) -> None:
    hls(tmp_path, station)
    heard = await media.record(pool, StreamRequest(url=station.url("/hls/a.m3u8")))
    assert heard.final == Ended()
    assert heard.duration_s == pytest.approx(6.0, abs=0.15)


EVIL = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n{}#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "/etc/passwd", "concat:/etc/passwd", "data:audio/wav;base64,AAAA"]
)
async def test_a_playlist_reads_no_file(pool: IngestPool, station: Station, target: str) -> None:
    playlist = EVIL.format(f"#EXTINF:2,\n{target}\n")
    station.pages["/evil.m3u8"] = whole(playlist.encode(), "application/vnd.apple.mpegurl")
    heard = await media.record(pool, StreamRequest(url=station.url("/evil.m3u8"), patience_s=1))
    assert isinstance(heard.final, Failed)
    assert len(heard.samples) == 0
    print(heard.final.text)


async def test_a_playlist_cannot_smuggle_a_file_in(pool: IngestPool, station: Station, tmp_path: Path) -> None:
    hls(tmp_path, station)
    secret = media.write(tmp_path / "secret.ts", "aac", media.sine(1000, 2.0))
    segment = next(tmp_path.glob("a*.ts")).name
    playlist = EVIL.format(f"#EXTINF:2,\nhls/{segment}\n#EXTINF:2,\nfile://{secret}\n")
    station.pages["/evil.m3u8"] = whole(playlist.encode(), "application/vnd.apple.mpegurl")
    heard = await media.record(pool, StreamRequest(url=station.url("/evil.m3u8"), patience_s=1))
    assert heard.duration_s < 2.5
    assert media.pitch_hz(heard.samples) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (not_found, "127.0.0.1 has nothing at this address (404); check the address"),
        (lambda handler, _: head(handler, 403), "127.0.0.1 does not let us listen"),
        (whole(b"<html><body>Xin chao</body></html>" * 100, "text/html"), "is no sound that can be played"),
        (lambda handler, _: head(handler, 302, Location="file:///etc/passwd"), "127.0.0.1"),
        (lambda handler, _: head(handler, 302, Location="/same"), "127.0.0.1"),
        (lambda handler, before: head(handler, 302, Location=f"/same?{before}"), "127.0.0.1"),
    ],
)
async def test_what_cannot_be_had_says_so(pool: IngestPool, station: Station, answer: Answer, said: str) -> None:
    station.pages["/same"] = answer
    begun_s = time.monotonic()
    heard = await media.record(pool, StreamRequest(url=station.url("/same"), patience_s=2))
    assert isinstance(heard.final, Failed)
    assert heard.final.code == "unreachable"
    assert said in heard.final.text
    assert len(station.asked) < 40
    print(f"{time.monotonic() - begun_s:.2f} s: {heard.final.text}")


async def test_redirects_are_bounded(pool: IngestPool, station: Station, mp3: bytes) -> None:
    for number in range(20):
        target = f"/r{number + 1}"
        station.pages[f"/r{number}"] = lambda handler, _, target=target: head(handler, 302, Location=target)
    heard = await media.record(pool, StreamRequest(url=station.url("/r0"), patience_s=0))
    assert isinstance(heard.final, Failed)
    assert len(station.asked) <= 6
    station.pages["/r3"] = whole(mp3)
    heard = await media.record(pool, StreamRequest(url=station.url("/r0"), patience_s=0))
    assert heard.final == Ended()


async def test_nobody_answers(pool: IngestPool, station: Station) -> None:
    url = station.url("/live")
    station.server.server_close()
    heard = await media.record(pool, StreamRequest(url=url, patience_s=1))
    assert isinstance(heard.final, Failed)
    assert heard.final.text == "127.0.0.1 gives no sound: the server refuses the connection; check the address"
    assert Reconnecting("the server refuses the connection") in heard.events
