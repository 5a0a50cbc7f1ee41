"""Small towers of the embedded profile: they all land in the 384-dimensional all-MiniLM-L6-v2 sentence space.

Each module holds one tower and knows its own folder of weights; nothing here imports a tower, so that
a command which needs one of them does not pay for the others.
"""
