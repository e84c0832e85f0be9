"""The A/B gate: runs allocators against each other on the benchmark lanes and says GO or NO-GO."""
