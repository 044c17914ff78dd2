"""A tear sheet as people read it: an HTML page, charts, a table. No Dagster here, and no maths."""
