"""How long a test waits for a process: longer than any takes on a busy machine."""

PATIENCE_S = 1200
