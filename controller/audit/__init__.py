"""The audit: every change and every broadcast, hash-chained, so that no record can be altered unseen."""
