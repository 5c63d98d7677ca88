"""What the clock promises, by plain functions that run on CPython and MicroPython alike."""

from chance import Chance
from voice import NODE_KEY

from codec.wire import names, sync
from codec.wire.errors import ForgedError, WireError
from codec.wire.mac import Mac, derive
from firmware.node.clock import Clock

KEY = Mac(derive(NODE_KEY, "time"))
OTHER = Mac(derive(NODE_KEY, "command"))


def _clock(name, seed=1):
    chance = Chance(seed)
    return Clock(names.node_tag(name), KEY, lambda: chance.next(256))


def _reply(request, t2_us, t3_us, key=KEY):
    return bytes(sync.pack_reply(request, t2_us, t3_us, key))


def _exchange(clock, now_us, forth_us, back_us, offset_us):
    """Run the clock until it has sent and received one burst; return the time."""
    closed = clock.bursts
    for _ in range(6000):
        request = clock.poll(now_us)
        if request is not None:
            t2_us = now_us + forth_us() + offset_us
            back = now_us + forth_us() + back_us()
            assert clock.receive(_reply(request, t2_us, t2_us), max(back, now_us))
        if clock.bursts != closed:
            return now_us
        now_us += 1000
    raise AssertionError("the burst never ended")


def check_clock_locks_within_half_a_second():
    clock = _clock("a")
    now_us = _exchange(clock, 5000000, lambda: 4000, lambda: 4000, 10**15)
    assert clock.locked(now_us)
    assert now_us - 5000000 < 500000, now_us
    assert -50 < clock.media_us(now_us) - now_us - 10**15 < 50
    assert -2 <= clock.local_us(clock.media_us(now_us)) - now_us <= 2


def check_clock_follows_a_restarted_controller_and_no_single_outlier():
    clock = _clock("b")
    now_us = 0
    for _ in range(12):
        now_us = _exchange(clock, now_us, lambda: 3000, lambda: 3000, 10**15)
    for sign in (1, -1):
        now_us = _exchange(clock, now_us, lambda: 3000, lambda: 3000, 10**15 + sign * 50000)
        assert -100 < clock.media_us(now_us) - now_us - 10**15 < 100
        now_us = _exchange(clock, now_us, lambda: 3000, lambda: 3000, 10**15)
    for _ in range(2):
        now_us = _exchange(clock, now_us, lambda: 3000, lambda: 3000, 10**15 - 10**12)
    assert -100 < clock.media_us(now_us) - now_us - 10**15 + 10**12 < 100


def check_clock_takes_no_reply_that_it_did_not_ask_for():
    clock = _clock("c")
    request = clock.poll(1000)
    good = _reply(request, 5, 6)
    sequence, _, t1, _ = sync.parse_request(request)
    for other in (
        sync.pack_request(sequence + 1, names.node_tag("c"), t1, KEY),
        sync.pack_request(sequence, names.node_tag("d"), t1, KEY),
        sync.pack_request(sequence, names.node_tag("c"), t1 - 1, KEY),
    ):
        assert clock.receive(_reply(other, 5, 6), 2000) is False
    assert clock.receive(good, 2000) is True
    assert clock.receive(good, 2000) is False
    try:
        clock.receive(good[:-1], 2000)
        raise AssertionError("a short reply was taken")
    except WireError:
        pass


def check_a_reply_of_an_earlier_boot_is_none_to_this_one():
    """A board's counter begins anew with each boot: what somebody recorded then must say nothing of the time now."""
    recorded = []
    for seed in (1, 2):
        clock = _clock("c", seed)
        for now_us in range(3200000, 3240000, 1000):
            for old in recorded if seed == 2 else ():
                assert not clock.receive(old, now_us)
            request = clock.poll(now_us)
            if request is not None and seed == 1:
                recorded.append(_reply(request, 10**15, 10**15))
                assert clock.receive(recorded[-1], now_us)
        assert (clock.latest_us(now_us) is None) == (seed == 2)
    assert len(recorded) >= 8


