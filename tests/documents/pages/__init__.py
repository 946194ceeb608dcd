"""Small projects in which the command blocks of the documents are carried out, page by page."""
