"""What a profile gives reason to say to the owner of the table."""
