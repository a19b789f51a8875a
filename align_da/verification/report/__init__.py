"""The report of cycling runs: a page to read, its words, and charts that answer to choices."""
