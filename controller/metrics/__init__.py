"""What Prometheus collects: gathered in the loop, written in a thread."""
