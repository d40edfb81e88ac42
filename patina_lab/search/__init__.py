"""Search: what was known about something, by words and by meaning, as of any time."""
