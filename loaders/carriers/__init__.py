"""What carriers send: bill downloads, national bill layouts and call records."""
