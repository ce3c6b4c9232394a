"""Drop folders: audio that lands there is transcribed, once, whatever happens."""
