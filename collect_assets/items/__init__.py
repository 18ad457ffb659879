"""Items: what a record is, its identity and canonical form, and its life from day to day."""
