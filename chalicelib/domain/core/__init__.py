"""Values and errors that every concern uses."""
