"""Write, rotate, repair, verify and read boards."""
