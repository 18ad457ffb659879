"""The logs of many days as tables: one Parquet file a day, and log.csv and resource.csv for readers of their own."""
