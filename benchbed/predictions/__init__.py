"""Predictions on disk: one parquet file per unit of work, self-describing, readable by pandas and any other tool."""
