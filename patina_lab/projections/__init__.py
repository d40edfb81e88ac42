"""What the log means: pure functions from relations to a table."""
