"""What several tests build: exports, corpora, runs, stores, pages. No test imports another."""
