"""What a report to a library's maintainers says beyond the table of defects."""
