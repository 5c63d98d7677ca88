"""A village in virtual time: the real engine and the real firmware in one event loop whose clock jumps from event to event."""
