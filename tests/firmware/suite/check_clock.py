"""What the clock promises, by plain functions that run on CPython and MicroPython alike."""

from chance import Chance

from codec.wire import names, sync
from codec.wire.errors import WireError
from firmware.node.clock import Clock


def _exchange(clock, now_us, forth_us, back_us, offset_us):
    """Run the clock until it has sent and received one burst; return the time."""
    closed = clock.bursts
    for _ in range(6000):
        request = clock.poll(now_us)
        if request is not None:
            t2_us = now_us + forth_us() + offset_us
            back = now_us + forth_us() + back_us()
            assert clock.receive(bytes(sync.pack_reply(request, t2_us, t2_us)), max(back, now_us))
        if clock.bursts != closed:
            return now_us
        now_us += 1000
    raise AssertionError("the burst never ended")


def check_clock_locks_within_half_a_second():
    clock = Clock(names.node_tag("a"))
    now_us = _exchange(clock, 5000000, lambda: 4000, lambda: 4000, 10**15)
    assert clock.locked(now_us)
    assert now_us - 5000000 < 500000, now_us
    assert -50 < clock.media_us(now_us) - now_us - 10**15 < 50
    assert -2 <= clock.local_us(clock.media_us(now_us)) - now_us <= 2


def check_clock_follows_a_restarted_controller_and_no_single_outlier():
    clock = Clock(names.node_tag("b"))
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
    clock = Clock(names.node_tag("c"))
    request = clock.poll(1000)
    good = bytes(sync.pack_reply(request, 5, 6))
    for wrong in (
        bytes(sync.pack_reply(sync.pack_request(1, names.node_tag("c"), 1000), 5, 6)),
        bytes(sync.pack_reply(sync.pack_request(good[2] << 8 | good[3], names.node_tag("d"), 1000), 5, 6)),
        bytes(sync.pack_reply(sync.pack_request(good[2] << 8 | good[3], names.node_tag("c"), 999), 5, 6)),
    ):
        assert clock.receive(wrong, 2000) is False
    assert clock.receive(good, 2000) is True
    assert clock.receive(good, 2000) is False
    try:
        clock.receive(good[:-1], 2000)
        raise AssertionError("a short reply was taken")
    except WireError:
        pass


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
            replies.append((t2_us + back_us(), bytes(sync.pack_reply(request, media_us, media_us))))
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
        clock = Clock(names.node_tag("d"))
        errors, bounds = _settle(clock, _about(chance, forth_us), _about(chance, back_us), 60)
        assert min([abs(error) for error in errors]) > 25000  # nothing can see it
        for error, bound in zip(errors, bounds):
            assert -bound <= error <= bound, (error, bound)
            assert bound < 60000


def check_clock_averages_even_jitter():
    chance = Chance(12)
    clock = Clock(names.node_tag("e"))
    errors, _ = _settle(clock, lambda: 3000 + chance.next(4000), lambda: 3000 + chance.next(4000))
    # An exchange errs by 0.8 ms, a burst's mean by 0.3.
    assert max([abs(error) for error in errors]) < 350, max(errors)


def check_clock_trusts_the_quick_where_there_are_queues():
    chance = Chance(13)

    def queue():
        return 3000 + (chance.next(20000) if chance.next(3) else chance.next(100))

    clock = Clock(names.node_tag("f"))
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
        clock = Clock(names.node_tag("g"))
        errors, bounds = _settle(clock, _filling_queue(chance, first), _about(chance, 5000, 1000))
        assert max([abs(error) for error in errors]) < 400, max(errors)
        for error, bound in zip(errors, bounds):
            assert -bound <= error <= bound, (error, bound)
