"""Shell completion: the values that TAB offers, and the scripts for each shell."""
