"""Where events are kept: built aside, put in place atomically, opened read-only."""
