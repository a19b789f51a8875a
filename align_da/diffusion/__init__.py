"""The score model: noise schedules, denoisers, objective and samplers."""
