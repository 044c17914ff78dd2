"""The page at ``/``: a shell, its style and its scripts, as a browser gets them; no build step."""
