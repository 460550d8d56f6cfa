"""How long a test waits for a process.

Longer than any takes on a busy machine, but not so long that CI is ended before it says which test
waited in vain.
"""

PATIENCE_S = 400
