"""From a typed frame to the matrix a family needs."""
