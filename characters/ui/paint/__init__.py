"""The drawing: people, rooms, badges, cards and panels."""
