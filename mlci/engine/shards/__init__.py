"""One evaluation in several jobs without a cluster: each has some of the rows, and what they count adds up."""
