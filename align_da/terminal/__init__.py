"""What stands between a command and a person: how it begins, what it tells, and how it ends."""
