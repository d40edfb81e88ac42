"""Where events come from: read-only, one file a source."""
