"""HMAC against the standard library's."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.wire import command
from codec.wire.mac import Mac, derive, same


@given(key=st.binary(max_size=64), parts=st.lists(st.binary(max_size=200), max_size=4))
def test_is_hmac_sha_256(key: bytes, parts: list[bytes]) -> None:
    assert Mac(key).digest(*parts) == hmac.digest(key, b"".join(parts), hashlib.sha256)


def test_refuses_a_key_that_it_would_have_to_shorten() -> None:
    with pytest.raises(ValueError, match="longer than a block"):
        Mac(bytes(65))


@given(one=st.binary(max_size=20), other=st.binary(max_size=20))
def test_same_is_equality(one: bytes, other: bytes) -> None:
    assert same(one, other) == (one == other)
    assert same(one, memoryview(bytes(one)))


def test_keys_of_two_purposes_differ() -> None:
    key = bytes(range(32))
    assert len({key, derive(key, "time"), derive(key, "command")}) == 3


@given(
    key=st.binary(min_size=32, max_size=32),
    nonce=st.binary(min_size=16, max_size=16),
    secret=st.binary(min_size=32, max_size=32),
)
def test_what_is_wrapped_is_read_by_its_key_alone(key: bytes, nonce: bytes, secret: bytes) -> None:
    wrapped = command.wrap(key, nonce, secret)
    assert command.wrap(key, nonce, wrapped) == secret
    assert command.wrap(bytes(31) + b"x", nonce, wrapped) != secret or key == bytes(31) + b"x"
    assert command.wrap(key, bytes([nonce[0] ^ 1]) + nonce[1:], wrapped) != secret
