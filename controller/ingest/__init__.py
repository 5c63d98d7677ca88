"""Sources of sound: each becomes one pipe of 48 kHz mono float32 samples from a resource-limited child."""
