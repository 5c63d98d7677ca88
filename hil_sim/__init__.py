"""A village without poles: boards, crystals, networks and air are simulated, everything of ours is the real
thing.
"""
