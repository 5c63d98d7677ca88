"""What somebody does who wants to speak through the horns. Each kind goes on for some seconds against a village on air.

Those on the path between controller and nodes see every datagram before its receiver does, write any sender into their
own, and can hold others' back; those at the broker have it in their hands. What they try to play is a siren.
"""

ON_PATH = ("forged_rtp", "bit_flip", "replay", "stolen_node", "time_forgery", "time_delay", "flood")
AT_THE_BROKER = ("rogue_client", "command_replay", "lying_broker")
KINDS = ("malformed", *ON_PATH, *AT_THE_BROKER)
FOREIGN_COUNTER = 1_000_000_000
"""From here on count the commands of attackers, and no controller's."""
