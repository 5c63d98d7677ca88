"""The link to the nodes: the broker and what is said through it."""
