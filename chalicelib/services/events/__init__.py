"""Events in: accept, award, reject, record failures."""
