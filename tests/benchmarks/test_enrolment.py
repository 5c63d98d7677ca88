"""The benchmark counts what a controller really enrolled and refused."""

from benchmarks import enrolment


def test_every_code_is_good_once() -> None:
    result = enrolment.run(nodes=22)
    assert (result["enrolled"], result["tried_again"]) == (22, 22)
    assert (result["good_twice"], result["refused"]) == (0, 22)
    assert "good twice" in enrolment.describe(result)
