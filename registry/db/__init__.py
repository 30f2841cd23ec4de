"""The database: column types, the unit of work, paging. The one place that knows dialects."""
