"""What was measured of a table: one frozen record that insights, reports and checks read."""
