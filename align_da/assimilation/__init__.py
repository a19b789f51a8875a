"""Analysis methods behind one contract."""
