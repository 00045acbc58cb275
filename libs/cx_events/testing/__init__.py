"""For tests, ours and others': builders of events, and the contract suites of the ports."""
