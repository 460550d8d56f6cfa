"""ZoomSR, the web app: what a browser is given, a server for it, and the same as plain files."""
