"""The hotkey agent: keys of the whole desktop start and end dictations, whose texts it puts at the cursor."""
