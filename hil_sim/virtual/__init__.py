"""A village in virtual time: the real engine and the real firmware in one loop whose clock jumps ahead."""
