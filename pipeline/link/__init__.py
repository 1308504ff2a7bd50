"""Networks over many runs: which accounts and conversations belong together, and why, as evidence for a person to read.

`safelight link RUN… --out DIR` reads finished runs and writes nodes, edges, identity links and patterns (`pipeline.link.tables`).
Nothing here decides about a person: a link says that two accounts may be one person, a pattern says what to read together.
"""
