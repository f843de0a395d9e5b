"""Training of the token classifier that labels rows, columns, titles and figures."""
