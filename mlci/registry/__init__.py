"""Where promoted models live: an append-only ledger and the files that it names by digest."""
