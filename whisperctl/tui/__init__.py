"""The live view, `whisperctl top`: everything the daemon does on one screen, and keys to act on it.

`picture` holds what is known of the daemon as a frozen value, and `advance` is the pure rule by which `inputs`
(answers, events, orders) change it; `link`, `inquiry` and `orders` are the conversation over the socket; `views`,
`rows`, `frame`, `panels` and `details` are pure functions from the picture to lines, which `scene` puts together; `app`
with its widgets puts them on a Textual screen. Textual is imported here only.
"""
