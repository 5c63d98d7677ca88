"""What is wrong, by rule: raised, shown, told to people, acknowledged, cleared, kept."""
