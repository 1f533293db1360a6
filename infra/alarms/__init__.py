"""Alarms of a deployment."""
