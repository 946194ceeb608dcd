"""Backup, restore, drill and removal of unused files."""
