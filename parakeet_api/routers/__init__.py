"""The resources of the API, a module each; every module has a ``router``."""