def _settle(clock, forth_us, back_us, bursts=120):
    """Exchange `bursts` bursts with a controller whose clock runs 30 ppm faster; return errors and bounds after 20."""
    now_us = 0
    errors, bounds = [], []
    replies = []
    while clock.bursts < bursts:
        request = clock.poll(now_us)
        if request is not None:
            t2_us = now_us + forth_us()
            media_us = t2_us + t2_us * 30 // 1000000 + 10**15
            replies.append((t2_us + back_us(), _reply(request, media_us, media_us)))
        for reply in [reply for reply in replies if reply[0] <= now_us]:
            replies.remove(reply)
            clock.receive(reply[1], reply[0])
        if clock.bursts > 20:
            errors.append(clock.media_us(now_us) - now_us - now_us * 30 // 1000000 - 10**15)
            bounds.append(clock.uncertainty_us(now_us))
        now_us += 2000
    return errors, bounds


def _about(chance, least_us, scatter_us=4000):
    return lambda: least_us + chance.next(scatter_us)


def check_clock_bounds_what_asymmetry_hides():
    chance = Chance(11)
    for forth_us, back_us in ((20000, 80000), (80000, 20000)):
        clock = _clock("d")
        errors, bounds = _settle(clock, _about(chance, forth_us), _about(chance, back_us), 60)
        assert min([abs(error) for error in errors]) > 25000  # nothing can see it
        for error, bound in zip(errors, bounds):
            assert -bound <= error <= bound, (error, bound)
            assert bound < 60000


def check_clock_averages_even_jitter():
    chance = Chance(12)
    clock = _clock("e")
    errors, _ = _settle(clock, lambda: 3000 + chance.next(4000), lambda: 3000 + chance.next(4000))
    # An exchange errs by 0.8 ms, a burst's mean by 0.3.
    assert max([abs(error) for error in errors]) < 350, max(errors)


def check_clock_trusts_the_quick_where_there_are_queues():
    chance = Chance(13)

    def queue():
        return 3000 + (chance.next(20000) if chance.next(3) else chance.next(100))

    clock = _clock("f")
    errors, _ = _settle(clock, queue, queue)
    # A mean would err by 1.6 ms a burst.
    assert max([abs(error) for error in errors]) < 600, max(errors)


def _filling_queue(chance, first):
    """Return the way forth of a path on which others fill a queue, by up to 150 ms, for five bursts of twenty."""
    asked = [first]

    def forth_us():
        asked[0] += 1
        return 5000 + chance.next(1000) + min(max(asked[0] % 160 - 120, 0), 25) * 6000

    return forth_us


def check_clock_is_not_carried_off_by_a_queue_that_fills_and_drains():
    for first in (0, 120):  # the second boots into it
        chance = Chance(14)
        clock = _clock("g")
        errors, bounds = _settle(clock, _filling_queue(chance, first), _about(chance, 5000, 1000))
        assert max([abs(error) for error in errors]) < 400, max(errors)
        for error, bound in zip(errors, bounds):
            assert -bound <= error <= bound, (error, bound)


def _forged(clock, data, now_us):
    try:
        clock.receive(data, now_us)
    except ForgedError:
        return True
    return False


def check_a_forged_reply_changes_nothing():
    clock = _clock("h")
    now_us = _exchange(clock, 1000000, lambda: 4000, lambda: 4000, 10**15)
    while True:
        request = clock.poll(now_us)
        if request is not None:
            break
        now_us += 1000
    known = (clock.latest_us(now_us), clock.media_us(now_us), clock.bursts, clock.round_trip_us)
    good = _reply(request, now_us + 4000 + 10**15, now_us + 4000 + 10**15)
    early = _reply(request, now_us + 10**15 - 60000000, now_us + 10**15 - 60000000, OTHER)
    later = good[:35] + bytes([good[35] ^ 64]) + good[36:]
    for data in (early, later, good[:36] + bytes(16)):
        assert _forged(clock, data, now_us + 8000)
        assert not clock.receive(request[:1] + b"\x02" + request[2:], now_us + 8000)  # the request, sent back
        assert known == (clock.latest_us(now_us), clock.media_us(now_us), clock.bursts, clock.round_trip_us)
    assert clock.receive(good, now_us + 8000)  # it has not taken the place of the true one


class _Path:
    """Ways there and back whose delays are quick, or slow, or somebody's who holds back what he likes."""

    def __init__(self, chance, held):
        self._chance = chance
        self._held = held
        self.least_us = 1000 + chance.next(40000)
        self.least_sent_us = None

    def us(self):
        chance = self._chance
        delay_us = self.least_us + chance.next(3000)
        if chance.next(4) == 0:
            delay_us += chance.next(100000)
        if self._held and chance.next(3) == 0:
            delay_us += chance.next(1500000)
        return delay_us


def _live(chance, forth, back, ppm, seconds, media, look):
    """Run a node's clock; look(clock, local_us, media_us) is called every few milliseconds."""
    clock = _clock("i")
    scale = 1 + ppm * 1e-6
    zero_us = chance.next(1 << 22)
    replies = []
    now_us = 0
    while now_us < seconds * 1000000:
        now_us += 2000 + chance.next(1500)
        local_us = int(now_us * scale) + zero_us
        request = clock.poll(local_us)
        if request is not None:
            came_us = now_us + forth.us()
            answered_us = came_us + chance.next(300)
            if chance.next(10):
                reply = _reply(request, media(came_us), media(answered_us))
                replies.append((answered_us + back.us(), reply))
        for reply in [reply for reply in replies if reply[0] <= now_us]:
            replies.remove(reply)
            clock.receive(reply[1], int(now_us * scale) + zero_us)
        look(clock, int(now_us * scale) + zero_us, media(now_us))
    return clock


def check_the_latest_time_is_never_earlier_than_the_true_one():
    """What the key's secrecy stands on: whoever delays exchanges can only make the node more careful."""
    chance = Chance(31)
    for number in range(10):
        ppm = (-140, 140, 0, 90, -60)[number % 5]
        slew_ppm = (20, -20)[number % 2]
        forth, back = _Path(chance, number > 3), _Path(chance, number > 5)
        most_us = [0]

        def media(true_us, slew_ppm=slew_ppm):
            return 10**15 + true_us + true_us * slew_ppm // 1000000

        def look(clock, local_us, media_us, most_us=most_us):
            latest_us = clock.latest_us(local_us)
            if latest_us is not None:
                assert latest_us >= media_us, latest_us - media_us
                most_us[0] = latest_us - media_us

        _live(chance, forth, back, ppm, 30, media, look)
        assert most_us[0] > 0
        # And it is of use: off by the quickest way there, and what crystals may have drifted since.
        assert number > 3 or most_us[0] < forth.least_us + 3000 + 5000, (number, most_us[0], forth.least_us)


def check_a_slewed_controller_is_not_believed_to_be_earlier_by_who_delays_everything():
    """Old bounds are all that is left then: they must widen as fast as NTP may turn the controller's clock."""
    chance = Chance(35)
    forth, back = _Path(chance, False), _Path(chance, False)
    forth.least_us = 1000

    def look(clock, local_us, media_us):
        if clock.bursts == 12:
            forth.least_us = back.least_us = 90000
        latest_us = clock.latest_us(local_us)
        assert latest_us is None or latest_us >= media_us, latest_us - media_us

    clock = _live(chance, forth, back, -100, 40, lambda true_us: 10**15 + true_us + true_us // 2000, look)
    assert clock.bursts > 20, clock.bursts


def check_it_follows_a_controller_whose_clock_was_stepped():
    for step_us in (120000, -120000, 10**10, -(10**10)):
        chance = Chance(33)
        forth, back = _Path(chance, False), _Path(chance, False)
        forth.least_us = back.least_us = 60000 + (20000 if abs(step_us) < 10**6 else 0)
        off_us = []

        def media(true_us, step_us=step_us):
            return 10**15 + true_us + (step_us if true_us > 20000000 else 0)

        def look(clock, local_us, media_us, off_us=off_us):
            latest_us = clock.latest_us(local_us)
            off_us.append(0 if latest_us is None else latest_us - media_us)

        _live(chance, forth, back, 20, 40, media, look)
        late = off_us[-len(off_us) // 4 :]
        assert min(late) >= 0, (step_us, min(late))
        assert max(late) < 300000, (step_us, max(late))
