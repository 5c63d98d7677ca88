"""How a programme is coded and carried: the three profiles of a session."""

from dataclasses import dataclass

from codec.wire.tesla import Terms

VOIP = "voip"
RESTRICTED_LOWDELAY = "restricted_lowdelay"


@dataclass(frozen=True)
class Profile:
    """Settings of one kind of session.

    name: what people choose by. frame_us: length of a frame and of a mixing block, microseconds.
    lead_us: media time to play time, microseconds. bitrate: bit/s of the Opus stream. complexity: 0-10.
    application: VOIP or RESTRICTED_LOWDELAY. fec: in-band forward error correction on. dtx: stop sending in silence.
    expected_loss_percent: what the encoder prepares for; 0 makes in-band FEC empty.
    lead_least_us, lead_most_us: between these the lead follows the members' arrivals, lead_us being the first; a
    lead_most_us of 0 keeps it as it is.
    lag: after how many frames the key of a frame is told (codec.wire.tesla; an interval is a frame). A frame counts if
    it comes before that, and is played once a later one has told the key: half of what the lead leaves does for both.
    """

    name: str
    frame_us: int
    lead_us: int
    bitrate: int
    complexity: int
    application: str
    fec: bool
    dtx: bool
    expected_loss_percent: int
    lag: int
    lead_least_us: int = 0
    lead_most_us: int = 0

    @property
    def shortest_lead_us(self) -> int:
        """The shortest lead that a stream may have."""
        return self.lead_least_us if self.lead_most_us else self.lead_us

    @property
    def longest_lead_us(self) -> int:
        """The longest lead that a stream may have."""
        return self.lead_most_us or self.lead_us

    @property
    def terms(self) -> Terms:
        """How the profile's chain of keys is used."""
        return Terms(self.name, self.frame_us, self.lag)

    @property
    def lag_us(self) -> int:
        """How long a frame waits for its key, microseconds."""
        return self.lag * self.frame_us

    @property
    def frame_samples(self) -> int:
        """Samples of a frame at 48 kHz."""
        return self.frame_us * 48 // 1000


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("lan", 20_000, 150_000, 32_000, 5, VOIP, fec=True, dtx=False, expected_loss_percent=1, lag=3),
        Profile(
            *("low", 10_000, 53_000, 48_000, 5, RESTRICTED_LOWDELAY),
            fec=False,
            dtx=False,
            expected_loss_percent=0,
            lag=2,
        ),
        Profile(
            *("mobile", 20_000, 800_000, 24_000, 8, VOIP),
            fec=True,
            dtx=False,
            expected_loss_percent=10,
            lag=12,
            lead_least_us=400_000,
            lead_most_us=1_500_000,
        ),
    )
}
