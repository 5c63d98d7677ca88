"""What outlives the process: the database and the sound files."""
