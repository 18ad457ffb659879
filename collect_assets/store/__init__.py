"""Files: written whole or not at all, named by what is in them, checked when they are used again."""
