"""Makes ``test-en``, the small English speech model that demos and tests run with.

Owns the whole recipe: sentences (`text`), speech (`speech`), augmentation (`augment`), features (`features`), windows
(`windows`), the network (`network`), training (`train`), export (`export`), measuring (`evaluate`) and widening to a
real model's cost (`widen`). Nothing of whisperd imports it; the package only carries what `export` writes.
"""
