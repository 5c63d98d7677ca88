"""Link: presence, commands, announcements and health over MQTT; comes back by itself, for ever."""

import asyncio

from codec.wire import names, report
from codec.wire.errors import ForgedError, WireError
from codec.wire.mac import derive

from .mqtt import ANSWER_S, Connection, RefusedError

_BACKOFF_MIN_MS = 250
_BACKOFF_MAX_MS = 4000
"""A node that booted while its broker was away must not miss what goes on air when that is back."""
_POLL_MS = 100
_ASK_PERIOD_US = 2000000
_MAX_OUTBOX = 8
FIRMWARE = "loaxa 0.1.0"


class Link:
    """Connects the agent with its controller. `agent` has settings, commands, health, keychain, counters, hear(),
    hear_chain(), lacks_keys(), announce(), now_us(), on_air(), watchdog, trust."""

    def __init__(self, hal, config, agent):
        self._hal = hal
        self._config = config
        self._agent = agent
        self._topics = {leaf: names.node_topic(config.id, leaf) for leaf in names.NODE_TOPICS}
        self._address = None
        self._password = derive(config.key, "broker").hex()
        self._zone = None
        self._chain = None
        self._asked_us = None
        self._missed = False
        self._outbox = []
        self._backoff_ms = _BACKOFF_MIN_MS
        self.rejected = 0
        self.connected = False

    async def run(self):
        """Connect, serve, wait, and again."""
        while True:
            self._agent.watchdog.link(self._agent.now_us())
            try:
                await self._serve()
            except (OSError, EOFError, WireError, asyncio.TimeoutError) as error:
                self._hal.log("link: %s" % (error or type(error).__name__))
            self.connected = False
            # Half of the wait is chance: a broker that comes back must not meet all nodes in one instant.
            await self._hal.sleep_ms(self._backoff_ms // 2 + self._hal.random() * self._backoff_ms // 512)
            self._backoff_ms = min(self._backoff_ms * 2, _BACKOFF_MAX_MS)

    async def _serve(self):
        # A look-up holds the loop, sound included.
        if self._address is None or not self._agent.on_air():
            self._address = self._hal.resolve(*self._config.broker)
        authorities = self._agent.trust.authorities
        reader, writer = await asyncio.wait_for(self._hal.open_stream(self._address, authorities), ANSWER_S)
        connection = Connection(reader, writer, self._message)
        server = None
        try:
            will = (self._topics["status"], report.build_status(report.OFFLINE), 1, True)
            await connection.open("loaxa-" + self._config.id, will, self._config.id, self._password)
            server = asyncio.create_task(_outcome(connection))
            self._zone = self._chain = None
            await connection.subscribe([self._topics["command"]])
            await self._follow(connection)
            await self._tell(connection)  # after it: what goes on air from now on is heard either way
            self.connected = True
            self._backoff_ms = _BACKOFF_MIN_MS
            while not server.done():
                await self._turn(connection)
                await self._hal.sleep_ms(_POLL_MS)
            raise await server
        finally:
            if server is not None:
                await _end(server)
            await connection.close(politely=False)

    async def _turn(self, connection):
        agent = self._agent
        now_us = agent.now_us()
        agent.watchdog.link(now_us)
        for answer in agent.commands.poll(now_us):
            if len(self._outbox) < _MAX_OUTBOX:
                self._outbox.append(answer)
        while self._outbox:
            await connection.publish(self._topics["ack"], self._outbox.pop(0), 1)
        await self._follow(connection)
        if (self._missed or agent.lacks_keys()) and now_us - self._asked_us >= _ASK_PERIOD_US:
            await self._tell(connection)
        if agent.health.due(now_us):
            await connection.publish(self._topics["health"], agent.health.build(now_us))

    async def _tell(self, connection):
        """Say that this node is there: the controller answers with all that it must know."""
        self._missed = False
        self._asked_us = self._agent.now_us()
        status = report.build_status(report.ONLINE, FIRMWARE, self._hal.board, self._hal.restart_cause)
        await connection.publish(self._topics["status"], status, 1, True)

    async def _follow(self, connection):
        """Subscribe to what is said in this node's zone, and to the keys of what is said there."""
        terms = self._agent.keychain.terms
        chain = None if terms is None else terms.name
        if chain != self._chain:
            if self._chain is not None:
                await connection.unsubscribe([names.chain_topic(self._chain)])
            self._chain = chain
            await connection.subscribe([names.chain_topic(chain)])
        zone = self._agent.settings.zone
        if zone == self._zone:
            return
        if self._zone is not None:
            await connection.unsubscribe([names.zone_topic(self._zone, "session")])
            self._missed = True  # what went on air there just before
        self._zone = zone
        if zone is not None:
            try:
                await connection.subscribe([names.zone_topic(zone, "session")])
            except RefusedError:
                self._hal.log("link: the zone %s is not this node's" % zone)
                self._agent.announce([])

    def _message(self, topic, payload):
        try:
            if topic == self._topics["command"]:
                self._agent.commands.receive(payload)
            elif self._zone is not None and topic == names.zone_topic(self._zone, "session"):
                self._missed = not self._agent.hear(payload, self._zone) or self._missed
            elif self._chain is not None and topic == names.chain_topic(self._chain):
                self._agent.hear_chain(payload)
        except ForgedError:
            self._agent.counters["forged"] += 1
        except WireError as error:
            self.rejected += 1
            self._hal.log("refused from %s: %s" % (topic[-64:], error))


async def _outcome(connection):
    """Run a connection; return what ended it. MicroPython prints a task's exception that nobody awaits at once."""
    try:
        await connection.run()
    except Exception as error:
        return error


async def _end(task):
    """Cancel a task and wait until it has let go of its socket."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
