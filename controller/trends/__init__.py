"""What nodes told over time: sampled each minute, packed by node, read as plots."""
