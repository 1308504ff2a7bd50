"""The encoder model: tokens, network, context head, risk head, and the prefilter before them."""
