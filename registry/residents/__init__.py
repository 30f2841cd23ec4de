"""Which generating workers have which releases in memory, or are loading them."""
