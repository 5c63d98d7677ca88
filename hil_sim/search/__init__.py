"""The search for faults: scenarios drawn from seeds, what must hold in each, and the shortest that fails."""
