"""Carries plans out, through the port."""
