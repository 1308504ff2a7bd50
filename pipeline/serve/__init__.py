"""Score over HTTP: `safelight serve` answers whole conversations and single messages, without keeping any."""
