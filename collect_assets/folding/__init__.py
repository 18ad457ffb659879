"""Days folded into versions of items: what was created, updated, touched, deleted, restored, and what is held."""
