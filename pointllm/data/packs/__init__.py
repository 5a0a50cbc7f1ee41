"""Public packs of 3D objects and sounds: what there is (`table`), and bringing one into a data folder (`fetch`)."""
