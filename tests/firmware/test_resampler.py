"""How clean a tone stays that the drift corrector reads at another rate."""

from array import array

import numpy as np
import pytest

from firmware.node.drift import DriftCorrector

RATE = 48_000


def thd_n_db(samples: np.ndarray, hz: float) -> float:
    """Everything that is not the tone of about `hz`, against it: least squares over its exact frequency."""
    n = np.arange(len(samples))
    best = np.inf
    for frequency in hz * (1 + np.linspace(-2e-5, 2e-5, 41)):
        basis = np.stack([np.sin(2 * np.pi * frequency / RATE * n), np.cos(2 * np.pi * frequency / RATE * n)], axis=1)
        weights = np.linalg.lstsq(basis, samples, rcond=None)[0]
        tone = basis @ weights
        best = min(best, np.sum((samples - tone) ** 2) / np.sum(tone**2))
    return float(10 * np.log10(best))


@pytest.mark.parametrize(
    ("hz", "ppm", "limit_db"),
    [(1000, 100.0, -70), (1000, -100.0, -70), (1000, 50.0, -70), (1000, 5000.0, -70), (3000, 50.0, -48)],
)
def test_a_tone_stays_clean(hz: int, ppm: float, limit_db: float) -> None:
    source = array("h", np.round(20_000 * np.sin(2 * np.pi * hz / RATE * np.arange(50_000))).astype(np.int16))
    drift = DriftCorrector()
    drift.jump(1, 0)
    drift.steer(0.0, ppm)
    out = array("h", bytes(2 * 480))
    emitted = []
    for _ in range(100):
        drift.run(source, drift.position, out, 480)
        emitted.extend(out)
    found = thd_n_db(np.array(emitted, float), hz * (1 + ppm * 1e-6))
    print(f"{hz} Hz at {ppm} ppm: THD+N {found:.1f} dB")
    assert found <= limit_db
