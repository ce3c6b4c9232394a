"""Dictation: from a pressed key to a text, which is in the history before anybody is given it."""
