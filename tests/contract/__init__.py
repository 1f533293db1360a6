"""Calls of every operation: recorded as examples of the document, and repeated through generated clients."""
